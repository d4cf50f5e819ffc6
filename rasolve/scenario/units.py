"""Conversions at the edge: decibels for people, SI units for everything inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rasolve.numerics import FloatArray

PREFIXES = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
"""SI prefixes by power of ten."""


def from_db(db: ArrayLike) -> FloatArray:
    """Return the power ratio of a value in dB."""
    return np.asarray(10.0 ** (np.asarray(db, dtype=np.float64) / 10))


def to_db(ratio: ArrayLike) -> FloatArray:
    """Return a power ratio in dB."""
    return np.asarray(10 * np.log10(np.asarray(ratio, dtype=np.float64)))


def from_dbm(dbm: ArrayLike) -> FloatArray:
    """Return the watts (or W/Hz) of a value in dBm (or dBm/Hz)."""
    return from_db(dbm) * 1e-3


def prefix(value: float, unit: str) -> tuple[float, str]:
    """Return the scale and name of `unit` with the SI prefix that suits `value`, e.g. (1e-3, "ms") for 0.02 s.

    Nobody says kiloseconds: long times stay in seconds.
    """
    if not np.isfinite(value) or value == 0:
        return 1.0, unit
    exponent = int(np.clip(3 * (np.floor(np.log10(abs(value))) // 3), -9, 0 if unit == "s" else 12))
    return 10.0**exponent, f"{PREFIXES[exponent]}{unit}"


def quantity(value: float, unit: str) -> str:
    """Return `value` for people: four significant digits with an SI prefix, e.g. ``quantity(4.1e8, "B")`` = 410 MB."""
    scale, name = prefix(value, unit)
    scaled = value / scale
    return f"{scaled:,.0f} {name}" if 1e4 <= abs(scaled) < 1e15 else f"{scaled:.4g} {name}"


def bytes_of_one_in(values: int) -> int:
    """Return the narrowest whole bytes that hold one of so many values."""
    return int(np.ceil(np.log2(values) / 8))
