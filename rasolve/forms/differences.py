"""First derivatives by differences, inside bounds and around places where a function is undefined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rasolve.numerics import FloatArray

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""Relative step of a central difference, where truncation and rounding are about equal (textbook)."""

VectorFunction = Callable[[FloatArray], FloatArray]


def jacobian_by_differences(
    function: VectorFunction, x: FloatArray, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    """Return the Jacobian [m, n] of a function of x [n] to [m], of second order in the step; nan where undefined.

    Central differences; near a bound, or where the function is undefined on one side, three points on the other side.
    A variable whose bounds leave it no room gets a column of zeros. Error about 1e-10 of the function's scale.
    """
    here = function(x)
    with np.errstate(all="ignore"):
        columns = [_column(function, x, here, j, x[j] - lower[j], upper[j] - x[j]) for j in range(len(x))]
    return np.stack(columns, axis=1)


def _column(
    function: VectorFunction, x: FloatArray, here: FloatArray, j: int, below: float, above: float
) -> FloatArray:
    """Return the derivative [m] of the function by x_j, which has so much room below and above."""
    if below + above <= 0:
        return np.zeros_like(here)
    step = STEP * max(1.0, abs(x[j]))

    def at(distance: float) -> FloatArray:
        moved = x.copy()
        moved[j] += distance
        return np.asarray(function(moved))

    if min(below, above) >= step:
        derivative = (at(step) - at(-step)) / (2 * step)
        if np.isfinite(derivative).all():
            return np.asarray(derivative)
    for reach in sorted((min(step, above / 2), -min(step, below / 2)), key=abs, reverse=True):
        if reach:
            derivative = (4 * at(reach) - at(2 * reach) - 3 * here) / (2 * reach)
            if np.isfinite(derivative).all():
                return np.asarray(derivative)
    return np.full_like(here, np.nan)
