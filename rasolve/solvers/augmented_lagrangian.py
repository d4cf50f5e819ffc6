"""`augmented_lagrangian`: a sequence of bound-constrained problems, by shifted quadratic penalties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import SmoothProgram, Termination
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.base import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.bounds import proves_infeasible
from rasolve.solvers.smooth.bound_newton import Augmented, Inner, endless, minimise_within_bounds
from rasolve.solvers.smooth.curvature import Bfgs, Curvature, LimitedBfgs, first_model, plain
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.equality_step import ActiveSet, active_set, equality_step
from rasolve.solvers.smooth.kkt import elimination_order
from rasolve.solvers.smooth.matrices import dense
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope, optimality_error
from rasolve.solvers.smooth.state import (
    Ending,
    SmoothSolver,
    SmoothState,
    converged_or_stalled,
    incumbent,
    only_point,
    opening,
    positive,
    proved_bound,
    shaken,
)
from rasolve.solvers.smooth.view import Point, Reweighed, View, reweighed

FIRST_TOLERANCE = 1e-2
"""Projected gradient to which the first subproblem is solved; each later one to a tenth of it."""

ENOUGH = 0.25
"""Ratio by which violation and complementarity must fall for the penalty to stay (Birgin and Martínez 2014: 0.5)."""

HIGHEST = 1e12
"""Penalty beyond which rounding decides."""

LARGEST = 1e8
"""Multipliers are kept below this, in scaled functions, so that the penalty method behind them stays sound."""

CLOSE = 1e-3
"""Optimality error from which on Newton's step on all conditions is tried."""

RAISED = 10.0
"""Factor by which the penalty is raised."""

STIFFER = 1e3
"""Least penalty, in scaled functions, of a new beginning; its square of a second one."""

RESTARTS = 2
"""New beginnings before a place where the violation is stationary is believed."""

IMMOVABLE = 1e-6
"""Gradient of the violation, relative to it, below which it counts as stationary."""


@dataclass(frozen=True, eq=False)
class AugmentedState(SmoothState):
    """Besides where it stands: penalty ρ, model of curvature (None: exact), what the next subproblem is solved to.

    ``missed`` is the violation of constraints and complementarity after the last step, ``inner_steps`` how many Newton
    steps all subproblems have taken.
    """

    model: Bfgs | LimitedBfgs | None
    penalty: float
    inner_tolerance: float
    order: IntArray | None
    begin: Point
    missed: float = INFINITY
    inner_steps: int = 0
    restarts: int = 0


