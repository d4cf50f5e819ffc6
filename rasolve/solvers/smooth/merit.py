"""What is small at a solution: the optimality error; and what must fall on the way: the exact penalty function."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.elastic_qp import violations
from rasolve.solvers.smooth.view import Point, Slope, View


def violation(view: View, at: Point) -> float:
    """Return Σ max(0, g_i) + Σ |h_j|, scaled."""
    return float(violations(at.constraints, view.inequalities).sum())


def worst_violation(view: View, at: Point) -> float:
    """Return the largest of 0, all g_i and |h_j|, scaled."""
    return float(violations(at.constraints, view.inequalities).max(initial=0.0))


def signed_violations(view: View, at: Point) -> FloatArray:
    """Return max(0, g_i) of inequalities and h_j of equalities [m]: the slope of half their squares."""
    c, p = at.constraints, view.inequalities
    return np.concatenate([np.maximum(c[:p], 0.0), c[p:]])


def merit(view: View, at: Point, penalty: FloatArray) -> float:
    """Return f + Σ penalty·violation, with a penalty for each constraint [m]; inf where anything is undefined."""
    return float(at.objective + penalty @ violations(at.constraints, view.inequalities)) if at.defined else np.inf


def lagrangian_slope(slope: Slope, multipliers: FloatArray) -> FloatArray:
    """Return ∇f + Σ λ·∇c [N]; what bounds must hold against."""
    return np.asarray(slope.gradient + slope.jacobian.T @ multipliers)


def bound_pulls(view: View, x: FloatArray, slope: FloatArray) -> FloatArray:
    """Return the bounds' multipliers [N], below 0 at lower and above at upper ones, that balance a Lagrangian's slope.

    A bound holds a variable that would meet it within one unit step down the slope.
    """
    held = ((x - slope <= view.lower) & (slope > 0)) | ((x - slope >= view.upper) & (slope < 0))
    return np.where(held, -slope, 0.0)


def optimality_error(view: View, at: Point, slope: Slope, multipliers: FloatArray) -> float:
    """Return the largest violation of the first-order conditions, 0 at a KKT point, in scaled quantities.

    The natural residuals: |x - P(x - ∇L)| for stationarity within bounds, |min(λ_g, -g)| and |h| for the constraints.
    """
    p, c = view.inequalities, at.constraints
    down = view.within(at.x - lagrangian_slope(slope, multipliers))
    parts = (at.x - down, np.minimum(multipliers[:p], -c[:p]), c[p:])
    return max(float(np.abs(part).max(initial=0.0)) for part in parts)
