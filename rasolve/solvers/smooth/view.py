"""A smooth program as its solvers see it: fixed variables gone, everything scaled, all constraints in one row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms.evaluation import Matrix, Slopes, Values
from rasolve.forms.smooth import SmoothProgram
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.matrices import all_finite, rescaled, stacked, steepest

STEEP = 100.0
"""Largest gradient that a function may keep at the start when scaled (Wächter and Biegler 2006, section 3.8)."""

FAINT = 1e-2
"""Size at the start below which an objective is raised to 1, as tolerances would not see it (ours)."""

NEAR = 1e-3
"""Step, in scaled variables, that counts as short."""

LEAST = 1e-20
"""Size below which an objective counts as constant."""

ROUGH = 1e-6
"""Gradient below which one by differences may be nothing but their error (ours)."""

OUTGROWN = 10.0
"""Ratio by which a function may have become flatter before its scale is brought up to date (ours)."""

FAR = 100.0
"""Steps go no farther at first than this many times the size of the point (ours)."""

ORDINARY = 30.0
"""Factor within which a variable's size counts as ordinary, so that it is left unscaled (ours)."""


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
        return np.clip(x[self.free] / self.unit, self.lower, self.upper)

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

    def farthest(self, x: FloatArray) -> float:
        """Return how far a step may go at first: `FAR` times the size of x, at least of 1."""
        return FAR * max(1.0, float(np.abs(x).max(initial=0.0)))


def view_of(form: SmoothProgram, start: FloatArray, values: Values, slopes: Slopes, scaling: bool) -> View:
    """Return the program as seen from a start [n]: scaled by sizes and derivatives there, or not at all."""
    free = np.flatnonzero(form.lower < form.upper)
    jacobian = stacked(slopes.inequality_jacobian, slopes.equality_jacobian)
    unit, weight, weights = np.ones(form.size), 1.0, np.ones(jacobian.shape[0])
    if scaling:
        columns = np.maximum(steepest(jacobian.T), np.abs(slopes.gradient))
        unit = _units(start, form.upper - form.lower, columns)
        steepness = float(np.abs(slopes.gradient * unit)[free].max(initial=0.0))
        weight = _weight(abs(values.objective), steepness, rough=form.gradient is None)
        weights = _flattened(steepest(rescaled(jacobian, weights, unit)[:, free]))
    unit = unit[free]
    lower, upper = form.lower[free] / unit, form.upper[free] / unit
    return View(form, free, unit, weight, weights, lower, upper, form.inequality_count)


@dataclass(frozen=True, eq=False)
class Reweighed:
    """A view with new weights, the same point in it, and the factors by which f and the constraints [m] grew."""

    view: View
    at: Point
    slope: Slope
    weight: float
    weights: FloatArray

    def multipliers(self, before: FloatArray) -> FloatArray:
        """Return the multipliers [m], or other slopes of f by c, as they are in the new view."""
        return np.asarray(before * self.weight / self.weights)


def reweighed(view: View, at: Point, slope: Slope) -> Reweighed | None:
    """Return the view with functions weighed anew where they are much flatter than at the start, else None.

    A function that was steep at the start is weighed down, which at a flatter solution would make any tolerance loose.
    """
    weight = float(_flattened(np.abs(slope.gradient).max(initial=0.0) / view.weight) / view.weight)
    weights = _flattened(steepest(slope.jacobian) / view.weights) / view.weights
    weight, weights = (weight if weight > OUTGROWN else 1.0), np.where(weights > OUTGROWN, weights, 1.0)
    if weight == 1.0 and (weights == 1.0).all():
        return None
    fresh = replace(view, weight=view.weight * weight, weights=view.weights * weights)
    at = Point(at.x, at.objective * weight, at.constraints * weights)
    slope = Slope(slope.gradient * weight, rescaled(slope.jacobian, weights, np.ones(view.size)))
    return Reweighed(fresh, at, slope, weight, weights)


def _units(start: FloatArray, width: FloatArray, steepness: FloatArray) -> FloatArray:
    """Return a typical size of every variable [n], a power of two; 1 where that is ordinary.

    A large start is a typical size. One that is small, or 0, counts as small only where the bounds are as close or the
    functions as steep, because many starts are zeros.
    """
    reach = np.minimum(width, STEEP / np.maximum(steepness, 1e-300))
    size = np.maximum(np.abs(start), np.minimum(reach, 1.0))
    ordinary = (size >= 1 / ORDINARY) & (size <= ORDINARY)
    return np.where(ordinary, 1.0, np.exp2(np.round(np.log2(np.maximum(size, 1e-30)))))


def _weight(height: float, steepness: float, *, rough: bool) -> float:
    """Return the factor of an objective of such a size and gradient: below 1 for steep ones, above 1 for tiny ones.

    One that its gradient would bring to 0 within a short step is left alone: squares of residuals near a solution are
    tiny whatever their unit. So is one that is 0 with a slope that may be the error of differences, `rough` ones.
    """
    size = max(height, steepness)
    vanishing = 0 < height < NEAR * steepness or (height == 0 and rough and steepness < ROUGH)
    return 1.0 / size if LEAST < size < FAINT and not vanishing else float(_flattened(np.asarray(steepness)))


def _flattened(steepness: FloatArray) -> FloatArray:
    """Return the factors that bring gradients down to `STEEP`, 1 where they are no steeper."""
    return np.minimum(STEEP / np.maximum(steepness, STEEP), 1.0)
