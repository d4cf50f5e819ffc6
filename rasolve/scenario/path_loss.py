"""Path-loss models by name, in dB against distance in metres, and the random parts of a channel gain.

Published: 3GPP TR 36.814 macro cell (the nine papers' default), 3GPP TR 38.901 table 7.4.1-1 for UMi and UMa. Textbook:
log-distance. Every model maps distances [m] of any shape to losses [dB].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rasolve.errors import InputError, named
from rasolve.numerics import FloatArray
from rasolve.scenario.units import from_db

DEVICE_HEIGHT_M = 1.5
UMI_HEIGHT_M = 10.0
UMA_HEIGHT_M = 25.0
"""Heights of the antennas, of TR 38.901."""

LIGHT_M_PER_S = 299_792_458.0


def macro(distance_m: FloatArray) -> FloatArray:
    """128.1 + 37.6·log10(d_km), 3GPP TR 36.814 (published)."""
    return np.asarray(128.1 + 37.6 * np.log10(distance_m / 1000))


def log_distance(exponent: float) -> Callable[[FloatArray], FloatArray]:
    """Return the model 40 + 10·exponent·log10(max(d, 1)): exponent 2 good, 4 normal, 6 poor (textbook)."""
    return lambda distance_m: np.asarray(40 + 10 * exponent * np.log10(np.maximum(distance_m, 1.0)))


def umi(distance_m: FloatArray, carrier_ghz: float = 3.5) -> FloatArray:
    """Urban micro, no line of sight, TR 38.901 (published)."""
    nlos = 35.3 * np.log10(_slant(distance_m, UMI_HEIGHT_M)) + 22.4 + 21.3 * np.log10(carrier_ghz)
    return np.asarray(np.maximum(umi_los(distance_m, carrier_ghz), nlos))


def uma(distance_m: FloatArray, carrier_ghz: float = 3.5) -> FloatArray:
    """Urban macro, no line of sight, TR 38.901 (published)."""
    nlos = 13.54 + 39.08 * np.log10(_slant(distance_m, UMA_HEIGHT_M)) + 20 * np.log10(carrier_ghz)
    return np.asarray(np.maximum(uma_los(distance_m, carrier_ghz), nlos))


def umi_los(distance_m: FloatArray, carrier_ghz: float = 3.5) -> FloatArray:
    """Urban micro, line of sight, TR 38.901 (published)."""
    return _line_of_sight(distance_m, carrier_ghz, UMI_HEIGHT_M, near=(32.4, 21.0), far=(32.4, 40.0, 9.5))


def uma_los(distance_m: FloatArray, carrier_ghz: float = 3.5) -> FloatArray:
    """Urban macro, line of sight, TR 38.901 (published)."""
    return _line_of_sight(distance_m, carrier_ghz, UMA_HEIGHT_M, near=(28.0, 22.0), far=(28.0, 40.0, 9.0))


def _slant(distance_m: FloatArray, height_m: float) -> FloatArray:
    return np.asarray(np.hypot(distance_m, height_m - DEVICE_HEIGHT_M))


def _line_of_sight(
    distance_m: FloatArray,
    carrier_ghz: float,
    height_m: float,
    near: tuple[float, float],
    far: tuple[float, float, float],
) -> FloatArray:
    """Two slopes joined at the breakpoint distance 4·(h_BS - 1)·(h_UT - 1)·f/c."""
    slant = _slant(distance_m, height_m)
    breakpoint_m = 4 * (height_m - 1) * (DEVICE_HEIGHT_M - 1) * carrier_ghz * 1e9 / LIGHT_M_PER_S
    carrier_db = 20 * np.log10(carrier_ghz)
    before = near[0] + near[1] * np.log10(slant) + carrier_db
    spread = breakpoint_m**2 + (height_m - DEVICE_HEIGHT_M) ** 2
    after = far[0] + far[1] * np.log10(slant) + carrier_db - far[2] * np.log10(spread)
    return np.asarray(np.where(distance_m <= breakpoint_m, before, after))


MODELS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "macro": macro,
    "umi": umi,
    "umi-los": umi_los,
    "uma": uma,
    "uma-los": uma_los,
    "good": log_distance(2),
    "normal": log_distance(4),
    "poor": log_distance(6),
}


def path_loss_db(model: str, distance_m: FloatArray) -> FloatArray:
    """Return the loss [dB] of the named model at distances [m] of any shape; raises InputError for an unknown name."""
    loss = named("path-loss model", model, MODELS)
    if not (np.asarray(distance_m) > 0).all():
        raise InputError("distance_m must be above 0")
    return loss(np.asarray(distance_m, dtype=np.float64))


def mean_gain(
    rng: np.random.Generator, distance_m: FloatArray, model: str = "macro", shadowing_db: float = 8.0
) -> FloatArray:
    """Return gains with path loss and log-normal shadowing (8 dB by default, published), shaped as the distances."""
    shadow = rng.normal(0.0, shadowing_db, size=np.shape(distance_m))
    return from_db(-(path_loss_db(model, distance_m) + shadow))


def rayleigh(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return Rayleigh-fading power factors |h|² ~ Exp(1) (textbook)."""
    return rng.exponential(1.0, size=shape)
