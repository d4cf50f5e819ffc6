"""What is given: radio, path loss, devices, workload, units."""

from rasolve.scenario import devices, graph, path_loss, radio, units, workload

__all__ = ["devices", "graph", "path_loss", "radio", "units", "workload"]
