"""Array types and constants for all, and scalar equations solved for whole arrays at once: bracketed or by Newton."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Residual = Callable[[FloatArray], FloatArray]

LN2 = float(np.log(2.0))
"""Nats per bit."""

ROUNDING = 1e-9
"""Relative difference that floating-point arithmetic may leave between equal quantities (ours)."""

CLOSED = 1e-14
"""Relative width at which a bracket counts as closed: a few units in the last place of its logarithm."""

FARTHEST = 690.0
"""Largest |ln(x - floor)| that is searched: the range of double precision."""


def summed_at(place: IntArray, values: FloatArray, places: int) -> FloatArray:
    """Return the sum [places] of the values [...] that go to each place [...]."""
    return np.bincount(place, weights=values, minlength=places).astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False)
class Bracket:
    """An interval around the sign change of a decreasing function of x = floor + exp(v).

    All arrays have the same shape [...]. ``low`` (residual > 0) and ``high`` (residual <= 0) are values of v;
    ``third`` is the end that was replaced last, kept for inverse quadratic interpolation.
    """

    floor: FloatArray
    low: FloatArray
    high: FloatArray
    third: FloatArray
    low_residual: FloatArray
    high_residual: FloatArray
    third_residual: FloatArray

    @property
    def infeasible(self) -> FloatArray:
        """Largest x known to have a positive residual."""
        return self.floor + np.exp(self.low)

    @property
    def feasible(self) -> FloatArray:
        """Smallest x known to have a residual of at most zero."""
        return self.floor + np.exp(self.high)

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Whether the bracket is as narrow as its floating-point representation allows."""
        with np.errstate(invalid="ignore"):
            return ~(self.high - self.low > _least_step(self.high))


def _least_step(v: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(CLOSED, 4 * np.spacing(np.abs(v))))


def bracket(residual: Residual, floor: ArrayLike, guess: ArrayLike) -> Bracket:
    """Enclose the root of a decreasing `residual` on (floor, inf), starting from x = `guess` > floor.

    The residual may be +inf near the floor. Where it never turns positive the root is the floor itself; where it never
    turns non-positive the root is inf. Both come back as closed brackets.
    """
    floor, guess = np.broadcast_arrays(np.asarray(floor, float), np.asarray(guess, float))
    low = high = np.log(guess - floor)
    low_residual = high_residual = residual(floor + np.exp(low))
    stride = 1.0
    while True:
        lower, higher = (low_residual <= 0) & (low > -FARTHEST), (high_residual > 0) & (high < FARTHEST)
        if not (lower | higher).any():
            break
        low = np.where(lower, np.maximum(low - stride, -FARTHEST), low)
        high = np.where(higher, np.minimum(high + stride, FARTHEST), high)
        ends = residual(floor + np.exp(np.where(lower, low, high)))
        low_residual, high_residual = np.where(lower, ends, low_residual), np.where(higher, ends, high_residual)
        stride *= 2.0
    high = np.where(low_residual <= 0, low, np.where(high_residual > 0, np.inf, high))
    low = np.where(high_residual > 0, np.inf, low)
    return Bracket(floor, low, high, low, low_residual, high_residual, low_residual)


def narrow(b: Bracket, residual: Residual) -> Bracket:
    """Shrink every open bracket by one step of Chandrupatla's method (1997): interpolation kept safe by bisection."""
    still = b.closed
    with np.errstate(invalid="ignore"):
        v = np.where(still, b.high, b.low + _fraction(b) * (b.high - b.low))
    value = residual(b.floor + np.exp(v))
    above = (value <= 0) & ~still
    below = ~above & ~still
    return Bracket(
        floor=b.floor,
        low=np.where(below, v, b.low),
        high=np.where(above, v, b.high),
        third=np.where(above, b.high, np.where(below, b.low, b.third)),
        low_residual=np.where(below, value, b.low_residual),
        high_residual=np.where(above, value, b.high_residual),
        third_residual=np.where(above, b.high_residual, np.where(below, b.low_residual, b.third_residual)),
    )


def _fraction(b: Bracket) -> FloatArray:
    """Where to look next, as a fraction of the width from ``low``: one half unless interpolation is safe."""
    with np.errstate(all="ignore"):
        # The newest point is the end next to which ``third`` lies: the other end has not moved.
        newest_high = b.third > b.high
        x1, f1 = np.where(newest_high, b.high, b.low), np.where(newest_high, b.high_residual, b.low_residual)
        x2, f2 = np.where(newest_high, b.low, b.high), np.where(newest_high, b.low_residual, b.high_residual)
        x3, f3 = b.third, b.third_residual
        xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
        safe = np.isfinite(f1 + f2 + f3) & (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
        quadratic = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        t = np.where(safe & np.isfinite(quadratic), quadratic, 0.5)
        least = 0.5 * _least_step(b.high) / (b.high - b.low)
        t = np.clip(t, least, np.maximum(1 - least, least))
    return np.where(newest_high, 1 - t, t)


def decreasing_root(residual: Residual, floor: ArrayLike, guess: ArrayLike) -> Bracket:
    """Return the closed bracket around the root of a decreasing `residual` on (floor, inf)."""
    b = bracket(residual, floor, guess)
    while not b.closed.all():
        b = narrow(b, residual)
    return b


def efficiency(price: ArrayLike) -> FloatArray:
    """Return the x >= 0 with 1 + (x - 1)·exp(x) = price, for price >= 0 (x = 1 + Lambert W0((price - 1)/e)).

    x is the spectral efficiency, ln(1 + SNR), at which one more hertz saves ``price`` units of noise power.
    Newton on the concave logarithm of the left side, from below its root: monotone; relative error below 1e-13.
    """
    y = np.asarray(price, dtype=np.float64)
    x = np.log1p(np.sqrt(2 * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(6):
            h = marginal_efficiency(x)
            x = x + (np.log(y) - x - np.log(h)) * h / x
    return np.where(y > 0, x, 0.0)


SERIES = tuple(1.0 / factorial(n + 2) for n in range(10))
"""Coefficients of (x - 1 + exp(-x))/x² in powers of -x; beyond them nothing is left in double precision below 0.1."""


def marginal_efficiency(x: FloatArray) -> FloatArray:
    """Return x - 1 + exp(-x) for x >= 0, by its Taylor series where the sum would cancel; relative error below 1e-14.

    It is what one more hertz adds to the rate of a link [nat/s/Hz] at the spectral efficiency x = ln(1 + SNR).
    """
    marginal = np.asarray(x + np.expm1(-x))
    small = x < 0.1
    if small.any():
        marginal[small] = _by_series(x[small])
    return marginal


def _by_series(x: FloatArray) -> FloatArray:
    total = np.full_like(x, SERIES[-1])
    for coefficient in SERIES[-2::-1]:
        total = coefficient - x * total
    return x * x * total


def snr_at(ratio: ArrayLike) -> FloatArray:
    """Return the s > 0 with ln(1 + s)/s = ratio, for 0 < ratio < 1 (Lambert W on its lower branch).

    Starts above the root at the bound of Chatzigeorgiou (2013), -W(-exp(-u-1)) <= 1 + sqrt(2u) + u; the function is
    concave, so Newton's iterates decrease to the root.
    """
    rho = np.asarray(ratio, dtype=np.float64)
    u = np.maximum((rho - 1) - np.log(rho), 0.0)
    s = (np.sqrt(2 * u) + u + (1 - rho)) / rho
    for _ in range(4):
        s = s - (np.log1p(s) - rho * s) / (1 / (1 + s) - rho)
    return np.asarray(s)
