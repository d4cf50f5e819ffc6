"""Solvers: one file per algorithm; each takes a form and knows nothing of radios or LoRA."""

from rasolve.solvers.base import Solver, State, iterate
from rasolve.solvers.batch import BatchState, solve_together
from rasolve.solvers.limits import Limits
from rasolve.solvers.registry import register, solve_form, solver_named, solvers, solvers_for

__all__ = [
    "BatchState",
    "Limits",
    "Solver",
    "State",
    "iterate",
    "register",
    "solve_form",
    "solve_together",
    "solver_named",
    "solvers",
    "solvers_for",
]
