"""CutAndClock as independent items, one for each round and device, joined by nothing but an energy budget, if any.

Where U is α·D + β·E and energy has a price λ, the clock's share of a cut is α·C/f + (β + λ)·ξ·f²·C, least at

    f* = ( α / (2·ξ·(β + λ)) )^(1/3), clipped to [F_min, F_max],          (published, for λ = 0)

whatever the cut: F_max where energy is worth nothing, F_min where delay is not. The cuts are scanned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Formulation, Response, Separable
from rasolve.numerics import FloatArray
from rasolve.problems.clocked import cheapest_clock
from rasolve.problems.cut_and_clock.costs import Curves, Slopes, all_slopes, curves, delay_s, energy_j, parts_of, slopes
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def formulate(problem: CutAndClock) -> Formulation:
    """Return the items of a problem: mean utility, and where there is a budget the mean energy."""
    shape = problem.gain.shape
    budgeted = problem.energy_budget_j is not None

    def respond(items: slice, weight: float, prices: FloatArray) -> Response:
        at = curves(problem, items)
        worth = slopes(problem, at)
        per_second, per_joule = priced(worth, weight, prices)
        clock_hz = cheapest_clock(per_second, per_joule, at.xi, at.least_hz, at.most_hz)
        load = per_second / clock_hz + per_joule * at.xi * clock_hz**2
        value = per_second[:, None] * at.delay_s + load[:, None] * at.cycles + per_joule[:, None] * at.energy_j
        which = value[:, problem.candidates].argmin(axis=1)
        cut, rows = problem.candidates[which], np.arange(len(which))
        return _answered(at, worth, rows, cut, clock_hz, budgeted, which)

    def each(items: slice, weight: float, prices: FloatArray) -> Response:
        at = curves(problem, items)
        worth = slopes(problem, at)
        clock_hz = cheapest_clock(*priced(worth, weight, prices), at.xi, at.least_hz, at.most_hz)
        rows = np.arange(len(clock_hz))[:, None]
        cut = np.broadcast_to(problem.candidates, (len(rows), len(problem.candidates)))
        columns = Slopes(*(np.asarray(part)[:, None] for part in vars(worth).values()))
        return _answered(at, columns, rows, cut, clock_hz[:, None], budgeted, None)

    def lower(decision: CutAndClockDecision) -> Response:
        parts = parts_of(problem, decision)
        energy = energy_j(problem, parts).reshape(-1)
        utility = all_slopes(problem).utility(delay_s(parts).reshape(-1), energy)
        cost = energy[:, None] if budgeted else np.zeros((len(energy), 0))
        return Response(utility, cost, (decision.cut.reshape(-1), decision.clock_hz.reshape(-1)))

    def lift(value: Response) -> CutAndClockDecision:
        cut, clock_hz = value.choice
        return CutAndClockDecision(cut.reshape(shape), clock_hz.reshape(shape))

    form = Separable(
        items=problem.gain.size,
        respond=respond,
        budget=np.array([problem.energy_budget_j] if budgeted else [], dtype=np.float64),
        mean=True,
        each=each,
    )
    return Formulation(
        form,
        lift=lift,
        lift_bound=lambda bound: bound,
        lower=lower,
        lift_multipliers=lambda found: {"energy_budget_j": float(found["prices"][0])} if budgeted else {},
    )


def priced(worth: Slopes, weight: float, prices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what a second and a joule cost [n] where U has a weight and the budgeted energy, if any, a price."""
    price: Any = prices[..., 0] if prices.shape[-1] else 0.0
    return weight * worth.per_second, weight * worth.per_joule + price


def _answered(
    at: Curves, worth: Slopes, rows: Any, cut: Any, clock_hz: FloatArray, budgeted: bool, which: Any
) -> Response:
    """Return utility, energy and choice of cuts at clocks."""
    cycles = at.cycles[cut]
    delay, energy = at.delay_s[rows, cut] + cycles / clock_hz, at.energy_j[rows, cut] + at.xi * clock_hz**2 * cycles
    cost = energy[..., None] if budgeted else np.zeros((*energy.shape, 0))
    return Response(worth.utility(delay, energy), cost, (cut, np.broadcast_to(clock_hz, energy.shape)), which)
