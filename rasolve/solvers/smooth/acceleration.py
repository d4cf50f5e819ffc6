"""Newton's steps on all optimality conditions at once, for a method that is only linear close to a solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.equality_step import ActiveSet, equality_step
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope, optimality_error
from rasolve.solvers.smooth.view import Point, Slope, View

MOST_STEPS = 4
"""Newton steps in a row."""

FASTER = 0.1
"""Ratio by which each must lower the optimality error for the next to be tried."""


@dataclass(frozen=True, eq=False)
class Close:
    """A point close to a solution: derivatives, multipliers [m] and optimality error."""

    at: Point
    slope: Slope
    multipliers: FloatArray
    error: float


def accelerated(
    view: View, begin: Close, curvature: Callable[[Point, FloatArray], Curvature], order: IntArray | None
) -> Close:
    """Return where Newton's steps lead while each is much closer to optimality; the beginning itself if none is.

    Inequalities whose multiplier outweighs their distance from 0 are taken as equalities, variables that a bound holds
    go to it (Birgin and Martínez 2008, Improving ultimate convergence of an augmented Lagrangian method).
    """
    close = begin
    for _ in range(MOST_STEPS):
        new = _step(view, close, curvature(close.at, close.multipliers), order)
        if new is None or new.error > FASTER * close.error:
            break
        close = new
    return close


def _step(view: View, close: Close, curvature: Curvature, order: IntArray | None) -> Close | None:
    """Return the point after one step, or None where none can be computed."""
    at, slope, p = close.at, close.slope, view.inequalities
    rows = (np.arange(view.rows) >= p) | (close.multipliers > np.abs(at.constraints))
    kept = np.where(rows, close.multipliers, 0.0)
    pull = lagrangian_slope(slope, kept)
    held = bound_pulls(view, at.x, pull) != 0
    to_bound = np.where(held, view.within(at.x - pull) - at.x, 0.0)
    missed = at.constraints + np.asarray(slope.jacobian @ to_bound)
    more = equality_step(
        curvature, slope.jacobian, ActiveSet(rows, held), pull + curvature.times(to_bound), missed, order
    )
    if more is None:
        return None
    point = view.point(view.within(at.x + to_bound + more.step))
    if not point.defined or not (new := view.slope(point.x)).defined:
        return None
    multipliers = kept + more.multipliers
    multipliers[:p] = np.maximum(multipliers[:p], 0.0)
    return Close(point, new, multipliers, optimality_error(view, point, new, multipliers))
