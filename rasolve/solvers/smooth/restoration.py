"""Feasibility alone: the way from a point to a near one that meets all constraints."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.curvature import plain
from rasolve.solvers.smooth.elastic_qp import ElasticQp
from rasolve.solvers.smooth.kkt import elimination_order
from rasolve.solvers.smooth.matrices import identity_like
from rasolve.solvers.smooth.merit import violation, worst_violation
from rasolve.solvers.smooth.subproblem import solve_qp
from rasolve.solvers.smooth.view import Point, View

MOST_STEPS = 8
"""Newton steps on the constraints."""

STRICT = 1e-12
"""Scaled violation that is aimed at."""

FIRM = 1e4
"""Penalty that makes closeness to the old point count for little beside the violation."""


def restored(view: View, at: Point) -> FloatArray | None:
    """Return a point [n] near another that violates the constraints as little as Newton's method achieves, or None.

    Each step is the shortest that meets the linearised constraints within bounds, halved until the violation falls.
    """
    for _ in range(MOST_STEPS):
        if worst_violation(view, at) <= STRICT:
            break
        slope = view.slope(at.x)
        if not slope.defined:
            break
        curvature = plain(identity_like(slope.jacobian))
        low, high = view.box(at.x, view.farthest(at.x))
        qp = ElasticQp(
            curvature=curvature,
            gradient=np.zeros(view.size),
            rows=slope.jacobian,
            constants=at.constraints,
            inequalities=view.inequalities,
            low=low,
            high=high,
            penalty=np.full(view.rows, FIRM),
        )
        step = solve_qp(qp, np.zeros(view.rows), elimination_order(curvature, slope.jacobian)).step
        shorter = (view.point(view.within(at.x + step / 2**k)) for k in range(MOST_STEPS))
        better = next((p for p in shorter if p.defined and violation(view, p) < violation(view, at)), None)
        if better is None:
            break
        at = better
    return view.whole(at.x)
