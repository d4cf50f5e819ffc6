"""How the solvers of smooth programs end: why, and in words what keeps them from an answer."""

from __future__ import annotations

import numpy as np

from rasolve.forms import Termination
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Ending
from rasolve.solvers.limits import INFINITY
from rasolve.solvers.smooth.bounds import proves_infeasible
from rasolve.solvers.smooth.view import Point, Slope, View

ACCEPTABLE = 1e-6
"""Optimality error, in scaled functions, that counts as converged where rounding allows no further progress."""

ENDLESS = 1e12
"""Size of a scaled point, or depth of a scaled objective, at which a feasible program counts as unbounded (ours)."""

SHAKE = 1e-2
"""How far a point is moved, relative to its size, where the violation is stationary at first (ours)."""


CONVERGED = Ending(Termination.CONVERGED)

UNBOUNDED = Ending(Termination.UNBOUNDED, ("feasible points go on without end, each better than the last",))

CURVELESS = Ending(Termination.ERROR, ("the Hessian is not finite where the functions and their slopes are",))


def converged_or_stalled(view: View, at: Point, error: float) -> Ending:
    """Return the ending where no step improves any more."""
    if error <= ACCEPTABLE and view.feasible(at):
        return CONVERGED
    reason = f"no step improves any more; the optimality error is {error:.1e}"
    return Ending(Termination.STALLED, (reason, *view.form.violated(view.whole(at.x))))


def endless(objective: float, at: Point) -> bool:
    """Return whether a falling function, or the point where it falls, is beyond all measure."""
    return objective < -ENDLESS or float(np.abs(at.x).max(initial=0.0)) > ENDLESS


def feasible_for_its_size(view: View, at: Point) -> bool:
    """Return whether a point far out violates constraints by no more than the tolerance for each unit of its size."""
    size = max(1.0, float(np.abs(at.x).max(initial=0.0)))
    return at.defined and view.excess(at) <= view.form.tolerance * size


def only_point(view: View, at: Point) -> tuple[Ending, float]:
    """Return the ending of a program whose variables are all fixed, and the bound that its only point proves."""
    if view.feasible(at):
        return CONVERGED, at.objective / view.weight
    return Ending(Termination.INFEASIBLE, view.form.violated(view.whole(at.x))), INFINITY


def infeasible(view: View, at: Point, slope: Slope, certificate: FloatArray) -> Ending:
    """Return the ending where the violation is stationary; ``certificate`` are multipliers >= 0 of inequalities [m].

    Proved where the program is convex and the certificate says so, else local.
    """
    reasons = view.form.violated(view.whole(at.x))
    proved = view.form.provable and proves_infeasible(view, at, slope, certificate)
    return Ending(Termination.INFEASIBLE if proved else Termination.LOCALLY_INFEASIBLE, reasons)


def shaken(view: View, at: Point, seed: int) -> tuple[Point, Slope] | None:
    """Return a random point near one that cannot be left otherwise, with its derivatives; None where undefined."""
    rng = np.random.default_rng(seed)
    moved = at.x + SHAKE * rng.uniform(-1, 1, view.size) * np.maximum(1.0, np.abs(at.x))
    point = view.point(view.within(moved))
    slope = view.slope(point.x)
    return (point, slope) if point.defined and slope.defined else None
