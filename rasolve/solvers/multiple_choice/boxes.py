"""Boxes of picks: which options are left to each client of a menu, and between which levels each maximum lies.

A level is the value of a maximum over clients: a tail's largest value, or the earliest deadline of a link. A box holds
the picks whose every level lies between its ``low`` and its ``high``. On it holds a proved bound (ours):

    monotone   constant + Σ_k min_j cost + Σ_m weight_m·low_m

A link's low is never less than its deadline when every client has the smallest offset and payload left to it, since
the deadline rises with both. `rasolve.solvers.multiple_choice.priced_box` has a second bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rasolve.forms import Menu
from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.multiple_choice.priced_load import PricedLoad

NARROW = 1e-12
"""Relative width below which a link's levels count as one."""

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
class CountedMenu:
    """A menu whose ``loads`` stand on links on which only counts matter, ready to be bounded on boxes."""

    menu: Menu
    loads: tuple[PricedLoad, ...]

    @classmethod
    def of(cls, menu: Menu) -> CountedMenu:
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


def _least(value: FloatArray, allowed: BoolArray) -> FloatArray:
    """Return the least value [K] of each client's allowed options."""
    return np.asarray(np.where(allowed, value, np.inf).min(axis=1))
