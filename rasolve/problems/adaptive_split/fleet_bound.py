"""What no cuts and clocks of a fleet can be below in one slot: a bound by intervals of deadlines (ours)."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.fleet import Fleet
from rasolve.problems.adaptive_split.fleet_cuts import picked, priced

INTERVALS = 24
"""Intervals of deadlines to begin with."""
CUT_INTO, AT_ONCE, ROUNDS = 8, 3, 6
"""Parts that an interval is cut into, intervals refined at once, and rounds of it."""


def bounded(fleet: Fleet, weight: float, price: FloatArray, reached: FloatArray) -> FloatArray:
    """Return a proved bound [...] on V·τ + q·E over all deadlines, cuts and clocks (ours).

    `reached` [...] is what is attained. In an interval [l, u] of deadlines every cut's q·E + μ·f is convex and falling,
    so it lies above its tangent at u; the least tangent of each device is concave, so V·τ and their sum are least at l
    or at u. The intervals of least bound are cut into parts. μ is that of the knapsack at u.
    """
    low, high = fleet.deadlines
    high = np.clip(reached / weight, low, high)
    several, prices = fleet.stacked, price[..., None, :]
    ends = low[..., None] * (high / low)[..., None] ** np.linspace(0.0, 1.0, INTERVALS + 1)
    lows, highs = ends[..., :-1], ends[..., 1:]
    bounds = _interval_bounds(several, weight, prices, lows, highs)
    for _ in range(ROUNDS):
        worst = np.argpartition(bounds, AT_ONCE, axis=-1)[..., :AT_ONCE]
        start, stop, parent = (np.take_along_axis(array, worst, -1) for array in (lows, highs, bounds))
        steps = start[..., None] + (stop - start)[..., None] * np.linspace(0.0, 1.0, CUT_INTO + 1)
        shape = (*bounds.shape[:-1], AT_ONCE * CUT_INTO)
        inner_low, inner_high = steps[..., :-1].reshape(shape), steps[..., 1:].reshape(shape)
        inner = _interval_bounds(several, weight, prices, inner_low, inner_high)
        inner = np.maximum(inner, np.repeat(parent, CUT_INTO, axis=-1))
        np.put_along_axis(bounds, worst, np.inf, -1)
        lows, highs = np.concatenate([lows, inner_low], -1), np.concatenate([highs, inner_high], -1)
        bounds = np.concatenate([bounds, inner], -1)
    return np.asarray(np.minimum(bounds.min(axis=-1), reached))


def _interval_bounds(fleet: Fleet, weight: float, price: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the bound [...] on V·τ + q·E of every interval; inf where no cuts are in time at its end."""
    at_high = picked(fleet, high, price)
    clock, cost = priced(fleet, high, price)
    late = np.isinf(clock)
    finite, multiplier = np.where(late, 0.0, clock), at_high.multiplier[..., None, None]
    above = (finite > fleet.least_hz) & (fleet.cycles > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_clock = np.where(above, finite**2 / fleet.cycles, 0.0)
    rise = np.where(above, 2 * price[..., None] * fleet.epsilon * finite**3, 0.0) + multiplier * per_clock
    tangent = np.where(late, np.inf, cost + multiplier * finite + rise * (high - low)[..., None, None])
    at_low = tangent.min(axis=-1).sum(axis=-1) - at_high.multiplier * fleet.total_hz
    bound = np.minimum(weight * high + at_high.bound, weight * low + at_low)
    return np.asarray(np.where(np.isinf(at_high.cost), np.inf, bound))
