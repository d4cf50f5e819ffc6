"""From a direction to the next point: full steps first, corrected ones, then shorter ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.matrix import Matrix
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import plain, unit_like
from rasolve.solvers.smooth.direction import Direction
from rasolve.solvers.smooth.equality_step import active_set, equality_step, room_for
from rasolve.solvers.smooth.line_search import ROUNDED, SUFFICIENT, shares
from rasolve.solvers.smooth.merit import lagrangian_slope, merit
from rasolve.solvers.smooth.view import Point, Slope, View

SHORTEST = 1e-10
"""Least share of a step that is tried."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A point that was accepted, the multipliers [m] that go with it, and the share of the direction that it took.

    ``gained`` says whether the merit fell by more than rounding.
    """

    point: Point
    multipliers: FloatArray
    share: float
    gained: bool


def search(
    view: View, at: Point, slope: Slope, towards: Direction, exact: Matrix | None, order: IntArray | None
) -> Trial | None:
    """Return the first trial point whose merit falls by a part of what the subproblem predicts, or None.

    ``exact`` is the true Hessian where the subproblem's was made convex: then a Newton step on the active set comes
    first, which is what makes convergence quadratic.
    """
    qp, answer = towards.qp, towards.answer
    now, predicted = merit(view, at, qp.penalty), max(qp.decrease(answer.step), 0.0)
    slack = ROUNDED * (abs(at.objective) + abs(now))

    def accepted(point: Point, multipliers: FloatArray, share: float) -> Trial | None:
        fallen = now - merit(view, point, qp.penalty)
        sufficient = fallen >= SUFFICIENT * share * predicted - slack
        return Trial(point, multipliers, share, gained=fallen > slack) if sufficient else None

    full = [(answer.step, answer.multipliers)]
    if exact is not None and (newton := _newton(slope, towards, exact, order)) is not None:
        full.insert(0, newton)
    for step, multipliers in full:
        point = _moved(view, at, step)
        if trial := accepted(point, multipliers, 1.0):
            return trial
        corrected = _corrected(view, at, step, point, towards, order)
        if corrected is not None and (trial := accepted(corrected, multipliers, 1.0)):
            return trial
    shorter = shares(0.5, SHORTEST)
    trials = (accepted(_moved(view, at, share * answer.step), answer.multipliers, share) for share in shorter)
    return next((trial for trial in trials if trial), None)


def _moved(view: View, at: Point, step: FloatArray) -> Point:
    return view.point(view.within(at.x + step))


def _newton(
    slope: Slope, towards: Direction, exact: Matrix, order: IntArray | None
) -> tuple[FloatArray, FloatArray] | None:
    """Return step and multipliers after Newton's step with the true Hessian on the subproblem's active set."""
    qp, answer = towards.qp, towards.answer
    active = active_set(qp, answer)
    slopes = exact @ answer.step + lagrangian_slope(slope, answer.multipliers)
    more = equality_step(plain(exact), qp.rows, active, slopes, qp.linear(answer.step), order)
    if more is None:
        return None
    share = room_for(qp, answer, active, more.step)
    return answer.step + share * more.step, np.clip(answer.multipliers + share * more.multipliers, qp.least, qp.penalty)


def _corrected(
    view: View, at: Point, step: FloatArray, point: Point, towards: Direction, order: IntArray | None
) -> Point | None:
    """Return the point after a second-order correction, or None where it cannot be computed.

    The shortest change that meets the active constraints: their slopes at the old point, their values at the new one.
    """
    if not point.defined or not len(point.constraints):
        return None
    qp = towards.qp
    active = active_set(qp, towards.answer)
    change = equality_step(
        unit_like(qp.curvature, qp.rows), qp.rows, active, np.zeros(len(step)), point.constraints, order
    )
    return None if change is None else _moved(view, at, step + change.step)
