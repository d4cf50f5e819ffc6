"""What a DagSplit decision costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.errors import InputError
from rasolve.problems.base import TOLERANCE, Check, Constraint, Evaluation
from rasolve.problems.dag_split import delay
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit

NAMED = 3
"""Layers up to which those whose output crosses are named."""

ZERO = np.asarray(0.0)
"""The limit of what must not be."""


def evaluate(problem: DagSplit, decision: DagSplitDecision) -> Evaluation:
    """Return the delay of a round [s], its parts by tier and link, and the memory of the device where it is known."""
    reject_misfit(problem, decision)
    parts = delay.parts(problem, decision.tier)
    if problem.memory_bytes is not None:
        parts["device_memory_bytes"] = problem.memory_bytes[decision.tier == 0].sum()
    return Evaluation(float(parts["round_s"]), parts)


def check(problem: DagSplit, decision: DagSplitDecision) -> Check:
    """Return what a split must keep: the order of the tiers, the place of raw data, and the memory of the device."""
    reject_misfit(problem, decision)
    tier = decision.tier
    parent, child = problem.edges.T
    found = [
        Constraint("layers on a lower tier than a layer that they read", _count(tier[parent] > tier[child]), ZERO, ""),
        Constraint("raw data that is not on the device", _count(tier[problem.inputs] > 0), ZERO, ""),
    ]
    if problem.memory_bytes is not None and problem.device_memory_bytes is not None:
        needed, limit = problem.memory_bytes[tier == 0].sum(), np.asarray(problem.device_memory_bytes)
        found.append(Constraint("memory of the device", needed, limit, "bytes"))
    return Check(tuple(found))


def _count(wrong: np.ndarray) -> np.ndarray:
    return np.asarray(float(wrong.sum()))


def explain(problem: DagSplit) -> tuple[str, ...]:
    """Return the one reason there can be: raw data that do not fit the device."""
    if problem.memory_bytes is None or problem.device_memory_bytes is None:
        return ()
    needed = float(problem.memory_bytes[np.unique(problem.inputs)].sum())
    if needed <= problem.device_memory_bytes * (1 + TOLERANCE):
        return ()
    has = quantity(problem.device_memory_bytes, "B")
    return (f"the device needs {quantity(needed, 'B')} for the raw data alone and has {has}",)


def notes(problem: DagSplit, decision: DagSplitDecision | None) -> tuple[str, ...]:
    """Return which outputs cross each link."""
    if decision is None:
        return ()
    return tuple(_crossing(problem, decision, number) for number in range(problem.links))


def _crossing(problem: DagSplit, decision: DagSplitDecision, number: int) -> str:
    crosses = np.flatnonzero(delay.crossing(problem, decision.tier, number))
    to = ("to the server", "to the cloud")[number]
    if not crosses.size:
        return f"nothing is sent {to} but weights"
    listed = ", ".join(problem.layer_name(v) for v in crosses[:NAMED])
    more = f" and {len(crosses) - NAMED} more" if len(crosses) > NAMED else ""
    return f"sent {to} in a local step: {listed}{more}, {quantity(problem.output_bits[crosses].sum(), 'bit')}"


def reject_misfit(problem: DagSplit, decision: DagSplitDecision) -> None:
    """Reject a decision that does not fit the problem."""
    tier = decision.tier
    if np.shape(tier) != (problem.layers,):
        raise InputError(f"decision.tier has shape {list(np.shape(tier))}, needs [{problem.layers}]")
    if np.asarray(tier).dtype.kind not in "iu":
        raise InputError("decision.tier must hold whole numbers")
    if tier.min() < 0 or tier.max() >= problem.tiers:
        raise InputError(f"decision.tier must lie in 0 to {problem.tiers - 1}")
