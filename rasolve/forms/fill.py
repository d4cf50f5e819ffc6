"""What clients ask of subchannels at given densities: fills that add up, within caps on load."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rasolve.forms.link import MOST_EXPONENT, NOBODY, Bids, Demand, Ledger, Rows, total_by_owner
from rasolve.numerics import ROUNDING, FloatArray, IntArray

EXACT = 1e-12
"""Relative slack against rounding, on the side that keeps a bound valid."""


@dataclass(frozen=True, eq=False)
class FillDemand(Demand):
    """Fills [K, M] (rate over needed rate), loads [M], caps on them [K]: client k needs Σ fill >= 1, Σ load <= cap."""

    fill: FloatArray
    load: FloatArray
    cap: FloatArray

    @property
    def subchannels(self) -> int:
        return len(self.load)

    @cached_property
    def useful(self) -> FloatArray:
        """Fills cut off at 1: more is of no use, and the relaxation is tighter without it (coefficient reduction)."""
        return np.asarray(np.minimum(self.fill, 1.0))

    @cached_property
    def fewest(self) -> IntArray:
        best = np.cumsum(-np.sort(-self.fill, axis=1), axis=1) >= 1 - EXACT
        counts = np.where(best.any(axis=1), best.argmax(axis=1) + 1, self.subchannels + 1)
        lightest = np.concatenate([[0.0], np.cumsum(np.sort(self.load)), [np.inf]])
        return np.where(lightest[counts] <= self.cap * (1 + ROUNDING), counts, self.subchannels + 1)

    def bids(self, rate_price: FloatArray, load_price: FloatArray) -> Bids:
        load = np.broadcast_to(self.load, self.fill.shape)
        value = rate_price[:, None] * self.useful - load_price[:, None] * load
        return Bids(value, self.useful, load, np.zeros_like(self.fill))

    def rows(self, counts: IntArray) -> Rows:
        """Return the needed rates, the fewest counts and, where they can bind, the caps; ``counts`` play no part."""
        clients = len(self.cap)
        everyone = np.arange(clients)[:, None]
        capped = np.flatnonzero(self.cap < self.load.sum())[:, None]
        return Rows.stacked(
            clients,
            (1.0, everyone, np.ones((clients, 1))),
            (1.0, 2 * clients + everyone, 1 / self.fewest[:, None]),
            (-1.0, clients + capped, -1 / self.cap[capped]),
        )

    def ledger(self, sharpness: float) -> Ledger:
        return FillLedger(self, sharpness)


@dataclass(frozen=True, eq=False)
class FillLedger(Ledger):
    """Cost exp(-sharpness·(fill - 1)) of each client: a soft minimum of fills; inf beyond a cap."""

    demand: FillDemand
    sharpness: float

    def of_clients(self, owner: IntArray, clients: IntArray) -> tuple[FloatArray, FloatArray]:
        fill, load = self._held(owner)
        now = self._cost(fill[clients], load[clients], clients)
        joined = self._cost(
            fill[clients, None] + self._fill[clients], load[clients, None] + self.demand.load, clients[:, None]
        )
        return now, joined

    def of_subchannels(self, owner: IntArray, listed: IntArray) -> tuple[FloatArray, FloatArray]:
        fill, load = self._held(owner)
        of = owner[listed]
        fill_left, load_left = fill[of] - self._fill[of, listed], load[of] - self.demand.load[listed]
        without = self._cost(fill_left, load_left, of)
        instead = self._cost(fill_left[:, None] + self._fill[of], load_left[:, None] + self.demand.load, of[:, None])
        return without, instead

    @cached_property
    def _fill(self) -> FloatArray:
        """Fills [K + 1, M] with a last row of zeros for nobody, which -1 finds too."""
        return np.vstack([self.demand.fill, np.zeros(self.demand.subchannels)])

    @cached_property
    def _cap(self) -> FloatArray:
        return np.append(self.demand.cap * (1 + ROUNDING), np.inf)

    def _held(self, owner: IntArray) -> tuple[FloatArray, FloatArray]:
        of = np.where(owner == NOBODY, len(self.demand.cap), owner)
        sizes = len(self._cap)
        fill = total_by_owner(of, self._fill[of, np.arange(len(of))], sizes)
        return fill, total_by_owner(of, self.demand.load, sizes)

    def _cost(self, fill: FloatArray, load: FloatArray, of: IntArray) -> FloatArray:
        nobody = (of == NOBODY) | (of == len(self.demand.cap))
        cost = np.where(nobody, 0.0, np.exp(np.minimum(self.sharpness * (1 - fill), MOST_EXPONENT)))
        return np.asarray(np.where(load <= self._cap[of], cost, np.inf))
