"""Water-filling over sorted subchannels: the level that gives a rate, and the power that it takes (textbook).

Rows hold subchannels from the best gain to the worst; a width of zero stands for an absent one. With level y a
subchannel of width B and ln(SNR per unit of power over 1 Hz) δ carries B·max(y + δ, 0) nats per second and takes
B·(exp(y) - exp(-δ))+ power.
"""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray


def water_level(width: FloatArray, log_snr: FloatArray, nats: FloatArray) -> FloatArray:
    """Return the levels [...] at which rows [..., L] carry nats [...]; inf for a row without width.

    The rate at level y is the largest, over prefixes of a row, of Σ B·(y + δ); so the level is the smallest
    (nats - Σ B·δ)/Σ B.
    """
    widths = np.cumsum(np.broadcast_to(width, np.broadcast_shapes(width.shape, log_snr.shape)), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = (np.asarray(nats)[..., None] - np.cumsum(width * log_snr, axis=-1)) / widths
    return np.asarray(np.where(widths > 0, level, np.inf).min(axis=-1))


def least_power(width: FloatArray, log_snr: FloatArray, nats: FloatArray) -> FloatArray:
    """Return the least power [...] with which rows [..., L] carry nats [...].

    Levels count from the best subchannel present, where ln(1 + SNR) is: nothing cancels at low SNR.
    """
    width, log_snr = np.broadcast_arrays(width, log_snr)
    best = np.take_along_axis(log_snr, (width > 0).argmax(axis=-1, keepdims=True), axis=-1)
    fade = log_snr - best
    level = water_level(width, fade, nats)[..., None]
    with np.errstate(over="ignore", invalid="ignore"):
        power = width * np.exp(-log_snr) * np.expm1(np.maximum(level + fade, 0.0))
    return np.asarray(np.where(width > 0, power, 0.0).sum(axis=-1) + np.where(np.isinf(level[..., 0]), np.inf, 0.0))
