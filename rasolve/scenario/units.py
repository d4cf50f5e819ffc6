"""Conversions at the edge: decibels for people, SI units for everything inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rasolve.numerics import FloatArray


def from_db(db: ArrayLike) -> FloatArray:
    """Return the power ratio of a value in dB."""
    return np.asarray(10.0 ** (np.asarray(db, dtype=np.float64) / 10))


def to_db(ratio: ArrayLike) -> FloatArray:
    """Return a power ratio in dB."""
    return np.asarray(10 * np.log10(np.asarray(ratio, dtype=np.float64)))


def from_dbm(dbm: ArrayLike) -> FloatArray:
    """Return the watts (or W/Hz) of a value in dBm (or dBm/Hz)."""
    return from_db(dbm) * 1e-3


def quantity(value: float, unit: str) -> str:
    """Return `value` for people: four significant digits with an SI prefix, e.g. ``quantity(4.1e8, "B")`` = 410 MB."""
    if not np.isfinite(value) or value == 0:
        return f"{value:g} {unit}"
    prefixes = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
    exponent = int(np.clip(3 * (np.floor(np.log10(abs(value))) // 3), -9, 12))
    return f"{value / 10.0**exponent:.4g} {prefixes[exponent]}{unit}"
