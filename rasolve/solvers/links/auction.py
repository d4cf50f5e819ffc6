"""Prices at which no plan can meet a deadline: the Lagrangian of a link, in which every subchannel goes to one bidder.

Every plan in time keeps rows Σ_j (row of fill, load, count)·... >= least (`Rows`). With multipliers v >= 0 of the rows
come a price of fill, a price of load and a handicap for each client, and no plan gives the left sides more than

    V(v) = Σ_i max(0, max_k (bid_{k,i} + handicap_k)),

one subchannel at a time. So gain(v) = least·v - V(v) > 0 refutes the deadline (ours; weak duality, textbook): any
multipliers give a valid statement, evaluated here in floating point by closed forms. The best ones maximise a concave,
homogeneous function; its maxima are smoothed (log-sum-exp), v >= 0 kept by logarithmic barriers of the same
temperature, and Newton's method follows the maximum as that falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rasolve.forms.link import Bids, Demand, Rows
from rasolve.numerics import FloatArray

MARGIN = 1e-12
"""A gain must exceed this share of the multipliers' sum, 1, to count: far above rounding."""

COOLEST, COOLING = 1e-7, 0.2
"""Last temperature, and the factor from one to the next; smoothing costs about COOLEST·(M·ln K + rows) of gain."""

CENTRED = 0.3
"""Newton's decrement over the temperature at which the next temperature may come."""

MOST_NEWTON = 25
"""Newton steps at one temperature."""


@dataclass(frozen=True, eq=False)
class Auction:
    """The Lagrangian of one deadline: its demand and rows."""

    demand: Demand
    rows: Rows

    def gain(self, v: FloatArray) -> float:
        """Return how far the multipliers [n] refute the deadline: above MARGIN·Σv, no plan meets it.

        Multipliers that reward load, on balance, say nothing: -inf.
        """
        fill_price, load_price, handicap = self.prices(v)
        if not (load_price[self.rows.priced] > 0).all():
            return -np.inf
        worth = self.demand.bids(fill_price, load_price).value + handicap[:, None]
        return float(self.rows.least @ v - np.maximum(worth.max(axis=0), 0.0).sum())

    def start(self) -> FloatArray:
        """Return multipliers [n] well inside, Σv = 1: rows that reward load use up a tenth of its price."""
        clients = self.rows.matrix.shape[1] // 3
        by_load = self.rows.matrix[:, clients : 2 * clients].toarray()
        reward, of = by_load.max(axis=1), by_load.argmax(axis=1)
        v = np.where(reward > 0, 0.0, 1.0)
        price = -(by_load.T @ v)
        v = np.where(reward > 0, 0.1 * price[of] / np.where(reward > 0, reward, 1.0), v)
        return np.asarray(v / v.sum())

    def best(self, v: FloatArray, warmest: float, enough: Callable[[float], bool]) -> tuple[FloatArray, FloatArray]:
        """Return the multipliers [n] of largest gain, and each client's share of each subchannel [K, M] there.

        Starts from v > 0 at temperature ``warmest``; stops early when a gain is ``enough``.
        """
        best, most, temperature = v, -np.inf, warmest
        point = _Point.at(self, v, temperature)
        while True:
            point = self._centred(point)
            gain = self.gain(point.v)
            if gain > most:
                best, most = point.v, gain
            if temperature <= COOLEST or enough(gain):
                return best, point.share
            temperature = max(temperature * COOLING, COOLEST)
            point = _Point.at(self, point.v, temperature)

    def _centred(self, point: _Point) -> _Point:
        """Return the smoothed maximum at the point's temperature, by Newton's method with a line search."""
        for _ in range(MOST_NEWTON):
            slope, curvature = point.derivatives()
            try:
                direction = _newton(point.v, slope, curvature)
            except np.linalg.LinAlgError:
                break  # curvature lost in rounding: the prices at hand prove what they prove
            decrement = -float(slope @ direction)
            if not decrement > 0:
                break
            step = min(1.0, 0.95 / max(float((-direction / point.v).max()), 1e-300))
            while True:
                tried = _Point.at(self, point.v + step * direction, point.temperature)
                if tried.value <= point.value - 1e-4 * step * decrement or step < 1e-8:
                    break
                step *= 0.5
            if not tried.value < point.value:
                break
            point = tried
            if decrement < CENTRED * point.temperature:
                break
        return point

    def prices(self, v: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the price of fill, of load and the handicap of each client [K]."""
        fill, load, count = (self.rows.transposed @ v).reshape(3, -1)
        return fill, -load, count


@dataclass(frozen=True, eq=False)
class _Point:
    """Multipliers at a temperature: the smoothed, barred Lagrangian (to be minimised) and what it is made of."""

    auction: Auction
    v: FloatArray
    temperature: float
    value: float
    prices: tuple[FloatArray, FloatArray, FloatArray]
    bids: Bids | None = None
    share: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def at(cls, auction: Auction, v: FloatArray, temperature: float) -> _Point:
        fill_price, load_price, handicap = prices = auction.prices(v)
        barred = load_price[auction.rows.priced]
        if (v <= 0).any() or (barred <= 0).any():
            return cls(auction, v, temperature, np.inf, prices)
        bids = auction.demand.bids(fill_price, load_price)
        worth = bids.value + handicap[:, None]
        top = np.maximum(worth.max(axis=0), 0.0)
        weight = np.exp((worth - top) / temperature)
        total = weight.sum(axis=0) + np.exp(-top / temperature)
        smooth = (top + temperature * np.log(total)).sum() - auction.rows.least @ v
        value = smooth - temperature * (np.log(v).sum() + np.log(barred).sum())
        return cls(auction, v, temperature, float(value), prices, bids, weight / total)

    def derivatives(self) -> tuple[FloatArray, FloatArray]:
        """Return gradient [n] and Hessian [n, n] of the value, by way of those in the prices [3K]."""
        assert self.bids is not None
        bids, share, rows, t = self.bids, self.share, self.auction.rows, self.temperature
        clients, priced = len(share), rows.priced
        fill_price, load_price, _ = self.prices
        by_kind = np.stack([bids.fill, bids.load, np.ones_like(share)])
        expected = (share * by_kind).reshape(3 * clients, -1)
        spread = np.einsum("aki,bki,ki->abk", by_kind, by_kind, share)
        bend = (share * bids.bend).sum(axis=1)
        curved = np.flatnonzero(bend > 0)
        bend, mu, b = bend[curved] * t, fill_price[curved], load_price[curved]
        spread[:2, :2, curved] += np.asarray([[bend / mu, bend / b], [bend / b, bend * mu / b**2]])
        spread[1, 1, priced] += (t / load_price[priced]) ** 2
        curvature = -expected @ expected.T
        everyone = np.arange(clients)
        curvature.reshape(3, clients, 3, clients)[:, everyone, :, everyone] += np.moveaxis(spread, 2, 0)
        slope = expected.sum(axis=1)
        slope[clients + priced] += t / load_price[priced]
        half = rows.matrix @ curvature
        return (
            rows.matrix @ slope - rows.least - t / self.v,
            (rows.matrix @ half.T) / t + np.diag(t / self.v**2),
        )


def _newton(v: FloatArray, slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Return Newton's direction with Σv kept, solved in v's own scale."""
    n = len(v)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = curvature * v[:, None] * v
    system[n, :n] = system[:n, n] = v
    return np.asarray(np.linalg.solve(system, np.append(-slope * v, 0.0))[:n] * v)
