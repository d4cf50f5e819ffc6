"""Boxes of picks: which options are left to each client of a menu, and between which levels each maximum lies.

A level is the value of a maximum over clients: a tail's largest value, or the earliest deadline of a link. A box holds
the picks whose every level lies between its ``low`` and its ``high``. Two proved bounds hold on it (ours):

    monotone   constant + Σ_k min_j cost + Σ_m weight_m·low_m
    priced     constant + Σ tails' weight·low + min over corners δ of
               [ Σ links' weight·(high - δ) + Σ_k min_j ( cost + Σ links' q(high, δ) ) - Σ prices ]

A link's low is never less than its deadline when every client has the smallest offset and payload left to it, since
the deadline rises with both. In the second line prices relax whole bands and whole powers; q is least along tangents
(`rasolve.solvers.priced_load`), so what is in brackets is concave in δ and least at a corner, where every δ is 0 or
high - low.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from rasolve.forms import Menu
from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.cutting_planes import Summit
from rasolve.solvers.priced_load import Need, PricedLoad

NARROW = 1e-12
"""Relative width below which a link's levels count as one."""

ROUNDING_UNITS = 16 * float(np.finfo(np.float64).eps)
"""What is taken off a priced bound, as a share of the sums that cancel in it."""

LeastLevel = Callable[[int, FloatArray, FloatArray], float]
"""The proved earliest deadline of a load's link, counted by its place, at offsets and payloads [K]."""


@dataclass(frozen=True, eq=False)
class Picks:
    """At a corner (per load: 0 at the high level, 1 at the low one), options [K] and their subchannels [loads, K].

    What they cost is a plane over prices [2·loads].
    """

    corner: tuple[int, ...]
    option: IntArray
    count: IntArray
    at_zero: float
    gradient: FloatArray


@dataclass(frozen=True, eq=False)
class Box:
    """Options left [K, J], levels from ``low`` to ``high`` [tails, then loads], a bound; the best prices and picks."""

    allowed: BoolArray
    low: FloatArray
    high: FloatArray
    bound: float
    prices: FloatArray
    picks: tuple[Picks, ...] = ()

    @property
    def picks_left(self) -> float:
        """How many picks the options left allow; as a float, since they can be very many."""
        return float(np.prod(self.allowed.sum(axis=1), dtype=np.float64))


