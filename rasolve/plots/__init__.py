"""Pictures: where delay comes from, where a model is split, how a solver got there, if a run kept to its plan, fits;
what a path over time slots spends, and what delay and energy cost one another.

matplotlib is imported when a picture is drawn; without it every function raises SolverUnavailable.
"""

from rasolve.plots.delay import delay_by_stage
from rasolve.plots.front import pareto
from rasolve.plots.graph import has_layers, split_graph
from rasolve.plots.path import queues
from rasolve.plots.rounds import rounds_by_rank
from rasolve.plots.steps import convergence
from rasolve.plots.sweep import tradeoff
from rasolve.plots.time import time_fit
from rasolve.plots.timeline import timeline
from rasolve.plots.turns import turns

__all__ = [
    "convergence",
    "delay_by_stage",
    "has_layers",
    "pareto",
    "queues",
    "rounds_by_rank",
    "split_graph",
    "time_fit",
    "timeline",
    "tradeoff",
    "turns",
]
