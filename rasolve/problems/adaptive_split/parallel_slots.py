"""ParallelAdaptiveSplit as slots: one cost for each device, responses by search, proved bounds on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Formulation, Response, Slots
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.costs import curves, lowered
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.fleet import Fleet
from rasolve.problems.adaptive_split.fleet_bound import bounded
from rasolve.problems.adaptive_split.fleet_search import enumerable, enumerated, searched

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.parallel import ParallelAdaptiveSplit

TIE = 1e-9
"""Least price of energy: at it the most that a device can take is worth this share of the least possible delay."""


def fleet_of(problem: ParallelAdaptiveSplit, slots: slice) -> Fleet:
    """Return the fleet of some slots."""
    at = curves(problem, problem.channels.of(slots))
    return Fleet.of(at, problem.clock_min_hz, problem.clock_max_hz, at.delay_s.shape)


def formulate(problem: ParallelAdaptiveSplit) -> Formulation:
    """Return the slots of a problem, whose costs are the devices' energies of a slot."""

    def decided(fleet: Fleet, weight: float, price: FloatArray) -> tuple[IntArray, FloatArray]:
        if weight == 0:
            return frugal(fleet, price)
        return enumerated(fleet, weight, price) if enumerable(fleet) else searched(fleet, weight, price)

    def respond(slots: slice, weight: float, prices: FloatArray) -> Response:
        fleet = fleet_of(problem, slots)
        which, deadline = decided(fleet, weight, tie_broken(fleet, weight, prices))
        held = fleet.held(which)
        clock_hz = held.shares(deadline)
        delay = (held.delay_s + held.cycles / clock_hz).max(axis=-1)
        return Response(delay, held.energy(clock_hz), (problem.candidates[which], clock_hz))

    def floor(slots: slice, weight: float, prices: FloatArray) -> FloatArray:
        fleet = fleet_of(problem, slots)
        price = np.broadcast_to(prices, fleet.delay_s.shape[:-1])
        which, deadline = decided(fleet, weight, price)
        reached = fleet.held(which).value(deadline, weight, price)
        return reached if enumerable(fleet) else bounded(fleet, weight, price, reached)

    form = Slots(
        items=problem.slots,
        respond=respond,
        budget=problem.limits_j,
        floor=floor,
        target=problem.energy_budget_j,
    )
    return Formulation(
        form,
        lift=lambda found: SplitDecision(*found.choice),
        lift_bound=lambda bound: bound,
        lower=lambda decision: lowered(problem, decision),
        lift_multipliers=lambda found: {"energy_budget_j": found["prices"].tolist()},
    )


def tie_broken(fleet: Fleet, weight: float, prices: FloatArray) -> FloatArray:
    """Return the prices of every slot [n, N], none so low that a device which nobody waits for would waste energy.

    What they choose is worse at the prices given by at most N·TIE of the slot's delay.
    """
    least_s = fleet.delay_s.min(axis=-1).max(axis=-1)
    most_j = fleet.energy(fleet.total_hz).max(axis=(-2, -1))
    least = TIE * weight * least_s / np.maximum(most_j, np.finfo(float).tiny)
    return np.asarray(np.maximum(prices, least[..., None]))


def frugal(fleet: Fleet, price: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return cuts [n, N] and deadlines [n] of least q·E, exactly: the least clock, of equals the cut of least delay."""
    delay = fleet.delay_s + fleet.cycles / fleet.least_hz
    cost = price[..., None] * fleet.energy(fleet.least_hz)
    which = np.where(cost == cost.min(axis=-1, keepdims=True), delay, np.inf).argmin(axis=-1)
    return which, np.take_along_axis(delay, which[..., None], -1)[..., 0].max(axis=-1)
