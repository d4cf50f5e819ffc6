"""The OFDMA link with flat gain and equal widths as its rivals see it: whole counts, watts and one deadline.

With n subchannels of width B, client k meets a deadline τ with the power (textbook; reconstructed for FedsLLM)

    P_k(n, τ) = w_k·n·(exp(d_k/(n·(τ - a_k))) - 1),   w_k = B·N0/g_k,   d_k = D_k·ln 2/B,

which is jointly convex in (n, τ): n·h(y/n) is the perspective of the convex, increasing h(y) = w_k·(exp(y) - 1), taken
at y = d_k/(τ - a_k), which is convex in τ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.forms.ofdma import LN2
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.fedsllm import FedsLLM
from rasolve.problems.fedsllm.choice import main_link


@dataclass(frozen=True, eq=False)
class FlatLink:
    """A link of interchangeable subchannels; all arrays are [K], in SI units."""

    form: OfdmaLink

    @cached_property
    def noise_w(self) -> FloatArray:
        """w_k: noise power of one subchannel seen through the client's gain [K, W]."""
        return np.asarray(self.form.width_hz[0] * self.form.noise_w_per_hz / self.form.gain[:, 0])

    @cached_property
    def load(self) -> FloatArray:
        """d_k: seconds times nats per hertz that a client owes on a single subchannel [K]."""
        return np.asarray(self.form.payload_bits * LN2 / self.form.width_hz[0])

    @cached_property
    def cap_w(self) -> FloatArray:
        """The most power a client may use [K, W]."""
        return np.asarray(np.minimum(self.form.client_power_w, self.form.total_power_w))

    def power(self, counts: FloatArray | IntArray, deadline: FloatArray | float) -> FloatArray:
        """Return P_k(n, τ) [K, W]; inf where the deadline cannot be met."""
        spare = deadline - self.form.offset_s
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            needed = self.noise_w * counts * np.expm1(self.load / (counts * spare))
        return np.where((spare > 0) & (np.asarray(counts) > 0), needed, np.inf)

    def alone(self, counts: FloatArray | IntArray) -> FloatArray:
        """Return the deadline [K, s] that each client meets with its counts and its whole cap."""
        rate = counts * np.log1p(self.cap_w / (self.noise_w * counts))
        return np.asarray(self.form.offset_s + self.load / rate)

    def equal_counts(self) -> IntArray:
        """Return counts that differ by at most one."""
        clients, subchannels = self.form.clients, self.form.subchannels
        return subchannels // clients + (np.arange(clients) < subchannels % clients)

    def attained(self, counts: IntArray) -> tuple[float, Spectrum]:
        """Return when whole counts finish at the earliest [s], by the true rate of the spectrum that does it.

        Every client alone with its cap is the least deadline; where the total does not suffice for it, the root of
        ln(Σ P_k / P) above it is found by Brent's method.
        """
        total = self.form.total_power_w
        deadline = float(self.alone(counts).max())
        if self.power(counts, deadline).sum() > total:
            high = 2 * deadline
            while self.power(counts, high).sum() > total:
                high *= 2
            deadline = brentq(lambda t: np.log(self.power(counts, t).sum() / total), deadline, high, xtol=1e-300)
        power = self.power(counts, deadline)
        power = np.minimum(power * min(1.0, total / power.sum()), self.cap_w)
        owner = np.repeat(np.arange(self.form.clients), counts)
        spectrum = Spectrum(owner, np.repeat(power / (counts * self.form.width_hz[0]), counts))
        return self.form.objective(spectrum), spectrum


def sampled_link(clients: int, subchannels: int, seed: int, regime: str = "wideband") -> OfdmaLink:
    """Return the main link of a sampled FedsLLM instance at cut 1 and rank 8."""
    return main_link(FedsLLM.sample(clients=clients, subchannels=subchannels, seed=seed, regime=regime), 1, 8)
