"""A smooth program as its solvers see it: fixed variables gone, everything scaled, all constraints in one row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.evaluation import Slopes, Values
from rasolve.forms.matrix import Matrix, all_finite
from rasolve.forms.smooth import SmoothProgram
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.matrices import rescaled, stacked

FAR = 100.0
"""Steps go no farther at first than this many times the size of the point (ours)."""


@dataclass(frozen=True, eq=False)
class Point:
    """A point in scaled variables with its function values: x [N], f, and constraints c = (g, h) [m]."""

    x: FloatArray
    objective: float
    constraints: FloatArray

    @property
    def defined(self) -> bool:
        """Whether all functions are finite here."""
        return bool(np.isfinite(self.objective) and np.isfinite(self.constraints).all())


@dataclass(frozen=True, eq=False)
class Slope:
    """First derivatives at a point in scaled variables: gradient [N] and Jacobian of all constraints [m, N]."""

    gradient: FloatArray
    jacobian: Matrix

    @property
    def defined(self) -> bool:
        """Whether all derivatives are finite."""
        return all_finite(self.gradient) and all_finite(self.jacobian)


@dataclass(frozen=True, eq=False)
class View:
    """The N free variables of a program as x = base + unit·(scaled x), its functions times positive weights.

    Constraints are stacked: the first ``inequalities`` of ``weights`` [m] are g <= 0, the others h = 0.
    """

    form: SmoothProgram
    free: IntArray
    unit: FloatArray
    weight: float
    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    inequalities: int

    @property
    def size(self) -> int:
        """N."""
        return len(self.free)

    @property
    def rows(self) -> int:
        """m."""
        return len(self.weights)

    def whole(self, x: FloatArray) -> FloatArray:
        """Return the program's own variables [n]; bounds that are met in scaled ones are met exactly."""
        full = self.form.first.copy()
        full[self.free] = np.clip(x * self.unit, self.form.lower[self.free], self.form.upper[self.free])
        return full

    def part(self, x: FloatArray) -> FloatArray:
        """Return scaled free variables of the program's own [n], moved within bounds."""
        return self.within(x[self.free] / self.unit)

    def point(self, x: FloatArray) -> Point:
        """Return a point with its function values."""
        return self.scaled_values(x, self.form.values(self.whole(x)))

    def scaled_values(self, x: FloatArray, values: Values) -> Point:
        """Return a point whose function values are known already."""
        constraints = np.concatenate([values.inequalities, values.equalities])
        return Point(x, self.weight * values.objective, self.weights * constraints)

    def slope(self, x: FloatArray) -> Slope:
        """Return the first derivatives at x."""
        return self.scaled_slopes(self.form.slopes(self.whole(x)))

    def scaled_slopes(self, slopes: Slopes) -> Slope:
        """Return first derivatives that are known already, scaled."""
        both = stacked(slopes.inequality_jacobian, slopes.equality_jacobian)
        jacobian = rescaled(self._free_columns(both), self.weights, self.unit)
        return Slope(self.weight * slopes.gradient[self.free] * self.unit, jacobian)

    def hessian(self, x: FloatArray, multipliers: FloatArray, weight: float = 1.0) -> Matrix:
        """Return the Hessian of weight·f + Σ multipliers·c in scaled variables [N, N]."""
        own = multipliers * self.weights
        inequality, equality = own[: self.inequalities], own[self.inequalities :]
        matrix = self.form.lagrangian_hessian(self.whole(x), weight * self.weight, inequality, equality)
        return rescaled(self._free_columns(matrix)[self.free], self.unit, self.unit)

    def _free_columns(self, matrix: Matrix) -> Matrix:
        return matrix if self.size == self.form.size else matrix[:, self.free]

    def unscaled(self, multipliers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the multipliers of inequalities [p] and of equalities [q] in the program's own units."""
        own = multipliers * self.weights / self.weight
        return own[: self.inequalities], own[self.inequalities :]

    def scaled_multipliers(self, multipliers: FloatArray) -> FloatArray:
        """Return the scaled of multipliers [m] in the program's own units."""
        return np.asarray(multipliers * self.weight / self.weights)

    def excess(self, at: Point) -> float:
        """Return the largest violation at a point in the constraints' own units, 0 where there is none."""
        own, p = at.constraints / self.weights, self.inequalities
        return max(float(own[:p].max(initial=0.0)), float(np.abs(own[p:]).max(initial=0.0)))

    def feasible(self, at: Point) -> bool:
        """Return whether a point counts as feasible for the program."""
        return at.defined and self.excess(at) <= self.form.tolerance

    def within(self, x: FloatArray) -> FloatArray:
        """Return the nearest point within the scaled bounds [N]."""
        return np.clip(x, self.lower, self.upper)

    def box(self, x: FloatArray, reach: float) -> tuple[FloatArray, FloatArray]:
        """Return the least and the largest step [N] from x that stays within the bounds and so far at most."""
        return np.maximum(self.lower - x, -reach), np.minimum(self.upper - x, reach)

    def farthest(self, x: FloatArray) -> float:
        """Return how far a step may go at first: `FAR` times the size of x, at least of 1."""
        return FAR * max(1.0, float(np.abs(x).max(initial=0.0)))
