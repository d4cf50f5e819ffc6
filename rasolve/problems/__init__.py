"""Problems: what is given, what a decision costs, and the forms it can be written in."""

from rasolve.problems.base import Baseline, Check, Constraint, Decision, Evaluation, Problem
from rasolve.problems.registry import load, problem_named, problems, register

__all__ = [
    "Baseline",
    "Check",
    "Constraint",
    "Decision",
    "Evaluation",
    "Problem",
    "load",
    "problem_named",
    "problems",
    "register",
]
