"""Multipliers at a point that came without any."""

from __future__ import annotations

import numpy as np

from rasolve.forms import SmoothProgram
from rasolve.forms.matrix import dense
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.matrices import is_small, stacked


def multipliers_by_least_squares(form: SmoothProgram, x: FloatArray) -> dict[str, FloatArray]:
    """Return the multipliers at x [n] that violate the first-order conditions least, in the sense of squares (ours).

    Minimises |∇L|² + Σ (multiplier·distance)² over multipliers of the right signs, distance being that of x from the
    bound or of an inequality from 0. Keys and signs as in `sqp`: "inequalities" [p], "lower" and "upper" [n] at least
    0, "equalities" [q].
    """
    from scipy.optimize import lsq_linear
    from scipy.sparse import csr_array, diags_array, eye_array

    p, q, slopes = form.inequality_count, form.equality_count, form.slopes(x)
    below, above = np.flatnonzero(form.lower > -np.inf), np.flatnonzero(form.upper < np.inf)
    unit = csr_array(eye_array(form.size))
    constraints = stacked(slopes.inequality_jacobian, slopes.equality_jacobian)
    rows = csr_array(stacked(constraints, stacked(-unit[below], unit[above])))
    distances = [form.values(x).inequalities, np.zeros(q), (x - form.lower)[below], (form.upper - x)[above]]
    least = np.zeros(rows.shape[0])
    least[p : p + q] = -np.inf
    found = np.zeros(0)
    if len(least):
        matrix = stacked(rows.T, diags_array(np.concatenate(distances)))
        goal = np.concatenate([-slopes.gradient, np.zeros(len(least))])
        small = dense(matrix) if is_small(rows) else matrix
        found = lsq_linear(small, goal, (least, np.full(len(least), np.inf)), tol=1e-14).x
    inequality, equality, rest = found[:p], found[p : p + q], found[p + q :]
    lower, upper = np.zeros(form.size), np.zeros(form.size)
    lower[below], upper[above] = rest[: len(below)], rest[len(below) :]
    return {"inequalities": inequality, "equalities": equality, "lower": lower, "upper": upper}