@register
@dataclass(frozen=True)
class AugmentedLagrangian(SmoothSolver[AugmentedState]):
    """Method of multipliers with bounds kept (textbook: Conn, Gould and Toint; Birgin and Martínez).

    Each step minimises Φ = f + Σ ρ/2·(violation shifted by λ/ρ)² within the bounds, takes the multipliers from its
    gradient, and raises the penalty where violation has not fallen enough. Subproblems by projected Newton steps with
    the exact Hessian or damped BFGS of the Lagrangian, sparse where that is large.

    Options: ``penalty`` ρ to begin with and ``tolerance`` on the optimality error, both in scaled functions; ``scaling``
    of variables and functions by sizes and derivatives at the start; ``known`` multipliers to begin with, as a solution
    has them. Raises InputError for options out of range and where nothing can be computed at the start.
    """

    name = "augmented_lagrangian"
    purpose = "general: method of multipliers, bounds kept, sparse; local optima, proofs where convex"
    penalty: float = 10.0
    tolerance: float = 1e-8
    scaling: bool = True
    known: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        positive("augmented_lagrangian.penalty", self.penalty)
        positive("augmented_lagrangian.tolerance", self.tolerance)

    def init(self, form: SmoothProgram, limits: Limits) -> AugmentedState:
        view, at, slope, multipliers = opening(form, limits, self.scaling, self.known)
        model = first_model(slope.jacobian) if form.hessian is None else None
        curvature = plain(view.hessian(at.x, np.ones(view.rows))) if model is None else model.curvature
        value, objective = incumbent(view, at, multipliers, None, final=view.size == 0)
        ended, bound = only_point(view, at) if view.size == 0 else (None, -INFINITY)
        return AugmentedState(
            value=value,
            objective=objective,
            bound=bound,
            view=view,
            at=at,
            slope=slope,
            multipliers=multipliers,
            error=optimality_error(view, at, slope, multipliers),
            ended=ended,
            model=model,
            penalty=float(self.penalty),
            inner_tolerance=FIRST_TOLERANCE,
            order=elimination_order(curvature, slope.jacobian),
            begin=at,
        )

    def step(self, form: SmoothProgram, state: AugmentedState, limits: Limits) -> AugmentedState:
        view = state.view
        function = Augmented(view, state.multipliers, state.penalty)
        begin = Inner(state.at, state.slope, state.model)
        inner = minimise_within_bounds(function, begin, state.inner_tolerance, limits.deadline, state.order)
        state = replace(state, model=inner.model, inner_steps=state.inner_steps + inner.steps)
        if endless(function, inner.at):
            return _endless(state, inner, limits)
        multipliers = function.estimates(inner.at)
        error = optimality_error(view, inner.at, inner.slope, multipliers)
        if self.tolerance < error <= CLOSE:
            inner, multipliers, error = self._accelerated(state, inner, multipliers, error)
        if error > self.tolerance and _immovable(view, inner):
            return _infeasible(state, inner, limits)
        missed = _missed(view, inner.at, function)
        penalty = state.penalty if missed <= ENOUGH * state.missed else RAISED * state.penalty
        state = replace(
            state,
            multipliers=np.clip(multipliers, -LARGEST, LARGEST),
            penalty=penalty,
            missed=missed,
            inner_tolerance=max(0.1 * self.tolerance, 0.1 * state.inner_tolerance),
        )
        return self._arrived(state, inner, error)

    def _accelerated(
        self, state: AugmentedState, inner: Inner, multipliers: FloatArray, error: float
    ) -> tuple[Inner, FloatArray, float]:
        """Return point, multipliers and error after Newton's step on all optimality conditions, if that converges.

        Close to a solution the method itself is linear, and a large penalty loses digits (Birgin and Martínez 2008).
        """
        view, at, slope = state.view, inner.at, inner.slope
        curvature = _lagrangian_curvature(state, inner, multipliers)
        qp = ElasticQp(
            curvature, slope.gradient, slope.jacobian, at.constraints, view.inequalities,
            view.lower - at.x, view.upper - at.x, np.full(view.rows, INFINITY),
        )  # fmt: skip
        held = bound_pulls(view, at.x, lagrangian_slope(slope, multipliers)) != 0
        to_bound = np.where(held, np.clip(-lagrangian_slope(slope, multipliers), qp.low, qp.high), 0.0)
        rows = active_set(qp, QpAnswer(np.zeros(view.size), multipliers)).rows
        more = equality_step(
            curvature, qp.rows, ActiveSet(rows, held),
            lagrangian_slope(slope, np.where(rows, multipliers, 0.0)) + curvature.times(to_bound),
            at.constraints + qp.rows @ to_bound, state.order,
        )  # fmt: skip
        if more is None:
            return inner, multipliers, error
        point = view.point(np.clip(at.x + to_bound + more.step, view.lower, view.upper))
        if not point.defined:
            return inner, multipliers, error
        new, better = view.slope(point.x), np.where(rows, multipliers, 0.0) + more.multipliers
        better[: view.inequalities] = np.maximum(better[: view.inequalities], 0.0)
        if not new.defined or (left := optimality_error(view, point, new, better)) > self.tolerance:
            return inner, multipliers, error
        return replace(inner, at=point, slope=new), better, left

    def _arrived(self, state: AugmentedState, inner: Inner, error: float) -> AugmentedState:
        """Return the state at a point with its multipliers: incumbent, bound, and whether that is the end."""
        view, at, slope, multipliers = state.view, inner.at, inner.slope, state.multipliers
        if error <= self.tolerance and (new := reweighed(view, at, slope)) is not None:
            return _reweighed(state, new)
        converged = error <= self.tolerance and view.feasible(at)
        value, objective = incumbent(view, at, multipliers, state, final=converged)
        bound = proved_bound(view, at, slope, multipliers, state)
        ended = None
        if converged:
            ended = Ending(Termination.CONVERGED)
        elif state.penalty > HIGHEST:
            ended = converged_or_stalled(error)
        return replace(
            state, value=value, objective=objective, bound=min(bound, objective), at=at, slope=slope, error=error, ended=ended
        )


