"""Matrices that may be dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np

from rasolve.numerics import FloatArray

Matrix = Any
"""A dense array of floats or a scipy.sparse matrix in rows (csr), [rows, columns]."""


def is_sparse(matrix: Matrix) -> bool:
    """Return whether a matrix is one of scipy.sparse."""
    return hasattr(matrix, "tocsr")


def dense(matrix: Matrix) -> FloatArray:
    """Return the matrix as an array."""
    return np.asarray(matrix.toarray() if is_sparse(matrix) else matrix)


def all_finite(matrix: Matrix) -> bool:
    """Return whether no entry is nan or infinite."""
    return bool(np.isfinite(matrix.data if is_sparse(matrix) else matrix).all())
