"""Where to go from a point: the subproblem at a penalty that is high enough, and no higher."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.curvature import Curvature
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.merit import violation
from rasolve.solvers.smooth.subproblem import solve_qp
from rasolve.solvers.smooth.view import Point, Slope, View

HIGHEST = 1e8
"""Penalty at which nothing but the violation counts any more, in scaled functions."""

WORTHWHILE = 0.3
"""Part of the possible relief of violation that a direction must bring (Byrd, Gould, Nocedal and Waltz 2008)."""

MET = 1e-9
"""Linearised violation, relative to the constraints' size, that counts as none."""


@dataclass(frozen=True, eq=False)
class Direction:
    """The subproblem, its answer, and the least linearised violation within the radius.

    ``certificate`` [m] are the multipliers at that least violation, where it is not 0.
    """

    qp: ElasticQp
    answer: QpAnswer
    least_violation: float
    certificate: FloatArray


def direction(
    view: View,
    at: Point,
    slope: Slope,
    curvature: Curvature,
    penalty: FloatArray,
    multipliers: FloatArray,
    radius: float,
    order: IntArray | None,
) -> Direction:
    """Return the step within a radius, penalties [m] raised until it relieves the violation as well as can be asked.

    Where the linearised constraints can be met, they are met; where not, by `WORTHWHILE` of what is possible.
    """
    low, high = view.box(at.x, radius)
    qp = ElasticQp(
        curvature=curvature,
        gradient=slope.gradient,
        rows=slope.jacobian,
        constants=at.constraints,
        inequalities=view.inequalities,
        low=low,
        high=high,
        penalty=penalty,
    )
    nothing = MET * (1.0 + np.abs(at.constraints).max(initial=0.0))
    answer = solve_qp(qp, multipliers, order)
    left = float(qp.violations(answer.step).sum())
    if left <= nothing or penalty.min() >= HIGHEST:
        return Direction(qp, answer, left, answer.multipliers)
    strict = replace(qp, penalty=np.full_like(penalty, HIGHEST))
    best = solve_qp(strict, multipliers, order)
    least = float(strict.violations(best.step).sum())
    if least <= nothing:
        enough = np.clip(2 * np.abs(best.multipliers), penalty, HIGHEST)
        return Direction(replace(qp, penalty=enough), best, least, best.multipliers)
    now = violation(view, at)
    while now - left < WORTHWHILE * (now - least) and qp.penalty.min() < HIGHEST:
        qp = replace(qp, penalty=np.minimum(10 * qp.penalty, HIGHEST))
        answer = solve_qp(qp, multipliers, order)
        left = float(qp.violations(answer.step).sum())
    return Direction(qp, answer, min(least, left), best.multipliers)
