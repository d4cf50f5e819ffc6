"""Makes a Hessian positive semidefinite where it is not, so that the subproblem has one solution."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from rasolve.forms.smooth import Matrix
from rasolve.numerics import IntArray
from rasolve.solvers.smooth.curvature import plain
from rasolve.solvers.smooth.kkt import factorised
from rasolve.solvers.smooth.matrices import dense, is_sparse, plus_diagonal, rescaled, steepest

FLAT = 1e-8
"""Curvature, relative to the largest, that counts as none."""

def convexified(matrix: Matrix, rows: Matrix, order: IntArray | None) -> tuple[Matrix, bool]:
    """Return a positive semidefinite version of a symmetric matrix [N, N], and whether it had to be changed.

    A dense matrix keeps its eigenvectors and gets the size of its eigenvalues; a sparse one is shifted until all pivots
    are positive. ``rows`` [m, N] and ``order`` are those of the systems that it will stand in.
    """
    if not is_sparse(matrix):
        values, vectors = np.linalg.eigh(matrix)
        least = FLAT * max(1.0, float(np.abs(values).max()))
        if values[0] >= -least:
            return matrix, False
        return np.asarray((vectors * np.maximum(np.abs(values), least)) @ vectors.T), True
    if order is None:
        return convexified(dense(matrix), rows, None)
    return _shifted(matrix, rows, order)


def _shifted(matrix: Matrix, rows: Matrix, order: IntArray) -> tuple[Matrix, bool]:
    size = float(steepest(matrix).max(initial=0.0))
    none, one = rescaled(rows, np.zeros(rows.shape[0]), np.ones(rows.shape[1])), np.ones(rows.shape[0])
    shift, changed = FLAT * max(1.0, size), False
    while True:
        shifts = np.full(matrix.shape[0], shift)
        with suppress(np.linalg.LinAlgError):
            if factorised(plain(matrix), shifts, none, one, order).minimises:
                return plus_diagonal(matrix, shifts), changed
        shift, changed = max(10 * shift, 1e-4 * size), True
