"""Solving the subproblem: close by an interior point, exactly by Newton's step on what that finds active."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.equality_step import SOFT, active_set, equality_step
from rasolve.solvers.smooth.interior_point import interior_point

FAINTEST = 1e-12
"""Gradient below which a subproblem is not magnified: it counts as none."""


def solve_qp(qp: ElasticQp, guess: FloatArray, order: IntArray | None) -> QpAnswer:
    """Return the solution of the subproblem, from guessed multipliers [m].

    Small boxes and small gradients are brought to the size of 1 first, so that precision is relative to them.
    """
    length = min(1.0, float((qp.high - qp.low).max(initial=0.0))) or 1.0
    steepest = float(np.abs(qp.gradient).max(initial=0.0))
    weight = min(1.0, steepest) if steepest > FAINTEST else 1.0
    answer = _solved(_of_size_one(qp, length, weight), guess / weight, order)
    return QpAnswer(answer.step * length, answer.multipliers * weight)


def _of_size_one(qp: ElasticQp, length: float, weight: float) -> ElasticQp:
    """Return the subproblem for d/length, its objective divided by length·weight and its constraints by length."""
    bent, h = length / weight, qp.curvature
    return ElasticQp(
        curvature=Curvature(h.matrix * bent, h.wings * np.sqrt(bent), h.signs),
        gradient=qp.gradient / weight,
        rows=qp.rows,
        constants=qp.constants / length,
        inequalities=qp.inequalities,
        low=qp.low / length,
        high=qp.high / length,
        penalty=qp.penalty / weight,
        soft=qp.soft * weight / length,
    )


def _solved(qp: ElasticQp, guess: FloatArray, order: IntArray | None) -> QpAnswer:
    """Return the solution of a subproblem of ordinary size.

    An interior point leaves small multipliers on inactive rows, and is vague where a row is active with a multiplier of
    0; one Newton step on the active set mends both. It is kept where it is the better answer.
    """
    near = interior_point(qp, guess, order)
    active = active_set(qp, near)
    r = qp.misses(near)
    idle = ~active.rows & (np.arange(len(r)) < qp.inequalities) & (near.multipliers <= np.abs(r))
    cleaned = QpAnswer(near.step, np.where(idle, 0.0, near.multipliers))
    change = equality_step(qp.curvature, qp.rows, active, qp.slope(cleaned), r, order, max(qp.soft, SOFT))
    if change is None:
        return near
    step = np.clip(cleaned.step + change.step, qp.low, qp.high)
    exact = QpAnswer(step, np.clip(cleaned.multipliers + change.multipliers, qp.least, qp.penalty))
    return exact if qp.error(exact) <= qp.error(near) else near