def _lagrangian_curvature(state: AugmentedState, inner: Inner, multipliers: FloatArray) -> Curvature:
    if inner.model is not None:
        return inner.model.curvature
    hessian = state.view.hessian(inner.at.x, multipliers)
    return plain(dense(hessian) if state.order is None else hessian)


def _endless(state: AugmentedState, inner: Inner, limits: Limits) -> AugmentedState:
    """Return the state where a subproblem is unbounded: the end if that is feasible, else from the start, stiffer."""
    view = state.view
    if not view.feasible(inner.at):
        return _restarted(state, inner, limits)
    value, objective = incumbent(view, inner.at, state.multipliers, state, final=False)
    ended = Ending(Termination.UNBOUNDED, ("feasible points go on without end, each better than the last",))
    return replace(state, at=inner.at, slope=inner.slope, value=value, objective=objective, ended=ended)


def _immovable(view: View, inner: Inner) -> bool:
    """Return whether a point is infeasible and its squared violation stationary within the bounds."""
    if view.feasible(inner.at):
        return False
    excess, p = inner.at.constraints.copy(), view.inequalities
    excess[:p] = np.maximum(excess[:p], 0.0)
    down = np.clip(inner.at.x - inner.slope.jacobian.T @ excess, view.lower, view.upper) - inner.at.x
    return float(np.abs(down).max(initial=0.0)) <= IMMOVABLE * float(np.abs(excess).max())


def _infeasible(state: AugmentedState, inner: Inner, limits: Limits) -> AugmentedState:
    """Return the state where the violation is stationary: proved for a convex program, else from the start, stiffer."""
    view, at = state.view, inner.at
    excess = at.constraints.copy()
    excess[: view.inequalities] = np.maximum(excess[: view.inequalities], 0.0)
    if view.form.convex and proves_infeasible(view, at, inner.slope, excess):
        reasons = view.form.violated(view.whole(at.x))
        return replace(state, at=at, slope=inner.slope, bound=INFINITY, ended=Ending(Termination.INFEASIBLE, reasons))
    return _restarted(state, inner, limits)


def _restarted(state: AugmentedState, inner: Inner, limits: Limits) -> AugmentedState:
    """Return the state near the start with a far higher penalty, or the end after `RESTARTS` of these.

    A penalty that begins too low can lead far away, to where constraints have no slope.
    """
    view = state.view
    if state.restarts == RESTARTS:
        reasons = view.form.violated(view.whole(inner.at.x))
        return replace(state, at=inner.at, slope=inner.slope, ended=Ending(Termination.LOCALLY_INFEASIBLE, reasons))
    moved = shaken(view, state.begin, limits.seed)
    at, slope = moved if moved is not None else (state.begin, view.slope(state.begin.x))
    return replace(
        state,
        at=at,
        slope=slope,
        multipliers=np.zeros(view.rows),
        model=None if state.model is None else first_model(slope.jacobian),
        penalty=max(state.penalty, STIFFER ** (state.restarts + 1)),
        inner_tolerance=FIRST_TOLERANCE,
        missed=INFINITY,
        restarts=state.restarts + 1,
    )


def _reweighed(state: AugmentedState, new: Reweighed) -> AugmentedState:
    """Return the state in a view with new weights."""
    multipliers = new.multipliers(state.multipliers)
    return replace(
        state,
        view=new.view,
        at=new.at,
        slope=new.slope,
        begin=new.view.point(state.begin.x),
        multipliers=multipliers,
        penalty=state.penalty * new.weight,
        model=None if state.model is None else state.model.times(new.weight),
        error=optimality_error(new.view, new.at, new.slope, multipliers),
        missed=INFINITY,
    )


def _missed(view: View, at: Point, function: Augmented) -> float:
    """Return the largest of |h| and |min(-g, λ/ρ)|: violation, and multipliers of what is not active."""
    p, c = view.inequalities, at.constraints
    idle = np.minimum(-c[:p], function.multipliers[:p] / function.penalty)
    return max(float(np.abs(idle).max(initial=0.0)), float(np.abs(c[p:]).max(initial=0.0)))
