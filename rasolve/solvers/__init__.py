"""Solvers: one file per algorithm; each takes a form and knows nothing of radios or LoRA."""

from rasolve.solvers.base import Limits, Solver, State, iterate
from rasolve.solvers.registry import register, solve_form, solver_named, solvers, solvers_for

__all__ = [
    "Limits",
    "Solver",
    "State",
    "iterate",
    "register",
    "solve_form",
    "solver_named",
    "solvers",
    "solvers_for",
]
