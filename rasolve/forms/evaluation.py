"""Calling a smooth program's functions: what they give, in one shape, and nan where they cannot be computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms.matrix import Matrix, all_finite, is_sparse
from rasolve.numerics import FloatArray

Function = Callable[[FloatArray], Any]


@dataclass(frozen=True, eq=False)
class Values:
    """What a program's functions give at a point: f, g [p] and h [q]; nan or inf where they are undefined."""

    objective: float
    inequalities: FloatArray
    equalities: FloatArray

    @property
    def defined(self) -> bool:
        """Whether all are finite."""
        return all(map(all_finite, (self.objective, self.inequalities, self.equalities)))

    @property
    def violation(self) -> float:
        """The largest of 0, all g_i and all |h_j|; nan where any is."""
        return float(np.concatenate([[0.0], self.inequalities, np.abs(self.equalities)]).max())


@dataclass(frozen=True, eq=False)
class Slopes:
    """First derivatives at a point: ∇f [n], the Jacobians of g [p, n] and of h [q, n], each dense or sparse."""

    gradient: FloatArray
    inequality_jacobian: Matrix
    equality_jacobian: Matrix

    @property
    def defined(self) -> bool:
        """Whether all are finite."""
        return all(map(all_finite, (self.gradient, self.inequality_jacobian, self.equality_jacobian)))

    def lagrangian(self, inequality: FloatArray, equality: FloatArray) -> FloatArray:
        """Return ∇f + Σ inequality·∇g + Σ equality·∇h [n] for multipliers [p] and [q]."""
        pulls = self.inequality_jacobian.T @ inequality + self.equality_jacobian.T @ equality
        return np.asarray(self.gradient + pulls)


def frozen(x: FloatArray) -> FloatArray:
    """Return a copy that the caller's functions cannot write to."""
    point = np.array(x, dtype=np.float64)
    point.setflags(write=False)
    return point


def array_of(raw: object) -> NDArray[Any]:
    """Return what a caller gave as an array; one that holds no numbers where rows differ in length."""
    try:
        return np.asarray(raw)
    except ValueError:
        return np.asarray(None)


def called(function: Function | None, name: str, x: FloatArray, length: int) -> FloatArray:
    """Return a function's numbers, one row; nan where it cannot compute them. A length of -1 takes any."""
    if function is None:
        return np.zeros(0)
    try:
        with np.errstate(all="ignore"):
            raw = function(x)
    except ArithmeticError as error:
        if length < 0:
            raise InputError(f"SmoothProgram.{name} cannot be computed at the start: {error}") from None
        return np.full(length, np.nan)
    array = np.atleast_1d(array_of(raw))
    if array.dtype.kind not in "biuf" or array.ndim != 1 or length not in (-1, len(array)):
        needed = "one number" if length == 1 else "one row of numbers" if length < 0 else f"{length} numbers"
        raise InputError(f"SmoothProgram.{name} must return {needed}")
    return array.astype(np.float64)


def csr_of(matrix: Matrix) -> Matrix:
    """Return a sparse matrix of any kind in rows, as floats."""
    from scipy.sparse import csr_array

    return csr_array(matrix, dtype=np.float64)


def matrix_of(function: Callable[..., Any], name: str, shape: tuple[int, ...], *arguments: Any) -> Matrix:
    """Return a derivative as floats, sparse ones in rows; raises InputError where its shape is not the one needed."""
    try:
        with np.errstate(all="ignore"):
            raw = function(*arguments)
    except ArithmeticError as error:
        raise InputError(f"SmoothProgram.{name} fails where the functions are defined: {error}") from None
    sparse = is_sparse(raw)
    matrix: Matrix = raw if sparse else array_of(raw)
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"SmoothProgram.{name} must return numbers")
    if matrix.shape != shape:
        raise InputError(f"SmoothProgram.{name} has shape {list(matrix.shape)}, needs {list(shape)}")
    return csr_of(matrix) if sparse else matrix.astype(np.float64)
