"""Cuts of a fleet in one slot: all that there are where these are few, else by a scan of deadlines and a search."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.fleet import Fleet
from rasolve.problems.adaptive_split.fleet_cuts import GAIN, picked

ENUMERATED = 512
"""Most combinations of cuts that are all tried, which is exact."""
SCANNED, ZOOMED = 24, 8
"""Deadlines that are tried over the whole range, and then next to the best of them."""
SWEEPS = 3
"""Most rounds of coordinate search over the devices."""


def scanned(fleet: Fleet, weight: float, price: FloatArray) -> IntArray:
    """Return the cuts [..., N] of least V·τ + q·E over a scan of deadlines."""
    low, high = fleet.deadlines
    several, prices = fleet.stacked, price[..., None, :]
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
    others, prices = fleet.stacked.held(tried), price[..., None, :]
    deadlines = others.deadline(weight, prices)
    best = others.value(deadlines, weight, prices).argmin(axis=-1)
    return all_cuts[best], np.take_along_axis(deadlines, best[..., None], -1)[..., 0]


def searched(fleet: Fleet, weight: float, price: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return cuts [..., N] and their deadline [...], from which changing one device's cut gains nothing.

    Coordinate search: reconstructed.
    """
    which = scanned(fleet, weight, price)
    held = fleet.held(which)
    deadline = held.deadline(weight, price)
    lowest = held.value(deadline, weight, price)
    several, prices = fleet.stacked, price[..., None, :]
    cuts = np.arange(fleet.delay_s.shape[-1])
    for _ in range(SWEEPS):
        before = lowest
        for device in range(fleet.devices):
            tried = np.repeat(which[..., None, :], len(cuts), axis=-2)
            tried[..., device] = cuts
            others = several.held(tried)
            deadlines = others.deadline(weight, prices)
            values = others.value(deadlines, weight, prices)
            best = values.argmin(axis=-1)[..., None]
            least = np.take_along_axis(values, best, -1)[..., 0]
            gained = least < lowest - GAIN * np.abs(lowest)
            which = np.where(gained[..., None], np.take_along_axis(tried, best[..., None], -2)[..., 0, :], which)
            deadline = np.where(gained, np.take_along_axis(deadlines, best, -1)[..., 0], deadline)
            lowest = np.where(gained, least, lowest)
        if (lowest == before).all():
            break
    return which, deadline
