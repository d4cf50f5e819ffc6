"""Minimises an augmented Lagrangian within bounds, by projected Newton steps.

Its second derivatives are those of the Lagrangian plus ρ·AᵀA over the rows A that count. The Newton system is solved in
the form [[H, Aᵀ], [A, -I/ρ]], which stays sparse and well scaled however large ρ is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.augmented import Augmented
from rasolve.solvers.smooth.convex import curvature_at
from rasolve.solvers.smooth.curvature import Bfgs, LimitedBfgs, plain
from rasolve.solvers.smooth.elastic_qp import ElasticQp
from rasolve.solvers.smooth.ending import endless
from rasolve.solvers.smooth.equality_step import active_set, equality_step
from rasolve.solvers.smooth.line_search import ROUNDED, SUFFICIENT, shares
from rasolve.solvers.smooth.merit import lagrangian_slope
from rasolve.solvers.smooth.subproblem import solve_qp
from rasolve.solvers.smooth.view import Point, Slope

MOST_STEPS = 200
"""Newton steps on one augmented Lagrangian."""

SHORTEST = 1e-12
"""Least share of a step that is tried."""

UNCAPPED = 1e6
"""Cap on a soft row's multiplier, relative to what it may be, so that it never counts."""


@dataclass(frozen=True, eq=False)
class Inner:
    """Where the minimisation stands: point, derivatives, model of curvature, steps taken, and whether it goes on."""

    at: Point
    slope: Slope
    model: Bfgs | LimitedBfgs | None
    steps: int = 0
    stopped: bool = False


def minimise_within_bounds(
    function: Augmented, inner: Inner, tolerance: float, deadline: float, order: IntArray | None
) -> Inner:
    """Return a point whose projected gradient is at most ``tolerance``, or the last before progress or time ends."""
    inner = replace(inner, steps=0, stopped=False)
    while inner.steps < MOST_STEPS and not inner.stopped:
        pull = lagrangian_slope(inner.slope, function.estimates(inner.at))
        if np.abs(function.view.within(inner.at.x - pull) - inner.at.x).max(initial=0.0) <= tolerance:
            break
        if endless(function.value(inner.at), inner.at) or (inner.steps and perf_counter() >= deadline):
            break
        inner = _stepped(function, inner, pull, order)
    return inner


def _stepped(function: Augmented, inner: Inner, pull: FloatArray, order: IntArray | None) -> Inner:
    """Return the state after one step: Newton's with the true curvature if it serves, else one that is shortened."""
    view, at = function.view, inner.at
    now, slack = function.value(at), ROUNDED * (abs(at.objective) + abs(function.value(at)))
    for step, share, least in _trials(function, inner, pull, order):
        point = view.point(view.within(at.x + share * step))
        fallen = now - function.value(point)
        if fallen >= SUFFICIENT * share * least - slack:
            slope = view.slope(point.x)
            if slope.defined:
                model = _updated(function, inner, point, slope)
                return Inner(point, slope, model, inner.steps + 1, stopped=fallen <= slack)
    return replace(inner, stopped=True)


def _trials(
    function: Augmented, inner: Inner, pull: FloatArray, order: IntArray | None
) -> Iterator[tuple[FloatArray, float, float]]:
    """Yield steps [N], the share of each to take, and the decrease of Φ that a whole one promises."""
    view, at = function.view, inner.at
    (low, high), estimates = view.box(at.x, view.farthest(at.x)), function.estimates(at)
    curvature, exact = curvature_at(view, at, inner.slope, estimates, inner.model, order)
    qp = ElasticQp(
        curvature=curvature,
        gradient=inner.slope.gradient,
        rows=inner.slope.jacobian,
        constants=at.constraints + function.multipliers / function.penalty,
        inequalities=view.inequalities,
        low=low,
        high=high,
        penalty=np.full(view.rows, UNCAPPED * max(1.0, function.penalty, float(np.abs(estimates).max(initial=0.0)))),
        soft=1.0 / function.penalty,
    )
    answer = solve_qp(qp, estimates, order)
    promised = max(-float(pull @ answer.step), 0.0)
    if exact is not None:
        active = active_set(qp, answer)
        slope = exact @ answer.step + lagrangian_slope(inner.slope, answer.multipliers)
        more = equality_step(plain(exact), qp.rows, active, slope, qp.misses(answer), order, qp.soft)
        if more is not None:
            yield np.clip(answer.step + more.step, qp.low, qp.high), 1.0, promised
    for share in shares(1.0, SHORTEST):
        yield answer.step, share, promised


def _updated(function: Augmented, inner: Inner, point: Point, slope: Slope) -> Bfgs | LimitedBfgs | None:
    if inner.model is None:
        return None
    multipliers = function.estimates(point)
    change = lagrangian_slope(slope, multipliers) - lagrangian_slope(inner.slope, multipliers)
    return inner.model.updated(point.x - inner.at.x, change)
