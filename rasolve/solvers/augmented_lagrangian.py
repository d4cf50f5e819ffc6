"""`augmented_lagrangian`: a sequence of bound-constrained problems, by shifted quadratic penalties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms import SmoothProgram, Termination
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Ending
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.acceleration import Close, accelerated
from rasolve.solvers.smooth.augmented import Augmented
from rasolve.solvers.smooth.bound_newton import Inner, minimise_within_bounds
from rasolve.solvers.smooth.convex import NoCurvature, exact_hessian
from rasolve.solvers.smooth.curvature import Curvature, first_model, plain
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
from rasolve.solvers.smooth.merit import optimality_error, signed_violations
from rasolve.solvers.smooth.scaling import Reweighed, reweighed
from rasolve.solvers.smooth.solver import SmoothSolver
from rasolve.solvers.smooth.state import SmoothState, finished, opening, reweighed_state, standing
from rasolve.solvers.smooth.view import Point, View

FIRST_TOLERANCE = 1e-2
"""Projected gradient to which the first subproblem is solved; each later one to a tenth of it."""

ENOUGH = 0.25
"""Ratio by which violation and complementarity must fall for the penalty to stay (ours; usual are 0.1 to 0.9)."""

RAISED = 10.0
"""Factor by which the penalty is raised."""

HIGHEST = 1e12
"""Penalty beyond which rounding decides."""

LARGEST = 1e8
"""Multipliers are kept below this, in scaled functions, so that the penalty method behind them stays sound."""

CLOSE = 1e-3
"""Optimality error from which on Newton's step on all conditions is tried."""

STIFFER = 1e3
"""First penalty, in scaled functions, of a new beginning; its square of a second one."""

RESTARTS = 2
"""New beginnings before a place where the violation is stationary is believed."""

ATTEMPTS = 3
"""Steps in a row in which rounding allows nothing better before the solver gives up."""

IMMOVABLE = 1e-6
"""Gradient of the squared violation, relative to the violation, below which it counts as stationary."""


@dataclass(frozen=True, eq=False)
class AugmentedState(SmoothState):
    """Besides where it stands: the penalty ρ, what the next subproblem is solved to, and where all began.

    ``missed`` is violation and complementarity after the last step, ``inner_steps`` how many Newton steps all
    subproblems have taken, ``restarts`` how many new beginnings there were, ``idle`` counts steps that led nowhere.
    """

    penalty: float
    inner_tolerance: float
    begin: Point
    missed: float = INFINITY
    inner_steps: int = 0
    restarts: int = 0
    idle: int = 0

    def curvature(self, at: Point, multipliers: FloatArray) -> Curvature:
        """Return the Lagrangian's curvature at a point: the model, or exact."""
        if self.model is not None:
            return self.model.curvature
        return plain(exact_hessian(self.view, at, multipliers, self.order))


