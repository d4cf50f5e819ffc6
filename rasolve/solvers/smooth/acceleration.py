"""Newton's step on all optimality conditions at once, for a method that is only linear close to a solution."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.equality_step import ActiveSet, equality_step
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope, optimality_error
from rasolve.solvers.smooth.view import Point, Slope, View


def accelerated(
    view: View, at: Point, slope: Slope, multipliers: FloatArray, curvature: Curvature, order: IntArray | None
) -> tuple[Point, Slope, FloatArray, float] | None:
    """Return point, derivatives, multipliers [m] and optimality error after one step, or None where it fails.

    Inequalities whose multiplier outweighs their distance from 0 are taken as equalities, variables that a bound holds
    go to it (Birgin and Martínez 2008, Improving ultimate convergence of an augmented Lagrangian method).
    """
    c, p = at.constraints, view.inequalities
    rows = (np.arange(view.rows) >= p) | (multipliers > np.abs(c))
    kept = np.where(rows, multipliers, 0.0)
    pull = lagrangian_slope(slope, kept)
    held = bound_pulls(view, at.x, pull) != 0
    to_bound = np.where(held, np.clip(at.x - pull, view.lower, view.upper) - at.x, 0.0)
    missed = c + np.asarray(slope.jacobian @ to_bound)
    more = equality_step(
        curvature, slope.jacobian, ActiveSet(rows, held), pull + curvature.times(to_bound), missed, order
    )
    if more is None:
        return None
    point = view.point(np.clip(at.x + to_bound + more.step, view.lower, view.upper))
    if not point.defined or not (new := view.slope(point.x)).defined:
        return None
    better = kept + more.multipliers
    better[:p] = np.maximum(better[:p], 0.0)
    return point, new, better, optimality_error(view, point, new, better)
