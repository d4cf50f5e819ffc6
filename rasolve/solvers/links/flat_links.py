"""Many OFDMA links of interchangeable subchannels side by side: what a deadline needs and what counts attain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

import numpy as np

from rasolve.forms import Form, OfdmaLink
from rasolve.numerics import LN2, FloatArray, IntArray
from rasolve.scenario.radio import density_rate
from rasolve.solvers.links.least_power import allocate, least_counts, power

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class FlatLinks(Form):
    """N instances of `OfdmaLink`, each with K clients and M subchannels that differ neither in width nor in gain.

    Fields are those of `OfdmaLink`: gain and the other arrays of clients [N, K], the rest [N].
    """

    name: ClassVar[str] = "FlatLinks"
    says: ClassVar[str] = "many OFDMA links of interchangeable subchannels"

    subchannels: int
    offset_s: FloatArray
    payload_bits: FloatArray
    gain: FloatArray
    width_hz: FloatArray
    noise_w_per_hz: FloatArray
    client_power_w: FloatArray
    total_power_w: FloatArray

    @classmethod
    def of(cls, forms: Sequence[OfdmaLink]) -> FlatLinks:
        """Return links of equal sizes side by side."""
        return cls(
            forms[0].subchannels,
            np.array([form.offset_s for form in forms]),
            np.array([form.payload_bits for form in forms]),
            np.array([form.gain[:, 0] for form in forms]),
            np.asarray([form.width_hz[0] for form in forms]),
            np.asarray([form.noise_w_per_hz for form in forms], dtype=np.float64),
            np.array([form.client_power_w for form in forms]),
            np.asarray([form.total_power_w for form in forms], dtype=np.float64),
        )

    def rows(self, chosen: IntArray) -> FlatLinks:
        """Return the chosen instances."""
        if len(chosen) == len(self.width_hz):
            return self
        return FlatLinks(self.subchannels, *(getattr(self, f.name)[chosen] for f in fields(self)[1:]))

    @property
    def clients(self) -> int:
        """K."""
        return int(self.offset_s.shape[1])

    @cached_property
    def noise_w(self) -> FloatArray:
        """w_k: the noise power of one subchannel seen through each client's gain [N, K, W]."""
        return np.asarray((self.width_hz * self.noise_w_per_hz)[:, None] / self.gain)

    @cached_property
    def _owed(self) -> FloatArray:
        """Seconds times nats per hertz that each client owes on a single subchannel [N, K]."""
        return np.asarray(self.payload_bits * LN2 / self.width_hz[:, None])

    @property
    def equal_counts(self) -> IntArray:
        """Counts that differ by at most one [N, K]."""
        share = self.subchannels // self.clients + (np.arange(self.clients) < self.subchannels % self.clients)
        return np.broadcast_to(share, self.offset_s.shape)

    def lower_bound(self) -> FloatArray:
        """Return the bound of :meth:`OfdmaLink.lower_bound` on each instance [N, s]."""
        if self.subchannels < self.clients:
            return np.full(len(self.width_hz), np.inf)
        spared = (self.subchannels - self.clients + 1) * self.width_hz[:, None]
        cap = np.minimum(self.client_power_w, self.total_power_w[:, None])
        rate = spared * np.log1p(cap * self.gain / (self.noise_w_per_hz[:, None] * spared)) / LN2
        return np.asarray((self.offset_s + self.payload_bits / rate).max(axis=-1))

    def meeting(self, deadline: FloatArray, like: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the least-power counts [N, K] for deadlines [N, s] and ln of their power over the total [N].

        Above 0 no counts at all meet the deadline; at inf, not even with the caps alone. `like` are counts to start
        near.
        """
        spare = deadline[:, None] - self.offset_s
        load = self._owed / spare
        least = least_counts(self.noise_w, load, self.client_power_w, self.subchannels)
        fits = ((spare > 0).all(axis=-1) & (least.sum(axis=-1) <= self.subchannels)).nonzero()[0]
        lack = np.full(len(like), np.inf)
        if not fits.size:
            return like, lack
        links, counts = self.rows(fits), np.array(like)
        counts[fits], powers = allocate(links.noise_w, load[fits], least[fits], counts[fits], self.subchannels)
        lack[fits] = np.log(powers.sum(axis=-1) / links.total_power_w)
        return counts, lack

    def earliest(self, counts: IntArray) -> FloatArray:
        """Return the earliest deadlines [N, s] that given counts [N, K] meet, their power caps and the totals kept.

        Every client alone with its cap gives a start on the infeasible side, in closed form. There the logarithm of the
        summed power is convex and decreasing in the deadline, so Newton's iterates rise monotonically to the root.
        Where a client's spare time is below the rounding of the deadline, that start is all that can be said.
        """
        cap = np.minimum(self.client_power_w, self.total_power_w[:, None])
        alone = self._owed / (counts * np.log1p(cap / (self.noise_w * counts)))
        deadline = (self.offset_s + alone).max(axis=-1)
        while True:
            total, slope = self.total_power(counts, deadline)
            later = deadline + np.log(total / self.total_power_w) * total / slope
            rises = later > deadline * (1 + 4 * EPSILON)
            if not rises.any():
                return np.asarray(deadline)
            deadline = np.where(rises, later, deadline)

    def total_power(self, counts: IntArray, deadline: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the power [N, W] counts need in all for deadlines [N, s], and how fast it falls with those [W/s]."""
        spare = deadline[:, None] - self.offset_s
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            noise_w, exponent = self.noise_w * counts, self._owed / (spare * counts)
            grown = np.expm1(exponent)
            return (noise_w * grown).sum(axis=-1), (noise_w * (grown + 1) * exponent / spare).sum(axis=-1)

    def densities(self, counts: IntArray, deadline: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each client's power spectral density [N, K, W/Hz] for deadlines [N, s], and what they attain [N, s].

        Powers are those of a few units in the last place later, so that rounding does not break a limit, and what still
        exceeds one is scaled away; a client whose spare time is lost in rounding sends at its cap.
        """
        spare = deadline[:, None] * (1 + 4 * EPSILON) - self.offset_s
        width, total = self.width_hz[:, None], self.total_power_w[:, None]
        psd = np.minimum(power(self.noise_w, self._owed / spare, counts), self.client_power_w) / (counts * width)
        added = _added_up(psd * width, counts)
        scale = np.minimum(1.0, self.client_power_w / added)
        scale *= np.minimum(1.0, total / (added * scale).sum(axis=-1, keepdims=True))
        psd *= scale
        rate = _added_up(density_rate(width, psd, self.gain, self.noise_w_per_hz[:, None]), counts)
        return psd, (self.offset_s + self.payload_bits / rate).max(axis=-1)


def _added_up(value: FloatArray, counts: IntArray) -> FloatArray:
    """Return value [N, K] added up as often as counts say, one by one as over the subchannels of a spectrum."""
    each = np.repeat(np.arange(value.size), counts.ravel())
    added = np.bincount(each, weights=value.ravel()[each], minlength=value.size)
    return np.asarray(added, dtype=np.float64).reshape(value.shape)
