"""Multipliers at a point that came without any."""

from __future__ import annotations

import numpy as np

from rasolve.forms import SmoothProgram
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.matrices import dense, is_small, stacked

ACTIVE = 1e-5
"""Distance from 0, or from a bound relative to the variable's size, at which something counts as active."""


def multipliers_by_least_squares(form: SmoothProgram, x: FloatArray) -> dict[str, FloatArray]:
    """Return the multipliers at x [n] that leave the Lagrangian's gradient smallest: those of what is inactive are 0.

    Keys and signs as in `sqp`: "inequalities" [p], "lower" and "upper" [n] at least 0, "equalities" [q].
    """
    from scipy.optimize import lsq_linear
    from scipy.sparse import csr_array, eye_array

    p, q = form.inequality_count, form.equality_count
    slopes, near = form.slopes(x), ACTIVE * np.maximum(1.0, np.abs(x))
    active = np.flatnonzero(form.values(x).inequalities >= -ACTIVE)
    below, above = np.flatnonzero(x - form.lower <= near), np.flatnonzero(form.upper - x <= near)
    unit = csr_array(eye_array(form.size))
    bounds = stacked(-unit[below], unit[above])
    rows = stacked(stacked(slopes.inequality_jacobian[active], slopes.equality_jacobian), bounds)
    least = np.zeros(rows.shape[0])
    least[len(active) : len(active) + q] = -np.inf
    found = np.zeros(0)
    if len(least):
        matrix = dense(rows).T if is_small(rows) else csr_array(rows.T)
        found = lsq_linear(matrix, -slopes.gradient, (least, np.full(len(least), np.inf)), tol=1e-14).x
    inequality, lower, upper = np.zeros(p), np.zeros(form.size), np.zeros(form.size)
    inequality[active], equality, rest = found[: len(active)], found[len(active) :][:q], found[len(active) + q :]
    lower[below], upper[above] = rest[: len(below)], rest[len(below) :]
    return {"inequalities": inequality, "equalities": equality, "lower": lower, "upper": upper}
