"""What every exchange of a subchannel would cost in power, for local search on an `OfdmaLink`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.link import MOST_EXPONENT, Ledger
from rasolve.numerics import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class PowerLedger(Ledger):
    """Cost power_k + exp(sharpness·(power_k/cap_k - 1))/sharpness of each client: the total, and a soft limit for caps.

    Shapes as in `PowerDemand`. Powers come from prefix sums over subchannels sorted by gain: the level of a set with
    one more subchannel is the smallest over prefixes with and without it, and its power is exp(level)·Σ width -
    Σ width/snr over what it lights. That cancels at low SNR, which is good enough to rank exchanges.
    """

    width_hz: FloatArray
    log_snr: FloatArray
    nats_per_s: FloatArray
    cap: FloatArray
    sharpness: float

    def of_clients(self, owner: IntArray, clients: IntArray) -> tuple[FloatArray, FloatArray]:
        order = self._order[clients]
        now, joined = self._powers(clients, order, owner[order] == clients[:, None])
        return self._cost(now, clients), self._cost(joined, clients[:, None])

    def of_subchannels(self, owner: IntArray, listed: IntArray) -> tuple[FloatArray, FloatArray]:
        of = owner[listed]
        order = self._order[of]
        kept = (owner[order] == of[:, None]) & (order != listed[:, None])
        without, instead = self._powers(of, order, kept)
        return self._cost(without, of), self._cost(instead, of[:, None])

    @cached_property
    def _order(self) -> IntArray:
        """Each client's subchannels [K, M], the best gain first."""
        return np.argsort(-self.log_snr, axis=1, kind="stable")

    def _powers(self, of: IntArray, order: IntArray, kept: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """Return the least power of each row's kept subchannels [R], and with each subchannel joined to them [R, M].

        ``order`` [R, M] sorts the subchannels for the row's client ``of`` [R].
        """
        longest = max(1, int(kept.sum(axis=1).max()))
        front = np.argsort(~kept, axis=1, kind="stable")[:, :longest]
        present, index = np.take_along_axis(kept, front, 1), np.take_along_axis(order, front, 1)
        width = np.where(present, self.width_hz[index], 0.0)
        log_snr = self.log_snr[of[:, None], index]
        widths, rates = np.cumsum(width, axis=1), np.cumsum(width * log_snr, axis=1)
        dark = np.cumsum(width * np.exp(-log_snr), axis=1)
        nats = self.nats_per_s[of]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            levels = np.where(widths > 0, (nats[:, None] - rates) / widths, np.inf)
            lit = levels.argmin(axis=1)[:, None]
            level, lit_width, lit_dark = (np.take_along_axis(array, lit, 1) for array in (levels, widths, dark))
            now = np.exp(level) * lit_width - lit_dark
            extra_width, extra_rate = self.width_hz, self.width_hz * self.log_snr[of]
            extra_dark = self.width_hz * np.exp(-self.log_snr[of])
            level, lit_width, lit_dark = (
                np.repeat(a, len(self.width_hz), axis=1) for a in (level, lit_width, lit_dark)
            )
            for prefix in range(-1, longest):
                before = (a[:, prefix, None] if prefix >= 0 else 0.0 for a in (widths, rates, dark))
                width_before, rate_before, dark_before = before
                joined = (nats[:, None] - rate_before - extra_rate) / (width_before + extra_width)
                better = joined < level
                level = np.where(better, joined, level)
                lit_width = np.where(better, width_before + extra_width, lit_width)
                lit_dark = np.where(better, dark_before + extra_dark, lit_dark)
            return now[:, 0], np.exp(level) * lit_width - lit_dark

    def _cost(self, power: FloatArray, of: IntArray) -> FloatArray:
        beyond = np.minimum(self.sharpness * (power / self.cap[of] - 1), MOST_EXPONENT)
        return np.asarray(np.where(np.isnan(power), np.inf, power + np.exp(beyond) / self.sharpness))
