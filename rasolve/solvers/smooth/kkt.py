"""Linear algebra: symmetric systems [[P, Aᵀ], [A, -D]], dense or sparse, with their inertia."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rasolve.forms.matrix import Matrix, dense
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.matrices import is_small, plus_diagonal, stacked

NUDGE = 1e-9
"""Added to sparse pivots, away from 0, so that none vanishes; refinement takes it out again."""

REFINEMENTS = 6
"""Most steps of iterative refinement."""

ACCURATE = 1e-11
"""Relative residual at which refinement ends."""

POOR = 1e-6
"""Relative residual beyond which diagonal pivots have failed."""

CROWDED = 10.0
"""A column is dense, and eliminated last, with more than this many times √size entries."""


@dataclass(frozen=True, eq=False)
class Factors:
    """A factorised system of N variables and m rows, with a row more for each outer product of H.

    A diagonally pivoted LU of a symmetric matrix is L·D·Lᵀ, so the signs of its pivots are the inertia (Sylvester).
    """

    matrix: Matrix
    lu: Any
    order: IntArray | None
    size: int
    rows: int
    wings: int
    added: int

    def solve(self, top: FloatArray, bottom: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the u [N] and v [m] with H·u + Aᵀ·v = top and A·u - D·v = bottom."""
        right = np.concatenate([top, bottom, np.zeros(self.wings)])
        found = self._once(right)
        if self.order is not None:
            found = self._refined(found, right)
        return found[: self.size], found[self.size : self.size + self.rows]

    @cached_property
    def minimises(self) -> bool:
        """Whether H + Aᵀ·D⁻¹·A is positive definite, for D > 0: the solution minimises, it is no saddle."""
        if self.order is None:
            negative = int((np.linalg.eigvalsh(self.matrix) < 0).sum())
        else:
            negative = int((self.lu.U.diagonal() < 0).sum())
        return negative == self.rows + self.added

    def _once(self, right: FloatArray) -> FloatArray:
        if self.order is None:
            from scipy.linalg.lapack import dgetrs

            return np.asarray(dgetrs(*self.lu, right)[0])
        found = np.empty_like(right)
        found[self.order] = self.lu.solve(right[self.order])
        return found

    def _refined(self, found: FloatArray, right: FloatArray) -> FloatArray:
        size = np.abs(right).max(initial=1e-300)
        worst, best = np.inf, found
        for _ in range(REFINEMENTS):
            left = right - self.matrix @ found
            residual = np.abs(left).max() / size
            if not residual < worst / 2:
                break
            worst, best = residual, found
            if residual <= ACCURATE:
                break
            found = found + self._once(left)
        return best if worst <= POOR else self._stably(right)

    def _stably(self, right: FloatArray) -> FloatArray:
        """Return the solution by an elimination that pivots for stability: slower, and the last resort."""
        from scipy.sparse.linalg import splu

        return np.asarray(splu(self.matrix.tocsc()).solve(right))


def factorised(
    curvature: Curvature, diagonal: FloatArray, rows: Matrix, slack: FloatArray, order: IntArray | None
) -> Factors:
    """Return the factors of [[H + Σ, Aᵀ], [A, -D]] for Σ = diag(``diagonal`` [N]), A [m, N], D = diag(``slack`` [m]).

    An outer product ±v·vᵀ of H becomes a row v with D = ±1. ``order`` is the order of elimination of a sparse system
    (`elimination_order`), None for a dense one. Raises LinAlgError where the matrix is singular or not finite.
    """
    size, wings = len(diagonal), len(curvature.signs)
    counts = size, rows.shape[0], wings, int((curvature.signs > 0).sum())
    upper = plus_diagonal(curvature.matrix, diagonal)
    if wings:
        rows, slack = stacked(rows, curvature.wings), np.concatenate([slack, curvature.signs])
    if order is None:
        matrix = np.empty((size + len(slack),) * 2)
        matrix[:size, :size], matrix[size:, :size] = dense(upper), dense(rows)
        matrix[:size, size:] = matrix[size:, :size].T
        matrix[size:, size:] = np.diag(-slack)
        _finite(matrix)
        return Factors(matrix, _pivoted(matrix), None, *counts)
    from scipy.sparse import block_array, csr_array, diags_array

    matrix = block_array([[csr_array(upper), csr_array(rows).T], [csr_array(rows), diags_array(-slack)]], format="csr")
    _finite(matrix.data)
    return Factors(matrix, _eliminated(matrix, order, size), order, *counts)


def _pivoted(matrix: FloatArray) -> Any:
    from scipy.linalg.lapack import dgetrf

    lu, pivots, failed = dgetrf(matrix)
    if failed:
        raise np.linalg.LinAlgError("the system is singular")
    return lu, pivots


def _finite(entries: FloatArray) -> None:
    if not np.isfinite(entries).all():
        raise np.linalg.LinAlgError("the system holds nan or inf")


def _eliminated(matrix: Matrix, order: IntArray, size: int) -> Any:
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    nudge = NUDGE * np.where(np.arange(matrix.shape[0]) < size, 1.0, -1.0)
    permuted = (matrix + diags_array(nudge)).tocsr()[order][:, order].tocsc()
    permuted.sort_indices()
    try:
        return splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        raise np.linalg.LinAlgError(str(error)) from None


def elimination_order(curvature: Curvature, rows: Matrix) -> IntArray | None:
    """Return in which order to eliminate a sparse system's N variables and m rows, or None where it is small.

    By minimum degree; dense columns come after that, outer products last. Found once for a program, whose pattern stays
    the same.
    """
    if is_small(rows):
        return None
    from scipy.sparse import block_array, csr_array, eye_array
    from scipy.sparse.linalg import splu

    upper, rows = abs(csr_array(curvature.matrix)), abs(csr_array(rows))
    pattern = block_array([[upper, rows.T], [rows, None]], format="csr")
    pattern.data[:] = -1.0
    total = pattern.shape[0]
    crowded = np.diff(pattern.indptr) > CROWDED * np.sqrt(total)
    ordinary = np.flatnonzero(~crowded)
    kept = (pattern[ordinary][:, ordinary] + 2.0 * total * eye_array(len(ordinary))).tocsc()
    lu = splu(kept, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    wings = total + np.arange(len(curvature.signs))
    return np.concatenate([ordinary[np.argsort(lu.perm_c)], np.flatnonzero(crowded), wings])
