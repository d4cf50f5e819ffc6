"""What both solvers of smooth programs keep: where they stand, the incumbent, the bound, the ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import SmoothProgram
from rasolve.numerics import ROUNDING, FloatArray, IntArray
from rasolve.solvers.base import Ending, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.smooth.bounds import lagrangian_bound
from rasolve.solvers.smooth.curvature import Bfgs, LimitedBfgs, first_model, plain
from rasolve.solvers.smooth.ending import only_point
from rasolve.solvers.smooth.kkt import elimination_order
from rasolve.solvers.smooth.merit import optimality_error, worst_violation
from rasolve.solvers.smooth.options import known_multipliers
from rasolve.solvers.smooth.scaling import Reweighed, view_of
from rasolve.solvers.smooth.view import Point, Slope, View

BOUGHT = 1e-10
"""Objective, relative, that an incumbent's remaining violation may have bought: well below `ROUNDING`."""

ALIKE = 1e6
"""Factor by which f may have become flatter for curvature from before to say anything yet (ours)."""


@dataclass(frozen=True, eq=False)
class SmoothState(State):
    """Where a solver stands, in scaled variables: point, first derivatives, multipliers [m], optimality error.

    ``model`` estimates curvature, None where it is given; ``order`` is that of sparse elimination, None where dense.
    """

    view: View
    at: Point
    slope: Slope
    multipliers: FloatArray
    error: float
    model: Bfgs | LimitedBfgs | None
    order: IntArray | None
    ended: Ending | None

    @property
    def x(self) -> FloatArray:
        """The current point in the program's own variables [n]; it need not be feasible."""
        return self.view.whole(self.at.x)


S = TypeVar("S", bound=SmoothState)


def opening(form: SmoothProgram, limits: Limits, scaling: bool, known: Mapping[str, Any] | None) -> SmoothState:
    """Return where to begin; raises InputError where nothing can be computed.

    The start is that of the limits, else the program's own; ``known`` holds multipliers as a solution has them.
    """
    start = form.begin(limits.start)
    values = form.values(start)
    if not values.defined:
        raise InputError("start: a function of the program is undefined there; start where all can be computed")
    slopes = form.slopes(start)
    if not slopes.defined:
        raise InputError("start: a derivative of the program is undefined there; start where all can be computed")
    view = view_of(form, start, values, slopes, scaling)
    at, slope = view.scaled_values(view.part(start), values), view.scaled_slopes(slopes)
    multipliers = view.scaled_multipliers(
        known_multipliers({} if known is None else known, form.inequality_count, form.equality_count)
    )
    model = first_model(slope.jacobian) if form.hessian is None else None
    curvature = plain(view.hessian(at.x, np.ones(view.rows))) if model is None else model.curvature
    ended, bound = only_point(view, at) if view.size == 0 else (None, -INFINITY)
    value, objective = incumbent(view, at, multipliers, State(None, INFINITY, -INFINITY), final=ended is not None)
    return SmoothState(
        value=value,
        objective=objective,
        bound=bound,
        view=view,
        at=at,
        slope=slope,
        multipliers=multipliers,
        error=optimality_error(view, at, slope, multipliers),
        model=model,
        order=elimination_order(curvature, slope.jacobian),
        ended=ended,
    )


def standing(state: S, at: Point, slope: Slope, error: float, final: bool) -> S:
    """Return the state at a point with its multipliers: incumbent and proved bound brought up to date."""
    value, objective = incumbent(state.view, at, state.multipliers, state, final)
    bound = state.bound
    if state.view.form.provable:
        bound = max(bound, lagrangian_bound(state.view, at, slope, state.multipliers))
    return replace(
        state, value=value, objective=objective, bound=min(bound, objective), at=at, slope=slope, error=error
    )


def finished(state: S, ending: Ending) -> S:
    """Return the state at its end: where it stands is the final answer, if that is feasible."""
    return replace(standing(state, state.at, state.slope, state.error, final=True), ended=ending)


def incumbent(view: View, at: Point, multipliers: FloatArray, before: State, final: bool) -> tuple[Any, float]:
    """Return the better of the incumbent so far and a point, with its objective.

    A point that still violates constraints may owe its low objective to that, and a more feasible one would then seem
    worse. So it counts only when the violation times the multipliers is below rounding, or as the final answer, which
    may be above an earlier incumbent by rounding.
    """
    bought = worst_violation(view, at) * (1.0 + float(np.abs(multipliers).sum())) / view.weight
    objective = at.objective / view.weight
    size = max(1.0, abs(objective))
    clean = bought <= BOUGHT * size or final
    if not (view.feasible(at) and clean and objective < before.objective + final * ROUNDING * size):
        return before.value, before.objective
    return view.whole(at.x), min(objective, before.objective)


def reweighed_state(state: S, new: Reweighed) -> S:
    """Return the state in a view with new weights; an estimate of curvature far from there begins anew."""
    multipliers, model = new.multipliers(state.multipliers), state.model
    if model is not None:
        model = model.times(new.weight) if new.weight <= ALIKE else first_model(new.slope.jacobian)
    return replace(
        state,
        view=new.view,
        at=new.at,
        slope=new.slope,
        multipliers=multipliers,
        model=model,
        error=optimality_error(new.view, new.at, new.slope, multipliers),
    )
