"""The power step of an OFDMA link: once every subchannel has its owner, only one deadline is left to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.ofdma import OfdmaLink, Spectrum, total_by_owner
from rasolve.forms.shares import MinMaxShares
from rasolve.numerics import LN2, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class OwnedLink:
    """An `OfdmaLink` whose subchannels are owned: least power for a deadline by water-filling (textbook).

    Each client's subchannels stand in a row, best gain first, padded with zero width to the longest: ``width_hz``
    and ``log_snr`` (ln(gain/noise), at psd 1 W/Hz) have shape [K, L]. A client with flat gain needs one column only.
    """

    link: OfdmaLink
    owner: IntArray
    width_hz: FloatArray
    log_snr: FloatArray

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

    def need(self, deadline: FloatArray) -> FloatArray:
        """Return the least power [..., K, W] with which each client meets deadlines [..., s]."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            excess = np.expm1(np.maximum(self._log_level(deadline)[..., None] + self.log_snr, 0.0))
            power = np.where(self.width_hz > 0, self.width_hz * excess * np.exp(-self.log_snr), 0.0)
            return np.asarray(power.sum(axis=-1))

    def spectrum(self, deadline: float) -> Spectrum:
        """Return owners and least densities that meet the deadline."""
        link = self.link
        level = self._log_level(np.asarray(deadline))[self.owner]
        log_snr = np.log(link.gain[self.owner, np.arange(link.subchannels)] / link.noise_w_per_hz)
        psd = np.expm1(np.maximum(level + log_snr, 0.0)) * np.exp(-log_snr)
        return link.within_limits(Spectrum(self.owner, psd))

    def _log_level(self, deadline: FloatArray) -> FloatArray:
        """Return each client's log water level ln ν [..., K].

        The rate Σ_i B_i·max(ln(ν·h_i), 0) is the largest, over prefixes of the sorted subchannels, of S·ln ν + H with
        S = Σ B_i and H = Σ B_i·ln h_i, so ln ν is the smallest (rate - H)/S.
        """
        link = self.link
        nats = link.payload_bits * LN2 / (np.asarray(deadline)[..., None] - link.offset_s)
        widths = np.cumsum(self.width_hz, axis=1)
        heights = np.cumsum(self.width_hz * self.log_snr, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(((nats[..., None] - heights) / widths).min(axis=-1))


def owned(link: OfdmaLink, owner: IntArray) -> OwnedLink:
    """Return the link with its owners [M] fixed; every client must own at least one subchannel."""
    if link.flat_gain:
        widths = total_by_owner(owner, link.width_hz, link.clients)[:, None]
        return OwnedLink(link, owner, widths, np.log(link.gain[:, :1] / link.noise_w_per_hz))
    gain = link.gain[owner, np.arange(link.subchannels)]
    order = np.lexsort((-gain, owner))
    counts = np.bincount(owner, minlength=link.clients)
    column = np.arange(link.subchannels) - np.repeat(np.cumsum(counts) - counts, counts)
    width_hz = np.zeros((link.clients, counts.max()))
    log_snr = np.zeros_like(width_hz)
    width_hz[owner[order], column] = link.width_hz[order]
    log_snr[owner[order], column] = np.log(gain[order] / link.noise_w_per_hz)
    return OwnedLink(link, owner, width_hz, log_snr)
