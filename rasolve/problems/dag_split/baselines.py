"""The rules that DagSplit is compared with (reconstructed: the paper names such rules, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Alternative, Choice, Formulation
from rasolve.problems.base import Baseline
from rasolve.problems.dag_split import closed, forms
from rasolve.problems.dag_split.decision import DagSplitDecision

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


def baselines(problem: DagSplit) -> dict[str, Baseline]:
    """Return everything on one tier, the best single cut of the layers in a row, and one cut for the usual rates."""
    rules = [
        Baseline("device", "everything on the device", lambda _: _all_on(problem, 0)),
        Baseline("server", "everything but raw data on the server", lambda _: _all_on(problem, 1)),
        Baseline("chain", "best cut of the layers in topological order, as of a chain", lambda _: _chain(problem)),
        Baseline("static", "the optimum for the usual rates, kept", lambda _: _static(problem)),
    ]
    if problem.tiers > 2:
        rules.insert(2, Baseline("cloud", "everything but raw data in the cloud", lambda _: _all_on(problem, 2)))
    return {rule.name: rule for rule in rules}


def _all_on(problem: DagSplit, tier: int) -> Formulation:
    placed = np.full(problem.layers, tier)
    placed[problem.inputs] = 0
    decision = DagSplitDecision(placed)
    fits = problem.check(decision).feasible
    delay = problem.evaluate(decision).objective
    return Formulation(Choice((Alternative(tier, delay),) if fits else ()), lift=lambda _: decision)


def _chain(problem: DagSplit) -> Formulation:
    return Formulation(closed.closed_set(problem, chained=True), lift=lambda sets: forms.decision(problem, sets))


def _static(problem: DagSplit) -> Formulation:
    """Return the problem at its usual rates, or at its own where it has no others; its optimum is judged at its own."""
    usual = problem
    if problem.usual_uplink_bps is not None and problem.usual_downlink_bps is not None:
        usual = problem.replace(uplink_bps=problem.usual_uplink_bps, downlink_bps=problem.usual_downlink_bps)
    formulation = forms.as_closed_set(usual)
    return Formulation(formulation.form, formulation.lift)
