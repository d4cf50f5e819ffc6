"""What the solvers do to matrices that may be dense or sparse."""

from __future__ import annotations

import numpy as np

from rasolve.forms.matrix import Matrix, dense, is_sparse
from rasolve.numerics import FloatArray

SMALL = 400
"""Variables and rows together up to which systems are dense (ours: where both kinds take about equally long)."""


def stacked(upper: Matrix, lower: Matrix) -> Matrix:
    """Return two matrices one above the other, sparse where either is."""
    if is_sparse(upper) or is_sparse(lower):
        from scipy.sparse import csr_array, vstack

        return csr_array(vstack([csr_array(upper), csr_array(lower)]))
    return np.concatenate([upper, lower])


def rescaled(matrix: Matrix, rows: FloatArray, columns: FloatArray) -> Matrix:
    """Return diag(rows)·matrix·diag(columns)."""
    if is_sparse(matrix):
        from scipy.sparse import diags_array

        return (diags_array(rows) @ matrix @ diags_array(columns)).tocsr()
    return rows[:, None] * matrix * columns


def plus_diagonal(matrix: Matrix, diagonal: FloatArray) -> Matrix:
    """Return matrix + diag(diagonal)."""
    if is_sparse(matrix):
        from scipy.sparse import diags_array

        return (matrix + diags_array(diagonal)).tocsr()
    return matrix + np.diag(diagonal)


def steepest(matrix: Matrix) -> FloatArray:
    """Return the largest size of an entry in every row."""
    if not matrix.shape[1]:
        return np.zeros(matrix.shape[0])
    largest = abs(matrix).max(axis=1)
    return dense(largest).ravel().astype(np.float64)


def identity_like(matrix: Matrix) -> Matrix:
    """Return the identity of as many columns as a matrix has, sparse where that is."""
    if is_sparse(matrix):
        from scipy.sparse import eye_array

        return eye_array(matrix.shape[1], format="csr")
    return np.eye(matrix.shape[1])


def is_small(rows: Matrix) -> bool:
    """Return whether systems with these rows [m, N] are small enough to be dense."""
    return int(sum(rows.shape)) <= SMALL
