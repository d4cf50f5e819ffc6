"""`sqp`: sequential quadratic programming, the general solver of smooth programs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms import SmoothProgram, Termination
from rasolve.numerics import FloatArray
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.convex import NoCurvature, curvature_at
from rasolve.solvers.smooth.curvature import first_model
from rasolve.solvers.smooth.direction import Direction, direction
from rasolve.solvers.smooth.ending import (
    CONVERGED,
    CURVELESS,
    UNBOUNDED,
    converged_or_stalled,
    endless,
    feasible_for_its_size,
    infeasible,
    shaken,
)
from rasolve.solvers.smooth.merit import lagrangian_slope, optimality_error, violation
from rasolve.solvers.smooth.penalties import lowered
from rasolve.solvers.smooth.scaling import reweighed
from rasolve.solvers.smooth.search import Trial, search
from rasolve.solvers.smooth.solver import SmoothSolver
from rasolve.solvers.smooth.state import SmoothState, finished, opening, reweighed_state, standing
from rasolve.solvers.smooth.view import Point, Slope

IMMOVABLE = 1e-6
"""Relief of the violation, relative to it and to the radius, below which it counts as stationary."""

ATTEMPTS = 6
"""Steps in a row that lead nowhere before the solver gives up."""

FREE_CUTS = 50
"""Steps after which penalties may fall; later ones must halve the optimality error first, so that this ends."""


@dataclass(frozen=True, eq=False)
class SqpState(SmoothState):
    """Besides where it stands: a penalty for each constraint [m] and the radius of steps, scaled.

    ``cuts`` counts how often penalties could fall, ``eased`` is the error when they fell last, ``idle`` counts steps
    that led nowhere, ``moved_off`` says whether a place where the violation is stationary has been left once.
    """

    penalty: FloatArray
    radius: float
    cuts: int = 0
    eased: float = INFINITY
    idle: int = 0
    moved_off: bool = False


@register
@dataclass(frozen=True)
class Sqp(SmoothSolver[SqpState]):
    """Sequential quadratic programming with an exact penalty (textbook: Fletcher's Sℓ1QP; Nocedal and Wright, ch. 18).

    Each step minimises a convex quadratic model under linearised constraints whose violation is penalised, so that the
    subproblem always has a solution; penalties are steered by what the subproblem can relieve (Byrd, Gould, Nocedal and
    Waltz 2008). A second-order correction and a line search lower f + Σ penalty·violation. Curvature is the exact
    Hessian, made convex for the subproblem and followed by a Newton step on the active set (Gould and Robinson 2010),
    or damped BFGS, of limited memory where there are many variables. Subproblems by an interior point, sparse.

    Options and errors: those of `rasolve.solvers.smooth.solver.SmoothSolver`.
    """

    name = "sqp"
    purpose = "general: sequential quadratic programming, sparse; local optima, a proved bound where convex"

    def init(self, form: SmoothProgram, limits: Limits) -> SqpState:
        begun = opening(form, limits, self.scaling, self.known)
        penalty = np.full(begun.view.rows, float(self.penalty))
        return SqpState(**vars(begun), penalty=penalty, radius=begun.view.farthest(begun.at.x))

    def step(self, form: SmoothProgram, state: SqpState, limits: Limits) -> SqpState:
        view, at, slope = state.view, state.at, state.slope
        try:
            curvature, exact = curvature_at(view, at, slope, state.multipliers, state.model, state.order)
        except NoCurvature:
            return replace(state, ended=CURVELESS)
        towards = direction(view, at, slope, curvature, state.penalty, state.multipliers, state.radius, state.order)
        state = replace(state, multipliers=towards.answer.multipliers, penalty=towards.qp.penalty)
        error = optimality_error(view, at, slope, state.multipliers)
        if error <= self.tolerance and view.feasible(at):
            return self._arrived(state, at, slope, error, limits)
        if _immovable(state, towards):
            return _infeasible(state, towards, limits)
        trial = search(view, at, slope, towards, exact, state.order)
        if trial is None or not (new := view.slope(trial.point.x)).defined:
            return _shorter(state, towards, error)
        return self._moved(state, trial, new, limits)

    def _moved(self, state: SqpState, trial: Trial, slope: Slope, limits: Limits) -> SqpState:
        """Return the state at an accepted point, with radius, penalties and model brought up to date."""
        step, multipliers = trial.point.x - state.at.x, trial.multipliers
        length, radius = float(np.abs(step).max()), state.radius
        if trial.share == 1.0 and length >= 0.9 * radius:
            radius *= 4
        elif trial.share < 0.25:
            radius = 4 * length
        model = state.model
        if model is not None:
            change = lagrangian_slope(slope, multipliers) - lagrangian_slope(state.slope, multipliers)
            model = model.updated(step, change)
        error = optimality_error(state.view, trial.point, slope, multipliers)
        penalty, eased = state.penalty, state.eased
        if state.cuts < FREE_CUTS or error <= eased / 2:
            penalty, eased = lowered(penalty, multipliers), error
        state = replace(
            state,
            multipliers=multipliers,
            radius=radius,
            model=model,
            penalty=penalty,
            eased=eased,
            cuts=state.cuts + 1,
            idle=0 if trial.gained else state.idle + 1,
        )
        return self._arrived(state, trial.point, slope, error, limits)

    def _arrived(self, state: SqpState, at: Point, slope: Slope, error: float, limits: Limits) -> SqpState:
        """Return the state at a point with its multipliers, and whether that is the end.

        A convex program gets one more step when only its proof is missing, because Newton's last step makes it tight.
        """
        view = state.view
        if error <= self.tolerance and (new := reweighed(view, at, slope)) is not None:
            fresh = replace(reweighed_state(state, new), penalty=new.multipliers(state.penalty))
            return replace(fresh, eased=INFINITY, cuts=0, idle=0)
        converged = error <= self.tolerance and view.feasible(at)
        new_here = state.error > self.tolerance
        state = standing(state, at, slope, error, final=converged)
        proved = not view.form.provable or (state.gap is not None and state.gap <= limits.gap)
        if converged and (proved or not new_here):
            return replace(state, ended=CONVERGED)
        if endless(at.objective, at) and feasible_for_its_size(view, at):
            return replace(state, ended=UNBOUNDED)
        return state if state.idle < ATTEMPTS else finished(state, converged_or_stalled(view, at, error))


def _immovable(state: SqpState, towards: Direction) -> bool:
    """Return whether an infeasible point is one where the violation is stationary."""
    if state.view.feasible(state.at):
        return False
    now = violation(state.view, state.at)
    return now - towards.least_violation <= IMMOVABLE * now * min(1.0, state.radius)


def _infeasible(state: SqpState, towards: Direction, limits: Limits) -> SqpState:
    """Return the state where the violation is stationary: the end if that is proved or has been left once before."""
    view, at = state.view, state.at
    ending = infeasible(view, at, state.slope, towards.certificate)
    if ending.termination is Termination.INFEASIBLE:
        return replace(state, bound=INFINITY, ended=ending)
    moved = None if state.moved_off else shaken(view, at, limits.seed)
    if moved is None:
        return replace(state, ended=ending)
    return replace(state, at=moved[0], slope=moved[1], moved_off=True, radius=view.farthest(at.x))


def _shorter(state: SqpState, towards: Direction, error: float) -> SqpState:
    """Return the state with a smaller radius and a fresh model, after a direction along which nothing improves."""
    state = replace(
        state,
        radius=float(np.abs(towards.answer.step).max()) / 10,
        model=None if state.model is None else first_model(state.slope.jacobian),
        idle=state.idle + 1,
        error=error,
    )
    return state if state.idle < ATTEMPTS else finished(state, converged_or_stalled(state.view, state.at, error))
