"""`sqp`: sequential quadratic programming, the general solver of smooth programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import SmoothProgram, Termination, relative_gap
from rasolve.forms.smooth import Matrix
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.base import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.bounds import proves_infeasible
from rasolve.solvers.smooth.convex import convexified
from rasolve.solvers.smooth.curvature import Bfgs, Curvature, LimitedBfgs, first_model, plain
from rasolve.solvers.smooth.direction import Direction, direction
from rasolve.solvers.smooth.kkt import elimination_order
from rasolve.solvers.smooth.matrices import all_finite, dense
from rasolve.solvers.smooth.merit import lagrangian_slope, optimality_error, violation
from rasolve.solvers.smooth.search import Trial, search
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
from rasolve.solvers.smooth.view import Point, Reweighed, Slope, View, reweighed

IMMOVABLE = 1e-6
"""Relief of the violation, relative to it and to the radius, below which it counts as stationary."""

ENDLESS = 1e15
"""Size of a scaled point, or depth of its objective, at which a feasible program counts as unbounded."""

ATTEMPTS = 6
"""Steps in a row that lead nowhere before the solver gives up."""

MARGIN = 1.2
"""Ratio of a penalty to its multiplier that is aimed at; 1 is the least that is exact."""

FAINT = 1e-3
"""Least penalty, relative to the largest that is needed."""

FREE_CUTS = 50
"""Steps after which penalties may fall; later ones must halve the optimality error first, so that this ends."""

@dataclass(frozen=True, eq=False)
class SqpState(SmoothState):
    """Besides where it stands: the model of curvature (None: exact), penalty, radius [scaled], elimination order.

    ``idle`` counts steps that led nowhere, ``eased`` is the error at which the penalty fell last, ``shaken`` says
    whether the point has been moved off a place where the violation is stationary.
    """

    model: Bfgs | LimitedBfgs | None
    penalty: FloatArray
    radius: float
    order: IntArray | None
    idle: int = 0
    eased: float = INFINITY
    cuts: int = 0
    shaken: bool = False


@register
@dataclass(frozen=True)
class Sqp(SmoothSolver[SqpState]):
    """Sequential quadratic programming with an exact penalty (textbook: Fletcher's Sℓ1QP; Nocedal and Wright, ch. 18).

    Each step minimises a convex quadratic model under linearised constraints whose violation is penalised, so that the
    subproblem always has a solution; the penalty is steered by what the subproblem can relieve (Byrd, Gould, Nocedal and
    Waltz 2008). A second-order correction and a line search lower f + penalty·violation. Curvature: the exact Hessian,
    made convex for the subproblem and followed by a Newton step on the active set (Gould and Robinson 2010), else damped
    BFGS, of limited memory where there are many variables. Subproblems by an interior point with sparse elimination.

    Options: ``tolerance`` on the optimality error in scaled functions; ``penalty`` to begin with; ``scaling`` of
    variables and functions by sizes and derivatives at the start; ``known`` multipliers to begin with, as a solution
    has them. Raises InputError for options out of range and where nothing can be computed at the start.
    """

    name = "sqp"
    purpose = "general: sequential quadratic programming, exact penalty, sparse; local optima, proofs where convex"
    tolerance: float = 1e-8
    penalty: float = 1.0
    scaling: bool = True
    known: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        positive("sqp.tolerance", self.tolerance)
        positive("sqp.penalty", self.penalty)

    def init(self, form: SmoothProgram, limits: Limits) -> SqpState:
        view, at, slope, multipliers = opening(form, limits, self.scaling, self.known)
        model = first_model(slope.jacobian) if form.hessian is None else None
        curvature = plain(view.hessian(at.x, np.ones(view.rows))) if model is None else model.curvature
        value, objective = incumbent(view, at, multipliers, None, final=view.size == 0)
        ended, bound = only_point(view, at) if view.size == 0 else (None, -INFINITY)
        return SqpState(
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
            penalty=np.full(view.rows, float(self.penalty)),
            radius=view.farthest(at.x),
            order=elimination_order(curvature, slope.jacobian),
        )

    def step(self, form: SmoothProgram, state: SqpState, limits: Limits) -> SqpState:
        view, at, slope = state.view, state.at, state.slope
        curvature, exact = _curvature(state)
        if curvature is None:
            return replace(state, ended=Ending(Termination.ERROR, ("the Hessian is not finite",)))
        towards = direction(view, at, slope, curvature, state.penalty, state.multipliers, state.radius, state.order)
        state = replace(state, multipliers=towards.answer.multipliers, penalty=towards.qp.penalty)
        error = optimality_error(view, at, slope, state.multipliers)
        if error <= self.tolerance:
            return self._arrived(state, at, slope, error, limits)
        if _stuck(state, towards):
            return _infeasible(state, towards, limits)
        trial = search(view, at, slope, towards, exact, state.order)
        if trial is None:
            return _shorter(state, towards, error)
        slope = view.slope(trial.point.x)
        if not slope.defined:
            return _shorter(state, towards, error)
        return self._moved(state, trial, slope, limits)

    def _moved(self, state: SqpState, trial: Trial, slope: Slope, limits: Limits) -> SqpState:
        """Return the state at an accepted point, with radius, penalty and model brought up to date."""
        view, before = state.view, state.at
        step = trial.point.x - before.x
        length = float(np.abs(step).max())
        radius = state.radius
        if trial.share == 1.0 and length >= 0.9 * radius:
            radius *= 4
        elif trial.share < 0.25:
            radius = 4 * length
        model = state.model
        if model is not None:
            change = lagrangian_slope(slope, trial.multipliers) - lagrangian_slope(state.slope, trial.multipliers)
            model = model.updated(step, change)
        error = optimality_error(view, trial.point, slope, trial.multipliers)
        penalty, eased = state.penalty, state.eased
        if state.cuts < FREE_CUTS or error <= eased / 2:
            penalty, eased = _lowered(penalty, trial.multipliers), error
        state = replace(
            state,
            multipliers=trial.multipliers,
            radius=radius,
            model=model,
            penalty=penalty,
            eased=eased,
            cuts=state.cuts + 1,
            idle=0 if trial.gained else state.idle + 1,
        )
        return self._arrived(state, trial.point, slope, error, limits)

    def _arrived(self, state: SqpState, at: Point, slope: Slope, error: float, limits: Limits) -> SqpState:
        """Return the state at a point with its multipliers: incumbent, bound, and whether that is the end.

        A convex program gets one more step when only its proof is missing, because Newton's last step makes it tight.
        """
        view, multipliers = state.view, state.multipliers
        if error <= self.tolerance and (new := reweighed(view, at, slope)) is not None:
            return _reweighed(state, new)
        bound = proved_bound(view, at, slope, multipliers, state)
        converged = error <= self.tolerance and view.feasible(at)
        value, objective = incumbent(view, at, multipliers, state, final=converged)
        gap = relative_gap(objective, bound)
        unproved = view.form.convex and (gap is None or gap > limits.gap) and state.error > self.tolerance
        ended = None
        if converged and not unproved:
            ended = Ending(Termination.CONVERGED)
        elif view.feasible(at) and _endless(view, at):
            ended = Ending(Termination.UNBOUNDED, ("feasible points go on without end, each better than the last",))
        elif state.idle >= ATTEMPTS:
            ended = converged_or_stalled(error)
        return replace(
            state, value=value, objective=objective, bound=min(bound, objective), at=at, slope=slope, error=error, ended=ended
        )


def _reweighed(state: SqpState, new: Reweighed) -> SqpState:
    """Return the state in a view with new weights."""
    multipliers = new.multipliers(state.multipliers)
    return replace(
        state,
        view=new.view,
        at=new.at,
        slope=new.slope,
        multipliers=multipliers,
        penalty=new.multipliers(state.penalty),
        model=None if state.model is None else state.model.times(new.weight),
        error=optimality_error(new.view, new.at, new.slope, multipliers),
        eased=INFINITY,
        cuts=0,
    )


def _curvature(state: SqpState) -> tuple[Curvature | None, Matrix | None]:
    """Return the convex model of curvature, and the true Hessian where that is not convex; none where undefined."""
    if state.model is not None:
        return state.model.curvature, None
    hessian = state.view.hessian(state.at.x, state.multipliers)
    if state.order is None:
        hessian = dense(hessian)
    if not all_finite(hessian):
        return None, None
    convex, changed = convexified(hessian, state.slope.jacobian, state.order)
    return plain(convex), hessian if changed else None


def _stuck(state: SqpState, towards: Direction) -> bool:
    """Return whether an infeasible point is one where the violation is stationary."""
    if state.view.feasible(state.at):
        return False
    now = violation(state.view, state.at)
    return now - towards.least_violation <= IMMOVABLE * now * min(1.0, state.radius)


def _infeasible(state: SqpState, towards: Direction, limits: Limits) -> SqpState:
    """Return the state where the violation is stationary: proved for a convex program, else moved off it once."""
    view, at = state.view, state.at
    reasons = view.form.violated(state.x)
    if view.form.convex and proves_infeasible(view, at, state.slope, towards.certificate):
        return replace(state, bound=INFINITY, ended=Ending(Termination.INFEASIBLE, reasons))
    if state.shaken:
        return replace(state, ended=Ending(Termination.LOCALLY_INFEASIBLE, reasons))
    moved = shaken(view, at, limits.seed)
    if moved is None:
        return replace(state, ended=Ending(Termination.LOCALLY_INFEASIBLE, reasons))
    return replace(state, at=moved[0], slope=moved[1], shaken=True, radius=view.farthest(at.x))


def _shorter(state: SqpState, towards: Direction, error: float) -> SqpState:
    """Return the state with a smaller radius and a fresh model, after a direction along which nothing improves."""
    idle = state.idle + 1
    length = float(np.abs(towards.answer.step).max())
    model = None if state.model is None else first_model(state.slope.jacobian)
    ended = converged_or_stalled(error) if idle >= ATTEMPTS else None
    return replace(state, radius=length / 10, model=model, idle=idle, error=error, ended=ended)


def _endless(view: View, at: Point) -> bool:
    return at.objective < -ENDLESS or float(np.abs(at.x).max()) > ENDLESS


def _lowered(penalty: FloatArray, multipliers: FloatArray) -> FloatArray:
    """Return penalties [m] half the way down to what the multipliers need.

    A penalty far above its multiplier makes the merit see little but violation, and refuses good steps along curved
    constraints.
    """
    size = MARGIN * np.abs(multipliers)
    needed = np.maximum(size, FAINT * size.max(initial=0.0))
    return np.minimum(penalty, np.maximum(needed, (penalty + needed) / 2))
