"""Pictures: where the delay comes from, how a solver got to its answer, and whether a run kept to its plan.

matplotlib is imported when a picture is drawn; without it every function raises SolverUnavailable.
"""

from rasolve.plots.delay import delay_by_stage
from rasolve.plots.steps import convergence
from rasolve.plots.timeline import timeline

__all__ = ["convergence", "delay_by_stage", "timeline"]
