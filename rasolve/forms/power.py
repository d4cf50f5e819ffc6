"""The power step of an OFDMA link: once every subchannel has its owner, only one deadline is left to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.link import total_by_owner
from rasolve.forms.ofdma import OfdmaLink, Spectrum
from rasolve.forms.shares import MinMaxShares
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray, decreasing_root


@dataclass(frozen=True, eq=False)
class OwnedLink:
    """An `OfdmaLink` whose subchannels are owned: least power for a deadline by water-filling (textbook).

    Each client's subchannels stand in a row, best gain first, padded with zero width to the longest. ``width_hz`` and
    ``fade`` (ln of the gain over the client's best, so at most 0) have shape [K, L]; ``best_snr`` (best gain/noise, the
    SNR at 1 W/Hz) has shape [K]. A client with flat gain needs one column only.
    """

    link: OfdmaLink
    owner: IntArray
    width_hz: FloatArray
    fade: FloatArray
    best_snr: FloatArray

    @property
    def shares(self) -> MinMaxShares:
        """The power step as a form: smallest deadline with Σ_k power_k(τ) <= total and power_k(τ) <= cap_k."""
        link = self.link
        return MinMaxShares(
            need=self.need,
            floor=link.offset_s.max(),
            budget=np.asarray(link.total_power_w),
            cap=link.client_power_w,
        )

    def earliest(self) -> float:
        """Return the earliest deadline [s] that all can meet within caps and total, by bracketed search."""
        link = self.link
        cap = np.minimum(link.client_power_w, link.total_power_w)
        width = self.width_hz.sum(axis=1)
        alone = link.payload_bits * LN2 / (width * np.log1p(cap * self.best_snr / width))
        floor = link.offset_s.max()
        return float(decreasing_root(self.shares.residual, floor, floor + alone.max()).feasible)

    def worth_of_total(self) -> float:
        """Return -dτ/d(total power) >= 0 at the earliest deadline [s/W], by a difference; 0 where caps decide."""
        link, deadline = self.link, self.earliest()
        step = max(1e-6 * (deadline - link.offset_s.max()), 256 * np.spacing(deadline))
        power, later = self.need(np.asarray([deadline, deadline + step])).sum(axis=1)
        if power < link.total_power_w * (1 - ROUNDING):
            return 0.0
        return float(step / (power - later))

    def need(self, deadline: FloatArray) -> FloatArray:
        """Return the least power [..., K, W] with which each client meets deadlines [..., s]."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            excess = np.expm1(np.maximum(self._log_snr(deadline)[..., None] + self.fade, 0.0))
            power = np.where(self.width_hz > 0, self.width_hz * excess * np.exp(-self.fade), 0.0)
            return np.asarray(power.sum(axis=-1) / self.best_snr)

    def spectrum(self, deadline: float) -> Spectrum:
        """Return owners and least densities that meet the deadline."""
        link = self.link
        snr = link.gain[self.owner, np.arange(link.subchannels)] / link.noise_w_per_hz
        fade = np.log(snr / self.best_snr[self.owner])
        psd = np.expm1(np.maximum(self._log_snr(np.asarray(deadline))[self.owner] + fade, 0.0)) / snr
        return link.within_limits(Spectrum(self.owner, psd))

    def _log_snr(self, deadline: FloatArray) -> FloatArray:
        """Return ln(1 + SNR) on each client's best subchannel [..., K]: its water level, relative to its best gain.

        With level y and fades δ_i <= 0 the rate Σ_i B_i·max(y + δ_i, 0) is the largest, over prefixes of the sorted
        subchannels, of Σ B_i·(y + δ_i), so y is the smallest (rate - Σ B_i·δ_i)/Σ B_i. Nothing cancels at low SNR.
        """
        link = self.link
        with np.errstate(divide="ignore", invalid="ignore"):
            nats = link.payload_bits * LN2 / (np.asarray(deadline)[..., None] - link.offset_s)
            faded = nats[..., None] - np.cumsum(self.width_hz * self.fade, axis=1)
            return np.asarray((faded / np.cumsum(self.width_hz, axis=1)).min(axis=-1))


def owned(link: OfdmaLink, owner: IntArray) -> OwnedLink:
    """Return the link with its owners [M] fixed; every client must own at least one subchannel."""
    if link.flat_gain:
        widths = total_by_owner(owner, link.width_hz, link.clients)[:, None]
        return OwnedLink(link, owner, widths, np.zeros_like(widths), link.gain[:, 0] / link.noise_w_per_hz)
    gain = link.gain[owner, np.arange(link.subchannels)]
    order = np.lexsort((-gain, owner))
    counts = np.bincount(owner, minlength=link.clients)
    column = np.arange(link.subchannels) - np.repeat(np.cumsum(counts) - counts, counts)
    width_hz = np.zeros((link.clients, counts.max()))
    fade = np.zeros_like(width_hz)
    best = gain[order[np.cumsum(counts) - counts]]
    width_hz[owner[order], column] = link.width_hz[order]
    fade[owner[order], column] = np.log(gain[order] / best[owner[order]])
    return OwnedLink(link, owner, width_hz, fade, best / link.noise_w_per_hz)