@dataclass(frozen=True, eq=False)
class PricedMenu:
    """A menu ready to be bounded on boxes."""

    menu: Menu
    loads: tuple[PricedLoad, ...]

    @classmethod
    def of(cls, menu: Menu) -> PricedMenu:
        """Return the menu with each of its links relaxed to one on which only counts matter."""
        return cls(menu, tuple(map(PricedLoad.of, menu.loads)))

    @cached_property
    def weight(self) -> FloatArray:
        """The weight of every maximum, tails first."""
        return np.asarray([tail.weight for tail in self.menu.tails] + [load.weight for load in self.menu.loads])

    @cached_property
    def values(self) -> tuple[FloatArray, ...]:
        """For every maximum, what its level is at least with an option [K, J]: a tail's value, or alone on a link."""
        return (*(tail.value for tail in self.menu.tails), *(load.alone_s for load in self.loads))

    @property
    def tails(self) -> int:
        """How many of the maxima are tails."""
        return len(self.menu.tails)

    @cached_property
    def clients(self) -> IntArray:
        """0..K-1."""
        return np.arange(len(self.menu.cost))

    def least_at(self, option: IntArray) -> float:
        """Return a bound on what the picked options [K] cost: every client alone on every link."""
        pick = self.clients, option
        levels = np.asarray([value[pick].max() for value in self.values])
        return float(self.menu.constant + self.menu.cost[pick].sum() + self.weight @ levels)

    @property
    def relaxed(self) -> bool:
        """Whether more than counts matters on a link, so that bounds are those of a relaxation."""
        return any(priced.load.link is not load.link for priced, load in zip(self.loads, self.menu.loads, strict=True))

    def relaxed_at(self, option: IntArray, least_level: LeastLevel) -> float:
        """Return what the picked options [K] cost on the counted links: no box's bound on them is higher."""
        pick = self.clients, option
        loads = [
            (priced.load.weight, priced.load.offset_s[pick], priced.load.payload_bits[pick]) for priced in self.loads
        ]
        levels = [weight * least_level(i, offset, payload) for i, (weight, offset, payload) in enumerate(loads)]
        return self.menu.fixed(option) + sum(levels)

    def whole(self) -> Box:
        """Return the box of all picks."""
        maxima = len(self.weight)
        return Box(
            allowed=self.menu.allowed,
            low=np.full(maxima, -np.inf),
            high=np.full(maxima, np.inf),
            bound=self.menu.lower_bound(),
            prices=np.zeros(2 * len(self.loads)),
        )

    def narrowed(self, box: Box, cutoff: float, least_level: LeastLevel) -> Box:
        """Return the box without what cannot be below the cutoff by the monotone bound; empty, the cutoff bounds it."""
        while True:
            allowed = box.allowed & self._reaching(box.high)
            if not allowed.any(axis=1).all():
                return replace(box, bound=max(box.bound, cutoff))
            low = np.maximum(box.low, [_least(value, allowed).max() for value in self.values])
            for m, value in enumerate(self.values[: self.tails]):
                low[m] = value[allowed & (value >= low[m])].min(initial=np.inf)
            for i, priced in enumerate(self.loads):
                offset, payload = (_least(v, allowed) for v in (priced.load.offset_s, priced.load.payload_bits))
                low[self.tails + i] = max(low[self.tails + i], least_level(i, offset, payload))
            bound = self.menu.constant + _least(self.menu.cost, allowed).sum() + self.weight @ low
            if bound >= cutoff:
                return replace(box, bound=max(box.bound, float(bound)))
            high = np.minimum(box.high, low + (cutoff - bound) / self.weight)
            for m, value in enumerate(self.values[: self.tails]):
                high[m] = min(high[m], value[allowed].max())
            box = replace(box, allowed=allowed, low=low, high=high, bound=max(box.bound, float(bound)))
            if (low - high > NARROW * np.abs(high)).any():
                return replace(box, bound=max(box.bound, cutoff))
            if self._reaching(high)[allowed].all():
                return box

    def _reaching(self, high: FloatArray) -> BoolArray:
        """Return which options [K, J] can be done with no maximum above its level."""
        reaching = np.ones(self.menu.cost.shape, dtype=bool)
        for value, level in zip(self.values, high, strict=True):
            reaching &= value <= level
        return reaching

    def needs(self, box: Box) -> tuple[Need, ...]:
        """Return what options need on each link to be done at the box's highest levels."""
        return tuple(load.need(float(high)) for load, high in zip(self.loads, box.high[self.tails :], strict=True))

    def picks(self, box: Box, needs: tuple[Need, ...], prices: FloatArray) -> tuple[Picks, ...]:
        """Return what every client picks at prices of whole bands and whole powers in turn, for every corner."""
        found = []
        for corner, total, counts in self._corners(box, needs, prices):
            option = total.argmin(axis=1)
            found.append(self._plane(box, needs, corner, option, counts[:, self.clients, option]))
        return tuple(found)

    def recalled(self, box: Box, needs: tuple[Need, ...]) -> tuple[Picks, ...]:
        """Return the picks that the box has inherited, as they stand in it, where they are possible still."""
        found = []
        for old in box.picks:
            pick = self.clients, old.option
            least = np.asarray([need.least[pick] for need in needs]).reshape(old.count.shape)
            most = np.asarray([[load.most] for load in self.loads]).reshape(-1, 1)
            if box.allowed[pick].all() and (least <= most).all():
                found.append(self._plane(box, needs, old.corner, old.option, np.maximum(old.count, least)))
        return tuple(found)

    def kept(self, box: Box, needs: tuple[Need, ...], prices: FloatArray, cutoff: float) -> BoolArray:
        """Return the options [K, J] with which the priced bound is below the cutoff."""
        keep = np.zeros_like(box.allowed)
        for corner, total, _ in self._corners(box, needs, prices):
            least = total.min(axis=1)
            lacking = cutoff - (self._fixed(box, corner) + least.sum() - prices.sum())
            keep |= total - least[:, None] < lacking + self._rounding(float(np.abs(least).sum()), prices)
        return keep

    def proved(self, summit: Summit[Picks]) -> float:
        """Return the priced bound at a summit, less what rounding may have added to it."""
        costs = max(abs(picks.at_zero) + float(summit.point @ (picks.gradient + 1)) for picks in summit.planes)
        return summit.value - self._rounding(costs, summit.point)

    @staticmethod
    def _rounding(costs: float, prices: FloatArray) -> float:
        return float(ROUNDING_UNITS * (costs + prices.sum()))

    def _corners(
        self, box: Box, needs: tuple[Need, ...], prices: FloatArray
    ) -> Iterator[tuple[tuple[int, ...], FloatArray, IntArray]]:
        """Yield for every corner what each option costs [K, J] and how many subchannels it takes [loads, K, J]."""
        cheapest = [
            load.cheapest(need, float(low), *pair)
            for load, need, low, pair in zip(
                self.loads, needs, box.low[self.tails :], prices.reshape(-1, 2).tolist(), strict=True
            )
        ]
        own = np.where(box.allowed, self.menu.cost, np.inf)
        for corner in product((0, 1), repeat=len(self.loads)):
            total, counts = own, np.zeros((len(corner), *own.shape), dtype=np.int64)
            for i, (end, (cost, count)) in enumerate(zip(corner, cheapest, strict=True)):
                total, counts[i] = total + cost[end], count[end]
            yield corner, total, counts

    def _fixed(self, box: Box, corner: tuple[int, ...]) -> float:
        """Return what the bound counts for constant and levels at a corner."""
        highest = np.asarray([False] * self.tails + [end == 0 for end in corner], dtype=bool)
        return float(self.menu.constant + self.weight @ np.where(highest, box.high, box.low))

    def _plane(
        self, box: Box, needs: tuple[Need, ...], corner: tuple[int, ...], option: IntArray, count: IntArray
    ) -> Picks:
        pick = self.clients, option
        gradient = np.full(2 * len(corner), -1.0)
        for i, (load, need, end) in enumerate(zip(self.loads, needs, corner, strict=True)):
            level = float(box.low[self.tails + i]) if end else need.level
            link = load.load.link
            gradient[2 * i] += count[i].sum() / link.subchannels
            gradient[2 * i + 1] += load.used(need, level, pick, count[i]).sum() / link.total_power_w
        at_zero = self._fixed(box, corner) + self.menu.cost[pick].sum()
        return Picks(corner, option, count, float(at_zero), gradient)

    def slack(self, box: Box, needs: tuple[Need, ...], prices: FloatArray, picks: Picks) -> FloatArray:
        """Return, for every maximum, what picks cost beyond what the bound counts for it.

        For a tail: its own level beyond the low one. For a link: the error of the tangents at the low level, at most
        the whole width of its levels.
        """
        pick = self.clients, picks.option
        slack = np.zeros(len(self.weight))
        for m, value in enumerate(self.values[: self.tails]):
            slack[m] = self.weight[m] * (value[pick].max() - box.low[m])
        for i, (load, need) in enumerate(zip(self.loads, needs, strict=True)):
            m = self.tails + i
            excess_w = load.excess(need, float(box.low[m]), pick, picks.count[i]).sum()
            width = self.weight[m] * (box.high[m] - box.low[m])
            error = prices[2 * i + 1] / load.load.link.total_power_w * excess_w if np.isfinite(excess_w) else np.inf
            slack[m] = min(width, error) if width > self.weight[m] * NARROW * box.high[m] else 0.0
        return slack

    def split_level(self, box: Box, m: int, picks: Picks) -> tuple[Box, Box]:
        """Return the box in two by the level of maximum m: halfway up to what is picked, or up to the high level."""
        low, high = float(box.low[m]), float(box.high[m])
        below = above = 0.5 * (low + high)
        if m < self.tails:
            value = self.values[m]
            reached = value[self.clients, picks.option].max()
            distinct = np.unique(value[box.allowed & (value >= low) & (value <= high)])
            place = int(np.clip(np.searchsorted(distinct, 0.5 * (low + reached), side="right"), 1, len(distinct) - 1))
            below, above = float(distinct[place - 1]), float(distinct[place])
        return replace(box, high=_with(box.high, m, below)), replace(box, low=_with(box.low, m, above))

    def split_client(self, box: Box, client: int, last: int) -> tuple[Box, Box]:
        """Return the box in two by one client's option: up to ``last``, or after it."""
        first = np.arange(box.allowed.shape[1]) <= last
        lower, upper = box.allowed.copy(), box.allowed.copy()
        lower[client] &= first
        upper[client] &= ~first
        return replace(box, allowed=lower), replace(box, allowed=upper)


def _least(value: FloatArray, allowed: BoolArray) -> FloatArray:
    return np.asarray(np.where(allowed, value, np.inf).min(axis=1))


def _with(levels: FloatArray, m: int, level: float) -> FloatArray:
    changed = levels.copy()
    changed[m] = level
    return changed
