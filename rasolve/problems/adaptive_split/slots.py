"""AdaptiveSplit as slots: the exact decision of a slot, for many at once, for one at a time, and for every cut.

Published: minimise V·τ + q·E in two layers. With a given cut, the clock's share of it is V·C/f + q·ε·f²·C, least at

    f* = ( V / (2·q·ε) )^(1/3), clipped to [f_min, f_max]; f_max where q·ε = 0,

which does not depend on the cut. So there is one clock, and the cuts are scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Formulation, Response, Slots
from rasolve.forms.slots import Stepper
from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.costs import Curves, curves, lowered
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.clocked import cheapest_clock

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.problem import AdaptiveSplit


def formulate(problem: AdaptiveSplit) -> Formulation:
    """Return the slots of a problem, whose one cost is the energy of a slot."""

    def tabulated(slots: slice) -> Curves:
        return curves(problem, problem.channels.of(slots))

    def respond(slots: slice, weight: float, prices: FloatArray) -> Response:
        at, price = tabulated(slots), prices[..., 0]
        clock_hz = best_clock(problem, weight, price)
        return _taken(problem, at, clock_hz, objective(at, weight, price, clock_hz).argmin(axis=-1))

    def each(slots: slice, weight: float, prices: FloatArray) -> Response:
        at = tabulated(slots)
        clock_hz = best_clock(problem, weight, prices[..., 0])
        cost = at.energy_j + at.epsilon * clock_hz[..., None] ** 2 * at.cycles
        choice = problem.candidates, clock_hz[..., None]
        return Response(
            delays(at, clock_hz), cost[..., None], tuple(np.broadcast_to(part, cost.shape) for part in choice)
        )

    form = Slots(
        items=problem.slots,
        respond=respond,
        budget=problem.limits_j,
        each=each,
        target=problem.budgets_j,
        prepare=lambda slots: stepper(problem, tabulated(slots)),
    )
    return Formulation(
        form,
        lift=lambda value: SplitDecision(*value.choice),
        lift_bound=lambda bound: bound,
        lower=lambda decision: lowered(problem, decision),
        lift_multipliers=lambda found: {"energy_budget_j": float(found["prices"][0])},
    )


def best_clock(problem: AdaptiveSplit, weight: float, price: FloatArray) -> FloatArray:
    """Return f* [...] for prices q [...] and weight V (published)."""
    epsilon = problem.server_energy if problem.counts_server else 0.0
    return cheapest_clock(weight, price, epsilon, problem.clock_min_hz, problem.clock_max_hz)


def objective(at: Curves, weight: float, price: FloatArray, clock_hz: FloatArray) -> FloatArray:
    """Return V·τ + q·E [n, S] of slots at a clock, for every candidate cut."""
    load = weight / clock_hz + price * at.epsilon * clock_hz**2
    return weight * at.delay_s + price[..., None] * at.energy_j + load[..., None] * at.cycles


def delays(at: Curves, clock_hz: FloatArray) -> FloatArray:
    """Return τ [n, S] of slots at a clock, for every candidate cut."""
    return at.delay_s + at.cycles / clock_hz[..., None]


def _taken(problem: AdaptiveSplit, at: Curves, clock_hz: FloatArray, which: Any) -> Response:
    rows = np.arange(len(which))
    cycles = at.cycles[which]
    penalty = at.delay_s[rows, which] + cycles / clock_hz
    cost = at.energy_j[rows, which] + at.epsilon * clock_hz**2 * cycles
    clocks = np.broadcast_to(clock_hz, which.shape)
    return Response(penalty, cost[:, None], (problem.candidates[which], clocks), which)


def stepper(problem: AdaptiveSplit, at: Curves) -> Stepper:
    """Return the same decision for one slot at a time, without the cost of small vectors."""
    least_hz, most_hz, cycles, epsilon = problem.clock_min_hz, problem.clock_max_hz, at.cycles, at.epsilon
    cuts, work = problem.candidates.tolist(), cycles.tolist()
    delay, energy = at.delay_s, at.energy_j

    def step(slot: int, weight: float, prices: Sequence[float]) -> tuple[float, tuple[float, ...], tuple[Any, ...]]:
        steep = 2 * prices[0] * epsilon
        if weight >= steep * most_hz**3:
            clock_hz = most_hz
        elif weight <= steep * least_hz**3:
            clock_hz = least_hz
        else:
            clock_hz = (weight / steep) ** (1 / 3)
        load = weight / clock_hz + prices[0] * epsilon * clock_hz**2
        which = int((weight * delay[slot] + prices[0] * energy[slot] + load * cycles).argmin())
        done = work[which]
        spent = energy.item(slot, which) + epsilon * clock_hz**2 * done
        return delay.item(slot, which) + done / clock_hz, (spent,), (cuts[which], clock_hz)

    return step
