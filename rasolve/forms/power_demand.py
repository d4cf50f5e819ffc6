"""What clients ask of subchannels when power is free: rates by water-filling, within caps and a total."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.link import Bids, Demand, Ledger, Rows
from rasolve.forms.power_ledger import PowerLedger
from rasolve.forms.water import least_power
from rasolve.numerics import FloatArray, IntArray, marginal_efficiency

SLACK = 1e-11
"""Relative slack against rounding, on the side that keeps a bound valid."""

ULPS = 4 * float(np.finfo(np.float64).eps)
"""Relative error that a sum of two logarithms may carry."""


@dataclass(frozen=True, eq=False)
class PowerDemand(Demand):
    """Needed nats/s [K], widths [M, Hz], ln of the SNR at the total power over 1 Hz [K, M], caps over the total [K].

    The load of a client is its power over the total power, so all loads together are at most 1.
    """

    nats_per_s: FloatArray
    width_hz: FloatArray
    log_snr: FloatArray
    cap: FloatArray

    @property
    def subchannels(self) -> int:
        return len(self.width_hz)

    @cached_property
    def fewest(self) -> IntArray:
        """Least counts whose least power is within the cap, by bisection: that power falls with the count."""
        low, high = np.zeros(len(self.cap), dtype=np.int64), np.full(len(self.cap), self.subchannels + 1)
        while (high - low > 1).any():
            middle = (low + high) // 2
            enough = self.power_of_count(middle) <= self.cap * (1 + SLACK)
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def power_of_count(self, counts: IntArray) -> FloatArray:
        """Return a load [K] that no ``counts`` [K] subchannels undercut: widest widths paired with best gains.

        With equal widths it is attained by each client's best subchannels. It is convex and decreasing in the count:
        sharing every subchannel in time would not need less.
        """
        width, log_snr = self._best
        width = np.where(np.arange(self.subchannels) < counts[:, None], width, 0.0)
        return least_power(width, log_snr, self.nats_per_s)

    @cached_property
    def _best(self) -> tuple[FloatArray, FloatArray]:
        """Widths [1, M], the widest first, and each client's SNRs [K, M], the best first."""
        return -np.sort(-self.width_hz)[None, :], -np.sort(-self.log_snr, axis=1)

    def bids(self, rate_price: FloatArray, load_price: FloatArray) -> Bids:
        """Return water-filling bids: price·width·(x - 1 + e^-x), x = ln(ν·snr)+, ν = rate_price/(load_price·nats).

        x is rounded up, so that a value, which a proof rests on, is never below what it stands for.
        """
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            level = np.log(rate_price / (load_price * self.nats_per_s))[:, None]
            lost = ULPS * (np.abs(level) + np.abs(self.log_snr))
            x = np.maximum(level + self.log_snr + lost, 0.0)
            unit = self.width_hz / self.nats_per_s[:, None]
            value = rate_price[:, None] * unit * marginal_efficiency(x)
            load = self.width_hz * np.exp(-self.log_snr) * np.expm1(x)
        return Bids(value, unit * x, load, np.where(x > 0, unit, 0.0))

    def rows(self, counts: IntArray) -> Rows:
        """Return needed rates, fewest counts, the trade-off of power and count around ``counts``, caps and total.

        power >= p(n) + (p(n+1) - p(n))·(count - n) holds for whole counts because p is convex: fractions of a
        subchannel, which cost less than whole ones, are cut off (ours; exact for flat gain).
        """
        clients = len(self.cap)
        everyone = np.arange(clients)[:, None]
        both = clients + np.hstack([everyone, clients + everyone])
        trades = (self._trade(counts + shift) for shift in (-1, 0, 1))
        return Rows.stacked(
            clients,
            (1.0, everyone, np.ones((clients, 1))),
            (1.0, 2 * clients + everyone, 1 / self.fewest[:, None]),
            *((1.0, both, np.stack([1 / need, saving / need], axis=1)) for need, saving in trades),
            (-1.0, clients + everyone, -1 / self.cap[:, None]),
            (-1.0, clients + everyone.T, -np.ones((1, clients))),
        )

    def _trade(self, counts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return need and saving [K] with power + saving·count >= need: equality at ``counts`` and one more."""
        at = np.clip(counts, self.fewest, np.maximum(self.subchannels - 1, self.fewest))
        power = self.power_of_count(at)
        saving = np.maximum(power - self.power_of_count(np.minimum(at + 1, self.subchannels)), 0.0)
        return (power + saving * at) * (1 - SLACK), saving

    def ledger(self, sharpness: float) -> Ledger:
        return PowerLedger(self.width_hz, self.log_snr, self.nats_per_s, self.cap, sharpness)

    def powers(self, of: IntArray, chosen: NDArray[np.bool_]) -> FloatArray:
        """Return the least load [S] of sets of subchannels, chosen [S, M], each for the client ``of`` [S]."""
        order = self.order[of]
        width = np.where(np.take_along_axis(chosen, order, axis=1), self.width_hz[order], 0.0)
        return least_power(width, self.log_snr[of[:, None], order], self.nats_per_s[of])

    @cached_property
    def order(self) -> IntArray:
        """Each client's subchannels [K, M], the best gain first."""
        return np.argsort(-self.log_snr, axis=1, kind="stable")
