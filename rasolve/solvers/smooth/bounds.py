"""What multipliers prove of a convex program: a lower bound on its optimum, or that it has no feasible point."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.merit import lagrangian_slope
from rasolve.solvers.smooth.view import Point, Slope, View

ALLOWANCE = 1e-13
"""Relative to the terms of the Lagrangian: what floating-point arithmetic may have added to it (ours)."""


def lagrangian_bound(view: View, at: Point, slope: Slope, multipliers: FloatArray) -> float:
    """Return a lower bound on the optimum of a convex program, in its own units; -inf where multipliers prove none.

    For λ >= 0 the Lagrangian L is convex, so every feasible y has f(y) >= L(y) >= L(x) + ∇L(x)·(y - x), and the right
    side is least at a corner of the bounds (textbook: the Wolfe dual). It is valid at any x and λ, converged or not, up
    to the rounding of the functions themselves.
    """
    return _least(view, at, lagrangian_slope(slope, multipliers), at.objective, multipliers) / view.weight


def proves_infeasible(view: View, at: Point, slope: Slope, multipliers: FloatArray) -> bool:
    """Return whether multipliers prove that a convex program has no feasible point.

    As in `lagrangian_bound`, without the objective: Σ λ·c would be at most 0 at a feasible point, and is above it
    everywhere between the bounds.
    """
    return _least(view, at, np.asarray(slope.jacobian.T @ multipliers), 0.0, multipliers) > 0


def _least(view: View, at: Point, pull: FloatArray, objective: float, multipliers: FloatArray) -> float:
    """Return the least of objective + λ·c + pull·(y - x) over the bounds, less what rounding may have added."""
    with np.errstate(invalid="ignore"):
        corner = np.where(pull > 0, view.lower - at.x, view.upper - at.x)
        terms = np.where(pull == 0, 0.0, pull * corner)
    weighed = multipliers * at.constraints
    size = abs(objective) + float(np.abs(multipliers).sum() + np.abs(weighed).sum() + np.abs(terms).sum())
    return float(objective + weighed.sum() + terms.sum() - ALLOWANCE * size)
