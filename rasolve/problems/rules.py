"""Rules that decide outright, by no solver: how they become baselines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rasolve.forms import Alternative, Choice, Formulation
from rasolve.problems.base import Baseline, Decision, Problem

Rule = Callable[[np.random.Generator], Decision]
"""What a rule decides, given a random generator."""


def ruled(problem: Problem, name: str, says: str, rule: Rule, *, keeps_limits: bool) -> Baseline:
    """Return the baseline of a rule, with its name, its description and whether it keeps the limits."""
    return Baseline(name, says, lambda rng: settled(problem, rule(rng)), keeps_limits=keeps_limits)


def settled(problem: Problem, decision: Decision) -> Formulation:
    """Return the form of a decision that is made already."""
    made = Alternative(decision, problem.evaluate(decision).objective)
    return Formulation(Choice((made,)), lift=lambda chosen: chosen.label)
