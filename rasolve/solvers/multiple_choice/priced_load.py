"""What options cost on a shared link at given prices: only counts matter there, or in what the link is relaxed to.

With price α for the whole band of M subchannels and price β for the whole power P, an option that must be done at the
level (deadline) τ costs at least

    q(τ) = min_n  α·n/M + β·p(n, τ)/P     over whole n >= 1 with p(n, τ) <= cap,
    p(n, τ) = w·n·(exp(d/n) - 1),  d = payload·ln 2 / (B·(τ - offset)),  w = B·N0/gain.

For each n, p is convex and decreasing in τ, so for every τ <= τ1 it is at least p(n, τ1) + δ·s(n) with δ = τ1 - τ and
s = -∂p/∂τ at τ1. That line is convex in n, so its least whole n is found by bisection (ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rasolve.forms import Load, OfdmaLink
from rasolve.numerics import LN2, FloatArray, IntArray
from rasolve.solvers.links.least_power import least_counts, power

UNITS = 8
"""Equal units, for each subchannel of the link, that bandwidth is counted in where widths differ."""


def counted(link: OfdmaLink) -> OfdmaLink:
    """Return a link on which only counts matter and that is never slower: the link itself where that is so (ours).

    Every client hears every subchannel at its best gain. Unequal widths give way to equal units: a client's bandwidth,
    rounded up to whole units, adds less than one unit for each client.
    """
    if link.interchangeable:
        return link
    units, width_hz = link.subchannels, link.width_hz[0]
    if (link.width_hz != width_hz).any():
        units, width_hz = UNITS * link.subchannels + link.clients - 1, link.width_hz.mean() / UNITS
    return OfdmaLink(
        offset_s=link.offset_s,
        payload_bits=link.payload_bits,
        gain=np.broadcast_to(link.gain.max(axis=1, keepdims=True), (link.clients, units)),
        width_hz=np.full(units, width_hz),
        noise_w_per_hz=link.noise_w_per_hz,
        client_power_w=link.client_power_w,
        total_power_w=link.total_power_w,
    )


@dataclass(frozen=True, eq=False)
class Need:
    """What options [K, J] need to be done at a level: nats per hertz on one subchannel, and by how much that falls.

    ``load`` is d, ``fall`` is -∂d/∂τ and ``least`` the fewest subchannels within the cap, one too many where none do.
    """

    level: float
    load: FloatArray
    fall: FloatArray
    least: IntArray


@dataclass(frozen=True, eq=False)
class PricedLoad:
    """A load whose link only counts (see :func:`counted`)."""

    load: Load

    @classmethod
    def of(cls, load: Load) -> PricedLoad:
        """Return the load on its link, relaxed where more than counts matter there."""
        return cls(Load(load.weight, counted(load.link), load.offset_s, load.payload_bits))

    @cached_property
    def noise_w(self) -> FloatArray:
        """Noise power of one subchannel seen through each client's gain, w [K, 1, W]."""
        link = self.load.link
        return np.asarray(link.width_hz[0] * link.noise_w_per_hz / link.gain[:, :1])

    @cached_property
    def cap_w(self) -> FloatArray:
        """Most power of each client [K, 1, W]."""
        return np.minimum(self.load.link.client_power_w, self.load.link.total_power_w)[:, None]

    @property
    def most(self) -> int:
        """Most subchannels that one client can hold: every other holds one."""
        return self.load.link.subchannels - self.load.link.clients + 1

    @cached_property
    def alone_s(self) -> FloatArray:
        """When each option [K, J] is done by a client that is given all it can be given."""
        return np.asarray(self.load.offset_s + self.load.payload_bits / self.load.link.alone_rates()[:, None])

    def need(self, level: float) -> Need:
        """Return what the options need to be done at a level [s]."""
        spare = level - self.load.offset_s
        with np.errstate(divide="ignore", invalid="ignore"):
            nats = self.load.payload_bits * LN2 / self.load.link.width_hz[0]
            load = np.where(spare > 0, nats / spare, np.inf)
            fall = np.where(spare > 0, load / spare, 0.0)
        return Need(level, load, fall, least_counts(self.noise_w, load, self.cap_w, self.most))

    def cheapest(self, need: Need, low: float, band: float, watts: float) -> tuple[FloatArray, IntArray]:
        """Return the least cost of every option at the needed level and, by tangents, at ``low`` below it, [2, K, J].

        With it the number of subchannels. ``band`` and ``watts`` are the prices of the whole band and the whole power.
        Options beyond their cap cost inf.
        """
        link = self.load.link
        a, b = band / link.subchannels, watts / link.total_power_w * self.noise_w
        rise = np.asarray([0.0, need.level - low])[:, None, None] * need.fall

        def cost(count: IntArray) -> FloatArray:
            with np.errstate(over="ignore", invalid="ignore"):
                growth = np.expm1(need.load / count)
                return np.asarray(a * count + b * ((count + rise) * growth + rise))

        first = np.broadcast_to(np.minimum(need.least, self.most), rise.shape)
        last = np.full_like(first, self.most)
        while (last > first).any():
            middle = (first + last) // 2
            rising = ~(cost(middle + 1) < cost(middle))
            first, last = np.where(rising, first, np.minimum(middle + 1, last)), np.where(rising, middle, last)
        return np.where(need.least <= self.most, cost(first), np.inf), first

    def used(self, need: Need, low: float, pick: tuple[IntArray, IntArray], count: IntArray) -> FloatArray:
        """Return the power [K, W] of picked options with counts [K] at the needed level, by tangents at ``low``."""
        load, noise_w = need.load[pick], self.noise_w[:, 0]
        with np.errstate(over="ignore", invalid="ignore"):
            return power(noise_w, load, count) + (need.level - low) * need.fall[pick] * noise_w * np.exp(load / count)

    def excess(self, need: Need, low: float, pick: tuple[IntArray, IntArray], count: IntArray) -> FloatArray:
        """Return by how much the power [K, W] of picked options at the level ``low`` exceeds its tangent.

        inf where the cap is exceeded there: the tangent does not see it.
        """
        spare = low - self.load.offset_s[pick]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            load = np.where(spare > 0, need.load[pick] * (need.level - self.load.offset_s[pick]) / spare, np.inf)
            exact = power(self.noise_w[:, 0], load, count)
        return np.where(exact <= self.cap_w[:, 0], exact - self.used(need, low, pick, count), np.inf)
