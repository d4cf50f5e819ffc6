"""Cuts of a fleet in one slot: found by scanning deadlines and coordinate search, bounded by intervals of deadlines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.fleet import Fleet, value

ENUMERATED = 512
"""Most combinations of cuts that are all tried, which is exact."""
SCANNED, ZOOMED = 24, 8
"""Deadlines that are tried over the whole range, and then next to the best of them."""
SWEEPS = 3
"""Most rounds of coordinate search over the devices."""
CHORDS = 12
"""Most steps to the multiplier of the knapsack."""
CUT_INTO, AT_ONCE, ROUNDS = 8, 3, 6
"""Parts that an interval of deadlines is cut into, intervals refined at once, and rounds of it."""
GAIN = 1e-12
"""Relative improvement below which a choice counts as no better."""


@dataclass(frozen=True, eq=False)
class Picked:
    """Cuts at a deadline: their index [..., N] and cost q·E [...], inf where no cuts meet it.

    ``bound`` [...] is the Lagrangian's: no cuts that meet the deadline cost less; ``multiplier`` [...] is that of the
    clock that gives it.
    """

    which: IntArray
    cost: FloatArray
    bound: FloatArray
    multiplier: FloatArray


def picked(fleet: Fleet, deadline: FloatArray, price: FloatArray) -> Picked:
    """Return, for deadlines [...], cuts of small q·E whose clocks add up to no more than there is.

    The knapsack's Lagrangian takes of each device the least q·E + μ·f. Where μ = 0 does not fit, μ goes to where the
    lines of two choices cross, one that does not fit and one that does, until no other choice is below them.
    """
    total, (clock, cost) = fleet.total_hz, _priced(fleet, deadline, price)
    none = np.zeros(deadline.shape)
    loose, fast = _chosen(cost, clock, none), _chosen(clock, clock, none)
    loose_cost, loose_clock = _total(cost, loose), _total(clock, loose)
    fits = loose_clock <= total
    which = np.where(fits[..., None], loose, fast)
    kept_cost, kept_clock = _total(cost, which), _total(clock, which)
    bound, multiplier = np.where(kept_clock <= total, loose_cost, np.inf), none
    open_ = (kept_clock <= total) & ~fits
    for _ in range(CHORDS):
        if not open_.any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = np.where(open_, (kept_cost - loose_cost) / (loose_clock - kept_clock), 0.0)
        found = _chosen(cost, clock, crossing)
        found_cost, found_clock = _total(cost, found), _total(clock, found)
        with np.errstate(invalid="ignore"):
            lowest, before = found_cost + crossing * found_clock, kept_cost + crossing * kept_clock
            better = open_ & (lowest - crossing * total > bound)
            bound = np.where(better, lowest - crossing * total, bound)
            multiplier = np.where(better, crossing, multiplier)
            open_ = open_ & (lowest < before - GAIN * np.abs(before))
        over = open_ & (found_clock > total)
        under = open_ & ~over
        loose_cost, loose_clock = np.where(over, found_cost, loose_cost), np.where(over, found_clock, loose_clock)
        kept_cost, kept_clock = np.where(under, found_cost, kept_cost), np.where(under, found_clock, kept_clock)
        which = np.where(under[..., None], found, which)
    return Picked(which, np.where(kept_clock <= total, kept_cost, np.inf), bound, multiplier)


def _priced(fleet: Fleet, deadline: FloatArray, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return clock and q·E [..., N, S] of every cut that meets the deadline, inf where one does not."""
    clock = fleet.clocks(deadline)
    late = np.isinf(clock)
    finite = np.where(late, 0.0, clock)
    cost = price[..., None] * (fleet.energy_j + fleet.epsilon * finite**2 * fleet.cycles)
    return clock, np.where(late, np.inf, cost)


def _chosen(cost: FloatArray, clock: FloatArray, multiplier: FloatArray) -> IntArray:
    """Return the cut [..., N] of least cost + μ·f; late cuts have cost and clock inf."""
    finite = np.where(np.isinf(clock), 0.0, clock)
    return np.asarray((cost + multiplier[..., None, None] * finite).argmin(axis=-1))


def _total(of: FloatArray, which: IntArray) -> FloatArray:
    return np.asarray(np.take_along_axis(of, which[..., None], -1)[..., 0].sum(axis=-1))


def _stacked(fleet: Fleet) -> Fleet:
    """Return the fleet with one more axis in front of the devices, for several deadlines of each slot."""
    return replace(fleet, delay_s=fleet.delay_s[..., None, :, :], energy_j=fleet.energy_j[..., None, :, :])