@register
@dataclass(frozen=True)
class AugmentedLagrangian(SmoothSolver[AugmentedState]):
    """Method of multipliers with bounds kept (textbook: Conn, Gould and Toint 1992; Birgin and Martínez 2014).

    Each step minimises Φ = f + Σ ρ/2·(violation shifted by λ/ρ)² within the bounds, takes the multipliers from its
    gradient, and raises the penalty where violation has not fallen enough. Subproblems by Newton steps within bounds,
    with the exact Hessian or damped BFGS of the Lagrangian, sparse where that is large; close to a solution one Newton
    step on all optimality conditions (Birgin and Martínez 2008).

    Options and errors: those of `rasolve.solvers.smooth.solver.SmoothSolver`; the first ``penalty`` is ρ.
    """

    name = "augmented_lagrangian"
    purpose = "general: method of multipliers, bounds kept, sparse; local optima, a proved bound where convex"

    penalty: float = 10.0

    def init(self, form: SmoothProgram, limits: Limits) -> AugmentedState:
        begun = opening(form, limits, self.scaling, self.known)
        penalty = float(self.penalty)
        return AugmentedState(**vars(begun), penalty=penalty, inner_tolerance=FIRST_TOLERANCE, begin=begun.at)

    def step(self, form: SmoothProgram, state: AugmentedState, limits: Limits) -> AugmentedState:
        try:
            return self._stepped(state, limits)
        except NoCurvature:
            return replace(state, ended=CURVELESS)

    def _stepped(self, state: AugmentedState, limits: Limits) -> AugmentedState:
        view = state.view
        function = Augmented(view, state.multipliers, state.penalty)
        begin = Inner(state.at, state.slope, state.model)
        inner = self._minimised(function, begin, state, limits)
        state = replace(state, model=inner.model, inner_steps=state.inner_steps + inner.steps)
        if endless(function.value(inner.at), inner.at):
            return _endless(state, inner, limits)
        multipliers = function.estimates(inner.at)
        error = optimality_error(view, inner.at, inner.slope, multipliers)
        if error <= CLOSE:
            close = accelerated(view, Close(inner.at, inner.slope, multipliers, error), state.curvature, state.order)
            if close.error <= self.tolerance:
                inner = replace(inner, at=close.at, slope=close.slope)
                multipliers, error = close.multipliers, close.error
        if error > self.tolerance and _immovable(view, inner):
            return _infeasible(state, inner, limits)
        missed = function.missed(inner.at)
        state = replace(
            state,
            multipliers=np.clip(multipliers, -LARGEST, LARGEST),
            penalty=state.penalty if missed <= ENOUGH * state.missed else RAISED * state.penalty,
            missed=missed,
            inner_tolerance=max(0.1 * self.tolerance, 0.1 * state.inner_tolerance),
            idle=state.idle + 1 if inner.stopped and missed <= self.tolerance else 0,
        )
        return self._arrived(state, inner, error, limits)

    def _minimised(self, function: Augmented, begin: Inner, state: AugmentedState, limits: Limits) -> Inner:
        """Return a minimiser of Φ within the bounds, as precise as the state asks for."""
        return minimise_within_bounds(function, begin, state.inner_tolerance, limits.deadline, state.order)

    def _arrived(self, state: AugmentedState, inner: Inner, error: float, limits: Limits) -> AugmentedState:
        """Return the state at a point with its multipliers, and whether that is the end."""
        view, at, slope = state.view, inner.at, inner.slope
        if error <= self.tolerance and (new := reweighed(view, at, slope)) is not None:
            return _reweighed(state, new)
        converged = error <= self.tolerance and view.feasible(at)
        state = standing(state, at, slope, error, final=converged)
        if converged:
            return replace(state, ended=CONVERGED)
        if state.penalty <= HIGHEST and state.idle < ATTEMPTS:
            return state
        return _restarted(state, inner, limits, otherwise=converged_or_stalled(view, at, error))


def _endless(state: AugmentedState, inner: Inner, limits: Limits) -> AugmentedState:
    """Return the state where a subproblem is unbounded: the end if that is feasible, else a new beginning."""
    if not feasible_for_its_size(state.view, inner.at):
        return _restarted(state, inner, limits, converged_or_stalled(state.view, inner.at, state.error))
    return replace(standing(state, inner.at, inner.slope, state.error, final=False), ended=UNBOUNDED)


def _immovable(view: View, inner: Inner) -> bool:
    """Return whether a point is infeasible and its squared violation stationary within the bounds."""
    if view.feasible(inner.at):
        return False
    excess = signed_violations(view, inner.at)
    down = view.within(inner.at.x - inner.slope.jacobian.T @ excess) - inner.at.x
    return float(np.abs(down).max(initial=0.0)) <= IMMOVABLE * float(np.abs(excess).max())


def _infeasible(state: AugmentedState, inner: Inner, limits: Limits) -> AugmentedState:
    """Return the state where the violation is stationary: the end if that is proved, else a new beginning."""
    ending = infeasible(state.view, inner.at, inner.slope, signed_violations(state.view, inner.at))
    if ending.termination is Termination.INFEASIBLE:
        return replace(state, at=inner.at, slope=inner.slope, bound=INFINITY, ended=ending)
    return _restarted(state, inner, limits, otherwise=ending)


def _restarted(state: AugmentedState, inner: Inner, limits: Limits, otherwise: Ending) -> AugmentedState:
    """Return the state near the start with a higher first penalty; the end after `RESTARTS` of these, or if feasible.

    A penalty that begins too low can lead far away, to where constraints have no slope.
    """
    view = state.view
    again = state.restarts < RESTARTS and not view.feasible(inner.at)
    moved = shaken(view, state.begin, limits.seed) if again else None
    if moved is None:
        return finished(replace(state, at=inner.at, slope=inner.slope), otherwise)
    return replace(
        state,
        at=moved[0],
        slope=moved[1],
        multipliers=np.zeros(view.rows),
        model=None if state.model is None else first_model(moved[1].jacobian),
        penalty=STIFFER ** (state.restarts + 1),
        inner_tolerance=FIRST_TOLERANCE,
        missed=INFINITY,
        restarts=state.restarts + 1,
        idle=0,
    )


def _reweighed(state: AugmentedState, new: Reweighed) -> AugmentedState:
    """Return the state in a view with new weights, at a penalty that is neither loose nor near rounding there."""
    penalty = state.penalty * new.weight / new.weights.max(initial=1.0) ** 2
    return replace(
        reweighed_state(state, new),
        begin=new.view.point(state.begin.x),
        penalty=float(np.clip(penalty, 1.0, STIFFER**2)),
        missed=INFINITY,
        idle=0,
    )
