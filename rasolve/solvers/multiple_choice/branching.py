"""What a box of picks is split into: two by the level of one maximum, or two by the options of one client."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.multiple_choice.boxes import Box, CountedMenu, Picks
from rasolve.solvers.multiple_choice.cutting_planes import climb
from rasolve.solvers.multiple_choice.priced_box import PricedBox

WORTH_SPLITTING = 0.3
"""A maximum is split where its slack is at least this share of what the bound lacks; else a client's options are."""

FEW = 16
"""So many picks in a box are solved one by one."""

LEAST_PRICE, FIRST_PRICE, LARGEST_PRICE = 1e-3, 0.5, 1e4
"""Prices of whole bands and powers, as multiples of what their link's delay is worth in all."""


def branched(menu: CountedMenu, box: Box, cutoff: float) -> tuple[tuple[Box, ...], IntArray]:
    """Return what a box is split into, each part with its bound, and the options that look best at the best prices."""
    priced = PricedBox(menu, box)
    usual = np.repeat(menu.weight[menu.tails :] * box.high[menu.tails :], 2)
    start = box.prices if box.prices.any() else FIRST_PRICE * usual
    summit = climb(
        priced.picks,
        priced.recalled(),
        start=start,
        least=LEAST_PRICE * usual,
        most=np.maximum(start, LARGEST_PRICE * usual),
        goal=cutoff,
    )
    balance = summit.balance or ((1.0, summit.lowest),)
    box = replace(
        box,
        bound=max(box.bound, priced.proved(summit)),
        prices=summit.point,
        picks=tuple(picks for _, picks in balance),
    )
    if box.bound >= cutoff:
        return (box,), summit.lowest.option
    left = replace(box, allowed=box.allowed & priced.kept(summit.point, cutoff))
    if left.picks_left <= FEW:
        return (left,), summit.lowest.option
    slack = np.asarray([priced.slack(summit.point, picks) for picks in summit.planes])
    if slack.max(initial=0.0) >= WORTH_SPLITTING * (cutoff - box.bound):
        worst, m = (int(i) for i in np.unravel_index(slack.argmax(), slack.shape))
        parts = _split_level(menu, box, m, summit.planes[worst])
    else:
        parts = _split_client(box, *_undecided(menu.menu.cost, left.allowed, balance))
    return tuple(replace(part, allowed=part.allowed & left.allowed) for part in parts), summit.lowest.option


def _split_level(menu: CountedMenu, box: Box, m: int, picks: Picks) -> tuple[Box, Box]:
    """Return the box in two by the level of maximum m: halfway up to what is picked, or up to the high level."""
    low, high = float(box.low[m]), float(box.high[m])
    below = above = 0.5 * (low + high)
    if m < menu.tails:
        value = menu.values[m]
        reached = value[menu.clients, picks.option].max()
        distinct = np.unique(value[box.allowed & (value >= low) & (value <= high)])
        place = int(np.clip(np.searchsorted(distinct, 0.5 * (low + reached), side="right"), 1, len(distinct) - 1))
        below, above = float(distinct[place - 1]), float(distinct[place])
    return replace(box, high=_with(box.high, m, below)), replace(box, low=_with(box.low, m, above))


def _split_client(box: Box, client: int, last: int) -> tuple[Box, Box]:
    """Return the box in two by one client's option: up to ``last``, or after it."""
    first = np.arange(box.allowed.shape[1]) <= last
    lower, upper = box.allowed.copy(), box.allowed.copy()
    lower[client] &= first
    upper[client] &= ~first
    return replace(box, allowed=lower), replace(box, allowed=upper)


def _with(levels: FloatArray, m: int, level: float) -> FloatArray:
    changed = levels.copy()
    changed[m] = level
    return changed


def _undecided(cost: FloatArray, allowed: BoolArray, balance: tuple[tuple[float, Picks], ...]) -> tuple[int, int]:
    """Return the client on whose cost the balanced picks agree least, and the option after which to split its own.

    Where they agree on everybody, the first client that has a choice.
    """
    clients, options = np.arange(len(cost)), np.arange(cost.shape[1])
    share = np.zeros(cost.shape)
    for weight, picks in balance:
        share[clients, picks.option] += weight
    share /= share.sum(axis=1, keepdims=True)
    mean = (share * cost).sum(axis=1, keepdims=True)
    choosing = allowed.sum(axis=1) > 1
    spread = np.where(choosing, (share * (cost - mean) ** 2).sum(axis=1), 0.0)
    client = int(spread.argmax()) if spread.max() > 0 else int(choosing.argmax())
    left = np.flatnonzero(allowed[client])
    return client, int(np.clip(np.floor(share[client] @ options), left[0], left[-1] - 1))
