"""How variables and functions are scaled, by sizes and derivatives: at the start, and where functions grow flat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms.evaluation import Slopes, Values
from rasolve.forms.smooth import SmoothProgram
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.matrices import rescaled, stacked, steepest
from rasolve.solvers.smooth.view import Point, Slope, View

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

ORDINARY = 30.0
"""Factor within which a variable's size counts as ordinary, so that it is left unscaled (ours)."""


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