def _range(fleet: Fleet) -> tuple[FloatArray, FloatArray]:
    """Return deadlines [...] below which no cuts are in time, and above which waiting saves nothing."""
    most = fleet.total_hz - (fleet.devices - 1) * fleet.least_hz
    low = (fleet.delay_s + fleet.cycles / most).min(axis=-1).max(axis=-1)
    high = (fleet.delay_s + fleet.cycles / fleet.least_hz).max(axis=(-2, -1))
    return low, np.maximum(high, low)


def scanned(fleet: Fleet, weight: float, price: FloatArray) -> IntArray:
    """Return the cuts [..., N] of least V·τ + q·E over a scan of deadlines."""
    low, high = _range(fleet)
    several, prices = _stacked(fleet), price[..., None, :]
    steps = np.linspace(0.0, 1.0, SCANNED)
    deadline = low[..., None] * (high / low)[..., None] ** steps
    found = picked(several, deadline, prices)
    best = (weight * deadline + found.cost).argmin(axis=-1)[..., None]
    below = np.take_along_axis(deadline, np.maximum(best - 1, 0), -1)
    above = np.take_along_axis(deadline, np.minimum(best + 1, SCANNED - 1), -1)
    closer = below * (above / below) ** np.linspace(0.0, 1.0, ZOOMED)
    again = picked(several, closer, prices)
    deadline = np.concatenate([deadline, closer], axis=-1)
    cost = np.concatenate([found.cost, again.cost], axis=-1)
    best = (weight * deadline + cost).argmin(axis=-1)[..., None, None]
    which = np.concatenate([found.which, again.which], axis=-2)
    return np.asarray(np.take_along_axis(which, best, -2)[..., 0, :])


def enumerable(fleet: Fleet) -> bool:
    """Return whether the combinations of cuts are few enough to try them all."""
    return bool(fleet.delay_s.shape[-1] ** fleet.devices <= ENUMERATED)


def enumerated(fleet: Fleet, weight: float, price: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the best cuts [..., N] of all and their deadline [...]."""
    cuts = fleet.delay_s.shape[-1]
    all_cuts = np.indices((cuts,) * fleet.devices).reshape(fleet.devices, -1).T
    tried = np.broadcast_to(all_cuts, (*fleet.delay_s.shape[:-2], *all_cuts.shape))
    others, prices = _stacked(fleet).held(tried), price[..., None, :]
    deadlines = others.deadline(weight, prices)
    best = value(others, deadlines, weight, prices).argmin(axis=-1)
    return all_cuts[best], np.take_along_axis(deadlines, best[..., None], -1)[..., 0]


def searched(fleet: Fleet, weight: float, price: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return cuts [..., N] and their deadline [...], from which changing one device's cut gains nothing.

    Coordinate search: reconstructed."""
    which = scanned(fleet, weight, price)
    held = fleet.held(which)
    deadline = held.deadline(weight, price)
    lowest = value(held, deadline, weight, price)
    several, prices = _stacked(fleet), price[..., None, :]
    cuts = np.arange(fleet.delay_s.shape[-1])
    for _ in range(SWEEPS):
        before = lowest
        for device in range(fleet.devices):
            tried = np.repeat(which[..., None, :], len(cuts), axis=-2)
            tried[..., device] = cuts
            others = several.held(tried)
            deadlines = others.deadline(weight, prices)
            values = value(others, deadlines, weight, prices)
            best = values.argmin(axis=-1)[..., None]
            least = np.take_along_axis(values, best, -1)[..., 0]
            gained = least < lowest - GAIN * np.abs(lowest)
            which = np.where(gained[..., None], np.take_along_axis(tried, best[..., None], -2)[..., 0, :], which)
            deadline = np.where(gained, np.take_along_axis(deadlines, best, -1)[..., 0], deadline)
            lowest = np.where(gained, least, lowest)
        if (lowest == before).all():
            break
    return which, deadline


def bounded(fleet: Fleet, weight: float, price: FloatArray, reached: FloatArray) -> FloatArray:
    """Return a proved bound [...] on V·τ + q·E over all deadlines, cuts and clocks (ours); `reached` is what is
    attained.

    In an interval [l, u] of deadlines every cut's q·E + μ·f is convex and falling, so it lies above its tangent at u;
    the least tangent of each device is concave, so V·τ and their sum are least at l or at u. The intervals of least
    bound are cut into parts. μ is that of the knapsack at u.
    """
    low, high = _range(fleet)
    high = np.clip(reached / weight, low, high)
    several, prices = _stacked(fleet), price[..., None, :]
    ends = low[..., None] * (high / low)[..., None] ** np.linspace(0.0, 1.0, SCANNED + 1)
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
    clock, cost = _priced(fleet, high, price)
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
