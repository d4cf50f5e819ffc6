"""Solving the subproblem: on a guessed active set, else close by an interior point and exactly by what it finds."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.equality_step import SOFT, ActiveSet, equality_step
from rasolve.solvers.smooth.interior_point import interior_point

EXACT = 1e-12
"""Natural residual, relative to the gradient, at which an answer is taken to be the solution."""

ACTIVE_SETS = 5
"""Active sets that are tried one after the other before an interior point is asked."""

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
    """Return the solution of a subproblem of ordinary size: guessed if what is active has not changed, else found.

    An interior point leaves small multipliers on inactive rows, and is vague where a row is active with a multiplier of
    0; the same Newton steps that follow a guess mend both.
    """
    enough = EXACT * (1.0 + float(np.abs(qp.gradient).max(initial=0.0)))
    begin = QpAnswer(np.clip(np.zeros_like(qp.low), qp.low, qp.high), np.clip(guess, qp.least, qp.penalty))
    guessed = _on_active_sets(qp, begin, enough, order)
    if qp.error(guessed) <= enough:
        return guessed
    near = interior_point(qp, guess, order)
    exact = _on_active_sets(qp, near, enough, order)
    return exact if qp.error(exact) <= qp.error(near) else near


def _on_active_sets(qp: ElasticQp, answer: QpAnswer, enough: float, order: IntArray | None) -> QpAnswer:
    """Return the best answer of a few Newton steps on the natural residuals, each on the active set of the last.

    λ + r tells whether a row is inactive, met or given up at its penalty, d - slope where the box holds a variable
    (textbook: the primal-dual active set method is a semismooth Newton method).
    """
    best, error = answer, qp.error(answer)
    for _ in range(ACTIVE_SETS):
        if error <= enough:
            break
        pulled = answer.multipliers + qp.misses(answer)
        rows = (pulled > qp.least) & (pulled < qp.penalty)
        fixed = QpAnswer(answer.step, np.where(rows, answer.multipliers, np.clip(pulled, qp.least, qp.penalty)))
        down = answer.step - qp.slope(fixed)
        held = (down <= qp.low) | (down >= qp.high)
        fixed = QpAnswer(np.where(held, np.clip(down, qp.low, qp.high), answer.step), fixed.multipliers)
        soft = max(qp.soft, SOFT)
        change = equality_step(
            qp.curvature, qp.rows, ActiveSet(rows, held), qp.slope(fixed), qp.misses(fixed), order, soft
        )
        if change is None:
            break
        answer = QpAnswer(fixed.step + change.step, fixed.multipliers + change.multipliers)
        inside = QpAnswer(np.clip(answer.step, qp.low, qp.high), np.clip(answer.multipliers, qp.least, qp.penalty))
        if (left := qp.error(inside)) < error:
            best, error = inside, left
    return best
