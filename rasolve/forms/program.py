"""`MixedIntegerProgram`: a linear objective over linear rows, some variables whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers
from rasolve.numerics import FloatArray, IntArray, summed_at

FEASIBILITY = 1e-6
"""How far rows and bounds may be broken, relative to their size or 1, and whole variables be off: as HiGHS judges."""


@dataclass(frozen=True, eq=False)
class MixedIntegerProgram(Form):
    """min constant + cost·x subject to row_lower <= A·x <= row_upper, lower <= x <= upper, x whole where ``integral``.

    n columns, m rows. A is sparse by rows: row i has the ``values`` at the ``columns`` from ``starts[i]`` to
    ``starts[i + 1]``. Bounds may be infinite. A value is x [n].
    """

    name: ClassVar[str] = "MixedIntegerProgram"
    says: ClassVar[str] = "linear objective over sparse linear rows, some variables whole"

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    integral: NDArray[np.bool_]
    starts: IntArray
    columns: IntArray
    values: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    constant: float = 0.0

    def __post_init__(self) -> None:
        n, m = len(self.cost), len(self.starts) - 1
        lengths = {"lower": n, "upper": n, "integral": n, "columns": len(self.values), "row_lower": m, "row_upper": m}
        for name, length in lengths.items():
            if len(getattr(self, name)) != length:
                raise InputError(f"MixedIntegerProgram.{name} has {len(getattr(self, name))} entries, needs {length}")
        for name in ("cost", "values"):
            if not np.isfinite(numbers(f"MixedIntegerProgram.{name}", getattr(self, name))).all():
                raise InputError(f"MixedIntegerProgram.{name} must be finite")
        if (np.diff(self.starts) < 0).any() or self.starts[0] != 0 or self.starts[-1] != len(self.values):
            raise InputError("MixedIntegerProgram.starts must rise from 0 to the number of values")
        if len(self.columns) and (self.columns.min() < 0 or self.columns.max() >= n):
            raise InputError(f"MixedIntegerProgram.columns must lie in 0 to {n - 1}")

    @property
    def rows(self) -> IntArray:
        """The row of every value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def activity(self, x: FloatArray) -> FloatArray:
        """Return A·x [m]."""
        return summed_at(self.rows, self.values * x[self.columns], len(self.row_lower))

    def priced(self, multipliers: FloatArray) -> FloatArray:
        """Return cost - Aᵀ·multipliers [n], what a unit of each variable costs once rows have prices [m]."""
        return self.cost - summed_at(self.columns, self.values * multipliers[self.rows], len(self.cost))

    def judge(self, value: Any) -> float:
        """Return the objective of x; inf where a row, a bound or wholeness is broken."""
        x = np.asarray(value, dtype=np.float64)
        if x.shape != self.cost.shape:
            return float("inf")
        fraction = np.abs(x - np.rint(x))[self.integral].max(initial=0.0)
        within = _within(x, self.lower, self.upper) and _within(self.activity(x), self.row_lower, self.row_upper)
        return self.constant + float(self.cost @ x) if within and fraction <= FEASIBILITY else float("inf")


def _within(value: FloatArray, lower: FloatArray, upper: FloatArray) -> bool:
    slack = FEASIBILITY * np.maximum(1.0, np.abs(value))
    return bool(((value >= lower - slack) & (value <= upper + slack)).all())
