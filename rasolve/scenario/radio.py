"""Shannon rates of a wireless link and their inverses, vectorised over links.

All formulas are textbook (published): R = W·log2(1 + P·g/(N0·W)) for a link of bandwidth W [Hz], transmit power
P [W], power gain g and noise density N0 [W/Hz]; with a power spectral density p [W/Hz] on a subchannel of width B,
R = B·log2(1 + p·g/N0) and the power is p·B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rasolve.numerics import LN2, FloatArray, snr_at

THERMAL_NOISE_W_PER_HZ = 10 ** (-174 / 10) * 1e-3
"""Thermal noise density at room temperature: -174 dBm/Hz."""


def rate(bandwidth_hz: ArrayLike, power_w: ArrayLike, gain: ArrayLike, noise_w_per_hz: ArrayLike) -> FloatArray:
    """Return the rate [bit/s] of links with the given bandwidth [Hz] and transmit power [W].

    Arguments broadcast. Both limits hold: 0 for no bandwidth, P·g/(N0·ln 2) for infinite bandwidth.
    """
    w = np.asarray(bandwidth_hz, dtype=np.float64)
    limit = rate_limit(power_w, gain, noise_w_per_hz)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        snr = limit * LN2 / w
        finite = w * np.log1p(snr) / LN2
    return np.where(w > 0, np.where(np.isinf(w), limit, finite), 0.0)


def rate_limit(power_w: ArrayLike, gain: ArrayLike, noise_w_per_hz: ArrayLike) -> FloatArray:
    """Return the rate [bit/s] that no bandwidth exceeds: P·g/(N0·ln 2)."""
    p, g, n0 = (np.asarray(a, dtype=np.float64) for a in (power_w, gain, noise_w_per_hz))
    return np.asarray(p * g / (n0 * LN2))


def density_rate(
    width_hz: ArrayLike, psd_w_per_hz: ArrayLike, gain: ArrayLike, noise_w_per_hz: ArrayLike
) -> FloatArray:
    """Return the rate [bit/s] of subchannels of the given width [Hz] and power spectral density [W/Hz]."""
    b, p, g, n0 = (np.asarray(a, dtype=np.float64) for a in (width_hz, psd_w_per_hz, gain, noise_w_per_hz))
    return np.asarray(b * np.log1p(p * g / n0) / LN2)


def power_for_rate(
    rate_bps: ArrayLike, bandwidth_hz: ArrayLike, gain: ArrayLike, noise_w_per_hz: ArrayLike
) -> FloatArray:
    """Return the least transmit power [W] at which links of the given bandwidth reach `rate_bps`; inf beyond range."""
    r, w, g, n0 = (np.asarray(a, dtype=np.float64) for a in (rate_bps, bandwidth_hz, gain, noise_w_per_hz))
    with np.errstate(over="ignore"):
        return np.asarray(w * n0 / g * np.expm1(r * LN2 / w))


def bandwidth_for_rate(
    rate_bps: ArrayLike, power_w: ArrayLike, gain: ArrayLike, noise_w_per_hz: ArrayLike
) -> FloatArray:
    """Return the least bandwidth [Hz] at which links of the given power reach `rate_bps`.

    inf where the rate is at or above the infinite-bandwidth limit; 0 for rate 0. The round trip through
    :func:`rate` is exact to 1e-12.
    """
    r, limit = np.broadcast_arrays(np.asarray(rate_bps, dtype=np.float64), rate_limit(power_w, gain, noise_w_per_hz))
    share = r / limit
    inside = (share > 0) & (share < 1)
    snr = snr_at(np.where(inside, share, 0.5))
    with np.errstate(divide="ignore"):
        reached = limit * LN2 / snr
    return np.where(inside, reached, np.where(share > 0, np.inf, 0.0))
