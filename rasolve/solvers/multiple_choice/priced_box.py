"""What prices of whole bands and whole powers prove of a box of picks.

With levels between ``low`` and ``high`` (see `rasolve.solvers.multiple_choice.boxes`) no pick in the box costs less
than (ours)

    constant + Σ tails' weight·low + min over corners δ of
        [ Σ links' weight·(high - δ) + Σ_k min_j ( cost + Σ links' q(high, δ) ) - Σ prices ]

Prices relax whole bands and whole powers; q is least along tangents (`rasolve.solvers.multiple_choice.priced_load`), so
what is in brackets is concave in δ and least at a corner, where every δ is 0 or high - low.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.multiple_choice.boxes import NARROW, Box, CountedMenu, Picks
from rasolve.solvers.multiple_choice.cutting_planes import Summit
from rasolve.solvers.multiple_choice.priced_load import Need

ROUNDING_UNITS = 16 * float(np.finfo(np.float64).eps)
"""What is taken off a priced bound, as a share of the sums that cancel in it."""


@dataclass(frozen=True, eq=False)
class PricedBox:
    """A box of a menu, to be bounded by prices [2·loads] of each link's whole band and whole power in turn."""

    counted: CountedMenu
    box: Box

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What options need on each link to be done at the box's highest levels."""
        highest = self.box.high[self.counted.tails :]
        return tuple(load.need(float(high)) for load, high in zip(self.counted.loads, highest, strict=True))

    def picks(self, prices: FloatArray) -> tuple[Picks, ...]:
        """Return what every client picks at prices of whole bands and whole powers in turn, for every corner."""
        found = []
        for corner, total, counts in self._corners(prices):
            option = total.argmin(axis=1)
            found.append(self._plane(corner, option, counts[:, self.counted.clients, option]))
        return tuple(found)

    def recalled(self) -> tuple[Picks, ...]:
        """Return the picks that the box has inherited, as they stand in it, where they are possible still."""
        found = []
        for old in self.box.picks:
            pick = self.counted.clients, old.option
            least = np.asarray([need.least[pick] for need in self.needs]).reshape(old.count.shape)
            most = np.asarray([[load.most] for load in self.counted.loads]).reshape(-1, 1)
            if self.box.allowed[pick].all() and (least <= most).all():
                found.append(self._plane(old.corner, old.option, np.maximum(old.count, least)))
        return tuple(found)

    def kept(self, prices: FloatArray, cutoff: float) -> BoolArray:
        """Return the options [K, J] with which the priced bound is below the cutoff."""
        keep = np.zeros_like(self.box.allowed)
        for corner, total, _ in self._corners(prices):
            least = total.min(axis=1)
            lacking = cutoff - (self._fixed(corner) + least.sum() - prices.sum())
            keep |= total - least[:, None] < lacking + self._rounding(float(np.abs(least).sum()), prices)
        return keep

    def proved(self, summit: Summit[Picks]) -> float:
        """Return the priced bound at a summit, less what rounding may have added to it."""
        costs = max(abs(picks.at_zero) + float(summit.point @ (picks.gradient + 1)) for picks in summit.planes)
        return summit.value - self._rounding(costs, summit.point)

    @staticmethod
    def _rounding(costs: float, prices: FloatArray) -> float:
        """Return by how much a bound may be off in which so large costs and prices cancel."""
        return float(ROUNDING_UNITS * (costs + prices.sum()))

    def _corners(self, prices: FloatArray) -> Iterator[tuple[tuple[int, ...], FloatArray, IntArray]]:
        """Yield for every corner what each option costs [K, J] and how many subchannels it takes [loads, K, J]."""
        pairs, low = prices.reshape(-1, 2).tolist(), self.box.low[self.counted.tails :].tolist()
        links = zip(self.counted.loads, self.needs, low, pairs, strict=True)
        cheapest = [load.cheapest(need, least, *pair) for load, need, least, pair in links]
        own = np.where(self.box.allowed, self.counted.menu.cost, np.inf)
        for corner in product((0, 1), repeat=len(self.counted.loads)):
            total, counts = own, np.zeros((len(corner), *own.shape), dtype=np.int64)
            for i, (end, (cost, count)) in enumerate(zip(corner, cheapest, strict=True)):
                total, counts[i] = total + cost[end], count[end]
            yield corner, total, counts

    def _fixed(self, corner: tuple[int, ...]) -> float:
        """Return what the bound counts for constant and levels at a corner."""
        highest = np.asarray([False] * self.counted.tails + [end == 0 for end in corner], dtype=bool)
        return float(self.counted.menu.constant + self.counted.weight @ np.where(highest, self.box.high, self.box.low))

    def _plane(self, corner: tuple[int, ...], option: IntArray, count: IntArray) -> Picks:
        """Return options [K] with counts [loads, K] at a corner as the plane that their cost is over prices."""
        pick = self.counted.clients, option
        gradient = np.full(2 * len(corner), -1.0)
        for i, (load, need, end) in enumerate(zip(self.counted.loads, self.needs, corner, strict=True)):
            level = float(self.box.low[self.counted.tails + i]) if end else need.level
            link = load.load.link
            gradient[2 * i] += count[i].sum() / link.subchannels
            gradient[2 * i + 1] += load.used(need, level, pick, count[i]).sum() / link.total_power_w
        at_zero = self._fixed(corner) + self.counted.menu.cost[pick].sum()
        return Picks(corner, option, count, float(at_zero), gradient)

    def slack(self, prices: FloatArray, picks: Picks) -> FloatArray:
        """Return, for every maximum, what picks cost beyond what the bound counts for it.

        For a tail: its own level beyond the low one. For a link: the error of the tangents at the low level, at most
        the whole width of its levels.
        """
        menu, box = self.counted, self.box
        pick = menu.clients, picks.option
        slack = np.zeros(len(menu.weight))
        for m, value in enumerate(menu.values[: menu.tails]):
            slack[m] = menu.weight[m] * (value[pick].max() - box.low[m])
        for i, (load, need) in enumerate(zip(menu.loads, self.needs, strict=True)):
            m = menu.tails + i
            excess_w = load.excess(need, float(box.low[m]), pick, picks.count[i]).sum()
            width = menu.weight[m] * (box.high[m] - box.low[m])
            error = prices[2 * i + 1] / load.load.link.total_power_w * excess_w if np.isfinite(excess_w) else np.inf
            slack[m] = min(width, error) if width > menu.weight[m] * NARROW * box.high[m] else 0.0
        return slack
