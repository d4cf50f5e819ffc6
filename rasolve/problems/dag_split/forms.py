"""DagSplit in its forms, each with the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import ClosedSet, CutNetwork, Formulation, Wiring
from rasolve.forms.formulation import numbers, require
from rasolve.forms.precedence import Mask
from rasolve.numerics import FloatArray
from rasolve.problems.dag_split import closed
from rasolve.problems.dag_split.decision import DagSplitDecision

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


UNCUT = CutNetwork(Wiring(np.array([0]), np.array([1]), 0, 1), np.array([np.inf]))
"""A network without a cut."""


def as_closed_set(problem: DagSplit) -> Formulation:
    """Return the problem as a cheapest closed set, the memory limit as its budget."""
    return Formulation(
        closed.closed_set(problem),
        lift=lambda sets: decision(problem, sets),
        lift_bound=lambda bound: bound,
        lower=lambda known: closed.set_of(problem, known.tier),
        lift_multipliers=_worth,
    )


def _worth(multipliers: dict[str, Any]) -> dict[str, Any]:
    return {"device_memory_bytes": multipliers["budget"]} if "budget" in multipliers else {}


def as_network(problem: DagSplit) -> Formulation:
    """Return the problem as a network to cut: without the memory limit, which is repaired where the cut breaks it.

    The bound holds all the same: without a limit nothing is slower. Where not even the raw data fit, the network is one
    that cannot be cut.
    """
    if problem.explain():
        return Formulation(UNCUT, lift=lambda side: decision(problem, side), lift_bound=lambda bound: bound)
    form = closed.closed_set(problem)
    network, n = form.network(), form.precedence.vertices

    def lower(known: DagSplitDecision) -> Mask:
        return form.side(closed.set_of(problem, known.tier))

    return Formulation(
        network,
        lift=lambda side: decision(problem, form.within_budget(side[:n])),
        lift_bound=lambda bound: bound,
        lower=lower,
    )


def as_program(problem: DagSplit) -> Formulation:
    """Return the problem as a mixed-integer linear program: one binary for a layer's place, one for its output."""
    form = closed.closed_set(problem)
    n, outside = form.precedence.vertices, float(form.outside.sum())
    return Formulation(
        form.program(),
        lift=lambda x: decision(problem, x[:n] > 0.5),
        lift_bound=lambda bound: bound + outside,
        lower=lambda known: form.variables(closed.set_of(problem, known.tier)),
    )


def decision(problem: DagSplit, sets: Mask) -> DagSplitDecision:
    """Return the decision that a closed set stands for."""
    return DagSplitDecision(closed.tiers(problem, np.asarray(sets)))


def lower_bound(problem: DagSplit) -> float:
    """Return what a round costs with every layer where it is cheapest by itself and no output sent."""
    form = closed.closed_set(problem)
    held = form.precedence.is_held
    return float(np.where(held, form.inside, np.minimum(form.inside, form.outside)).sum())


def over_time(
    problem: DagSplit, uplink_bps: Any, downlink_bps: Any, device_slowdown: Any, server_slowdown: Any
) -> ClosedSet:
    """Return the problem in every slot of a trace as a batch."""
    if problem.tiers > 2 or problem.device_memory_bytes is not None:
        raise InputError("over_time takes two tiers and no memory limit: solve the slots one by one")
    given = {
        "uplink_bps": problem.uplink_bps if uplink_bps is None else uplink_bps,
        "downlink_bps": problem.downlink_bps if downlink_bps is None else downlink_bps,
        "device_slowdown": device_slowdown,
        "server_slowdown": server_slowdown,
    }
    slots = {name: _per_slot(name, values) for name, values in given.items()}
    most = max(array.size for array in slots.values())
    for name, array in slots.items():
        if array.size not in (1, most):
            raise InputError(f"{name} has {array.size} slots, another setting has {most}: one number or as many each")
    return closed.over_time(problem, *np.broadcast_arrays(*slots.values()))


def _per_slot(name: str, values: Any) -> FloatArray:
    array = np.atleast_1d(numbers(name, values))
    if array.ndim != 1:
        raise InputError(f"{name} must be one number, or one for every slot")
    require(name, array, (array > 0) & (array < np.inf), "must be finite and above 0")
    return array
