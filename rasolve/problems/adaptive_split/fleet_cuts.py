"""Cuts of a fleet at a deadline: a multiple-choice knapsack of the server's clock, by its Lagrangian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.fleet import Fleet

CHORDS = 12
"""Most steps to the multiplier of the knapsack."""
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
    total, (clock, cost) = fleet.total_hz, priced(fleet, deadline, price)
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


def priced(fleet: Fleet, deadline: FloatArray, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return clock and q·E [..., N, S] of every cut that meets the deadline, inf where one does not."""
    clock = fleet.clocks(deadline)
    late = np.isinf(clock)
    finite = np.where(late, 0.0, clock)
    return clock, np.where(late, np.inf, price[..., None] * fleet.energy(finite))


def _chosen(cost: FloatArray, clock: FloatArray, multiplier: FloatArray) -> IntArray:
    """Return the cut [..., N] of least cost + μ·f; late cuts have cost and clock inf."""
    finite = np.where(np.isinf(clock), 0.0, clock)
    return np.asarray((cost + multiplier[..., None, None] * finite).argmin(axis=-1))


def _total(of: FloatArray, which: IntArray) -> FloatArray:
    return np.asarray(np.take_along_axis(of, which[..., None], -1)[..., 0].sum(axis=-1))
