"""Pictures: where the delay comes from, and how a solver got to its answer.

matplotlib is imported when a picture is drawn; without it every function raises SolverUnavailable.
"""

from rasolve.plots.delay import delay_by_stage
from rasolve.plots.steps import convergence

__all__ = ["convergence", "delay_by_stage"]
