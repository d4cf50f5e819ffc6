"""`MixedIntegerProgram`: a linear objective over sparse rows, some variables whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers
from rasolve.forms.starts import floats
from rasolve.numerics import FloatArray

FEASIBILITY = 1e-6
"""Violation of a row, relative to its limit where that is above 1, up to which a point counts as feasible."""


@dataclass(frozen=True, eq=False)
class MixedIntegerProgram(Form):
    """min cost·x subject to row_low <= matrix·x <= row_high, low <= x <= high, and x_j whole where ``whole``.

    Shapes: cost, low, high and whole [n], row_low and row_high [m], matrix [m, n], a scipy sparse array or anything
    that becomes one. Limits may be infinite. Its value is x [n], exactly whole where asked.
    """

    name: ClassVar[str] = "MixedIntegerProgram"
    says: ClassVar[str] = "linear objective and sparse linear rows, some variables whole"

    cost: FloatArray
    matrix: Any
    row_low: FloatArray
    row_high: FloatArray
    low: FloatArray
    high: FloatArray
    whole: Any

    def __post_init__(self) -> None:
        from scipy.sparse import csr_array

        try:
            object.__setattr__(self, "matrix", csr_array(self.matrix, dtype=np.float64))
        except (TypeError, ValueError):
            raise InputError("MixedIntegerProgram.matrix must be a matrix of numbers") from None
        rows, columns = self.matrix.shape
        for name in ("cost", "row_low", "row_high", "low", "high"):
            length = rows if name.startswith("row") else columns
            array = numbers(f"MixedIntegerProgram.{name}", getattr(self, name))
            if array.shape not in ((), (length,)):
                raise InputError(f"MixedIntegerProgram.{name} has shape {list(array.shape)}, needs [{length}]")
            object.__setattr__(self, name, np.broadcast_to(array, (length,)))
        object.__setattr__(self, "whole", np.broadcast_to(np.asarray(self.whole, dtype=bool), (columns,)))
        if not (np.isfinite(self.cost).all() and np.isfinite(self.matrix.data).all()):
            raise InputError("MixedIntegerProgram.cost and matrix must be finite")
        for low, high in (("row_low", "row_high"), ("low", "high")):
            if not (getattr(self, low) <= getattr(self, high)).all():
                raise InputError(f"MixedIntegerProgram.{low} must be at most {high}")

    def judge(self, value: FloatArray) -> float:
        """Return the objective, or inf where a row, a limit or wholeness is violated."""
        x = np.asarray(value, dtype=np.float64)
        rows = self.matrix @ x
        kept = _within(rows, self.row_low, self.row_high) and _within(x, self.low, self.high)
        return float(self.cost @ x) if kept and (x[self.whole] == np.rint(x[self.whole])).all() else float("inf")

    def as_start(self, value: Any) -> FloatArray:
        return floats("value", value, self.cost.shape)

    def dual_bound(self, multipliers: FloatArray) -> float:
        """Return the Lagrangian bound on the objective, whole or not, that multipliers [m] of the rows prove.

        multipliers·row_limits + min over low <= x <= high of (cost - matrix'·multipliers)·x, whatever the multipliers
        (weak duality, textbook): the bound does not depend on the tolerances of whoever found them.
        """
        reduced = self.cost - self.matrix.T @ multipliers
        with np.errstate(invalid="ignore"):
            rows = np.where(multipliers > 0, multipliers * self.row_low, multipliers * self.row_high)
            columns = np.where(reduced > 0, reduced * self.low, reduced * self.high)
        return float(np.where(multipliers == 0, 0.0, rows).sum() + np.where(reduced == 0, 0.0, columns).sum())


def _within(value: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    slack = FEASIBILITY * np.maximum(1.0, np.minimum(np.abs(low), np.abs(high)))
    return bool(((value >= low - slack) & (value <= high + slack)).all())
