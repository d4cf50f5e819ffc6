"""What is given: radio, path loss, devices, workload, units."""

from rasolve.scenario import devices, path_loss, radio, units, workload

__all__ = ["devices", "path_loss", "radio", "units", "workload"]
