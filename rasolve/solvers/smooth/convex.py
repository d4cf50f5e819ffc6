"""Makes a Hessian positive semidefinite where it is not, so that the subproblem has one solution."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from rasolve.forms.matrix import Matrix, all_finite, dense, is_sparse
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Bfgs, Curvature, LimitedBfgs, plain
from rasolve.solvers.smooth.kkt import factorised
from rasolve.solvers.smooth.matrices import plus_diagonal, rescaled, steepest
from rasolve.solvers.smooth.view import Point, Slope, View

FLAT = 1e-8
"""Curvature, relative to the largest, that counts as none."""


class NoCurvature(ArithmeticError):
    """Second derivatives are not finite where functions and first ones are."""


def curvature_at(
    view: View,
    at: Point,
    slope: Slope,
    multipliers: FloatArray,
    model: Bfgs | LimitedBfgs | None,
    order: IntArray | None,
) -> tuple[Curvature, Matrix | None]:
    """Return a convex model of the Lagrangian's curvature, and the true Hessian where that is not convex.

    Raises NoCurvature where the Hessian is not finite.
    """
    if model is not None:
        return model.curvature, None
    hessian = exact_hessian(view, at, multipliers, order)
    convex, changed = convexified(hessian, slope.jacobian, order)
    return plain(convex), hessian if changed else None


def exact_hessian(view: View, at: Point, multipliers: FloatArray, order: IntArray | None) -> Matrix:
    """Return the Lagrangian's Hessian [N, N], dense where systems are; raises NoCurvature where it is not finite."""
    hessian = view.hessian(at.x, multipliers)
    if not all_finite(hessian):
        raise NoCurvature
    return dense(hessian) if order is None else hessian


def convexified(matrix: Matrix, rows: Matrix, order: IntArray | None) -> tuple[Matrix, bool]:
    """Return a positive semidefinite version of a symmetric matrix [N, N], and whether it had to be changed.

    A dense matrix keeps its eigenvectors and gets the size of its eigenvalues; a sparse one is shifted until all pivots
    are positive. ``rows`` [m, N] and ``order`` are those of the systems that it will stand in. Raises NoCurvature where
    entries are so large that no shift is finite.
    """
    if is_sparse(matrix):
        return _shifted(matrix, rows, order)
    values, vectors = np.linalg.eigh(matrix)
    least = FLAT * max(1.0, float(np.abs(values).max(initial=0.0)))
    if values.min(initial=0.0) >= -least:
        return matrix, False
    return np.asarray((vectors * np.maximum(np.abs(values), least)) @ vectors.T), True


def _shifted(matrix: Matrix, rows: Matrix, order: IntArray | None) -> tuple[Matrix, bool]:
    size = float(steepest(matrix).max(initial=0.0))
    none, one = rescaled(rows, np.zeros(rows.shape[0]), np.ones(rows.shape[1])), np.ones(rows.shape[0])
    shift, changed = FLAT * max(1.0, size), False
    while np.isfinite(shift):
        shifts = np.full(matrix.shape[0], shift)
        with suppress(np.linalg.LinAlgError):
            if factorised(plain(matrix), shifts, none, one, order).minimises:
                return plus_diagonal(matrix, shifts), changed
        shift, changed = max(10 * shift, 1e-4 * size), True
    raise NoCurvature
