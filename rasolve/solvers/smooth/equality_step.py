"""Newton steps on active constraints: what makes subproblems exact, final steps quadratic, and curved ones full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.matrix import Matrix
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.kkt import factorised
from rasolve.solvers.smooth.matrices import rescaled

SOFT = 1e-10
"""Slack of an active row, so that dependent ones leave the system regular."""


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """Which rows [m] hold with equality and which variables [N] stand at the box."""

    rows: NDArray[np.bool_]
    held: NDArray[np.bool_]


def active_set(qp: ElasticQp, answer: QpAnswer) -> ActiveSet:
    """Return what is active at a subproblem's solution: rows whose multiplier outweighs their distance from 0."""
    r = qp.misses(answer)
    inside = (answer.multipliers < qp.penalty - np.abs(r)) & (answer.multipliers > qp.least + np.abs(r))
    held = (answer.step <= qp.low) | (answer.step >= qp.high)
    return ActiveSet(inside, held)


def equality_step(
    curvature: Curvature,
    rows: Matrix,
    active: ActiveSet,
    slope: FloatArray,
    residual: FloatArray,
    order: IntArray | None,
    soft: float = SOFT,
) -> QpAnswer | None:
    """Return the d [N] and change of multipliers [m] with H·d + Aᵀ·change = -slope and A·d = -residual where active.

    None where H is not positive definite on the active set's null space: then the d would be no minimiser. A row may be
    soft, A·d - soft·change = -residual: that is a quadratic penalty of 1/soft on it.
    """
    free = np.where(active.held, 0.0, 1.0)
    reduced = Curvature(rescaled(curvature.matrix, free, free), curvature.wings * free, curvature.signs)
    kept = rescaled(rows, np.where(active.rows, 1.0, 0.0), free)
    try:
        factors = factorised(reduced, 1.0 - free, kept, np.where(active.rows, soft, 1.0), order)
    except np.linalg.LinAlgError:
        return None
    if not factors.minimises:
        return None
    d, change = factors.solve(-slope * free, np.where(active.rows, -residual, 0.0))
    return QpAnswer(d * free, np.where(active.rows, change, 0.0))


def room_for(qp: ElasticQp, answer: QpAnswer, active: ActiveSet, d: FloatArray) -> float:
    """Return the share of d, up to 1, that can be added to the step without leaving the box or an inactive row."""
    ahead = np.where(d > 0, qp.high - answer.step, answer.step - qp.low)
    moving = d != 0
    box = float(np.min(ahead[moving] / np.abs(d[moving]), initial=1.0))
    r, towards = qp.linear(answer.step), np.asarray(qp.rows @ d)
    met = (np.arange(len(r)) < qp.inequalities) & ~active.rows & (r < 0) & (towards > 0)
    return max(0.0, float(np.min(-r[met] / towards[met], initial=box)))
