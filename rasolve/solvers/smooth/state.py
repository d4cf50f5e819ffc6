"""What both solvers of smooth programs keep and report: where they stand, the incumbent, the bound, the ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from rasolve.errors import InputError, is_real
from rasolve.forms import SmoothProgram, Termination
from rasolve.numerics import ROUNDING, FloatArray
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.smooth.bounds import lagrangian_bound
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope, worst_violation
from rasolve.solvers.smooth.restoration import restored
from rasolve.solvers.smooth.view import Point, Slope, View, view_of

ACCEPTABLE = 1e-6
"""Optimality error, in scaled functions, that counts as converged where rounding allows no further progress."""

SHAKE = 1e-2
"""How far a point is moved, relative to its size, where the violation is stationary at first (ours)."""

BOUGHT = 1e-10
"""Objective, relative, that an incumbent's remaining violation may have bought: well below `ROUNDING`."""


@dataclass(frozen=True)
class Ending:
    """Why a solver has stopped, and in words what keeps it from an answer."""

    termination: Termination
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SmoothState(State):
    """Where a solver stands, in scaled variables: point, first derivatives, multipliers [m], optimality error."""

    view: View
    at: Point
    slope: Slope
    multipliers: FloatArray
    error: float
    ended: Ending | None

    @property
    def x(self) -> FloatArray:
        """The current point in the program's own variables [n]; it need not be feasible."""
        return self.view.whole(self.at.x)


S = TypeVar("S", bound=SmoothState)


class SmoothSolver(Solver[SmoothProgram, S]):
    """What the solvers report in the same way; a mixin without options."""

    form = SmoothProgram

    def done(self, form: SmoothProgram, state: S, limits: Limits) -> bool:
        return state.ended is not None

    def verdict(self, form: SmoothProgram, state: S) -> Termination | None:
        ended = state.ended.termination if state.ended else None
        return None if ended in (Termination.CONVERGED, Termination.INFEASIBLE) else ended

    def reasons(self, form: SmoothProgram, state: S) -> tuple[str, ...]:
        return state.ended.reasons if state.ended else ()

    def last_resort(self, form: SmoothProgram, state: S) -> Any:
        return restored(state.view, state.at)

    def multipliers(self, form: SmoothProgram, state: S) -> dict[str, Any]:
        """Return λ of "inequalities" [p] >= 0 and "equalities" [q], z of "lower" and "upper" [n] >= 0, at the point.

        ∇f + Σ λ_g·∇g + Σ λ_h·∇h - z_lower + z_upper = 0, in the program's own units.
        """
        return multipliers_at(form, state.view, state.x, state.multipliers)


def multipliers_at(form: SmoothProgram, view: View, x: FloatArray, scaled: FloatArray) -> dict[str, FloatArray]:
    """Return all multipliers at x [n]; a bound takes what it can hold, a fixed variable all."""
    inequality, equality = view.unscaled(scaled)
    slopes = form.slopes(x)
    left = slopes.gradient + slopes.inequality_jacobian.T @ inequality + slopes.equality_jacobian.T @ equality
    at = view.part(x)
    own = lagrangian_slope(view.slope(at), scaled)
    pulls = np.where(form.lower == form.upper, -left, 0.0)
    pulls[view.free] = np.where(bound_pulls(view, at, own) != 0, -left[view.free], 0.0)
    return {
        "inequalities": inequality,
        "equalities": equality,
        "lower": np.maximum(-pulls, 0.0),
        "upper": np.maximum(pulls, 0.0),
    }


def opening(
    form: SmoothProgram, limits: Limits, scaling: bool, known: Mapping[str, Any] | None
) -> tuple[View, Point, Slope, FloatArray]:
    """Return view, point, derivatives and multipliers to begin with; raises InputError where nothing can be computed.

    The start is that of the limits, else the program's own; ``known`` holds multipliers as a solution has them.
    """
    start = form.within_bounds(np.asarray(form.start if limits.start is None else limits.start, dtype=np.float64))
    if start.shape != form.start.shape:
        raise InputError(f"start has shape {list(start.shape)}, needs {[form.size]}")
    if not form.values(start).defined:
        raise InputError("SmoothProgram.start: a function is undefined there; start where all can be computed")
    view = view_of(form, start, scaling)
    at = view.point(view.part(start))
    slope = view.slope(at.x)
    if not slope.defined:
        raise InputError("SmoothProgram.start: a derivative is undefined there; start where all can be computed")
    return view, at, slope, np.zeros(view.rows) if known is None else _known(view, known)


def _known(view: View, known: Mapping[str, Any]) -> FloatArray:
    """Return given multipliers [m], scaled, those of inequalities at least 0."""
    parts = []
    for name, count in (("inequalities", view.inequalities), ("equalities", view.rows - view.inequalities)):
        part = np.asarray(known.get(name, np.zeros(count)), dtype=np.float64)
        if part.shape != (count,) or not np.isfinite(part).all():
            raise InputError(f"multipliers['{name}'] must be {count} finite numbers")
        parts.append(np.maximum(part, 0.0) if name == "inequalities" else part)
    return view.scaled(np.concatenate(parts))


def incumbent(view: View, at: Point, multipliers: FloatArray, before: State | None, final: bool) -> tuple[Any, float]:
    """Return the better of the incumbent so far and a point, with its objective.

    A point that still violates constraints may owe its low objective to that, and a more feasible one would then seem
    worse. So it counts only when the violation times the multipliers is below rounding, or as the final answer, which
    may be above an earlier incumbent by rounding.
    """
    value, best = (None, INFINITY) if before is None else (before.value, before.objective)
    bought = worst_violation(view, at) * (1.0 + float(np.abs(multipliers).sum())) / view.weight
    objective = at.objective / view.weight
    size = max(1.0, abs(objective))
    clean = bought <= BOUGHT * size or final
    if not (view.feasible(at) and clean and objective < best + final * ROUNDING * size):
        return value, best
    return view.whole(at.x), min(objective, best)


def proved_bound(view: View, at: Point, slope: Slope, multipliers: FloatArray, before: State) -> float:
    """Return the best bound proved so far: -inf unless the program is declared convex."""
    if not view.form.convex:
        return before.bound
    return max(before.bound, lagrangian_bound(view, at, slope, multipliers))


def converged_or_stalled(error: float) -> Ending:
    """Return the ending where no step improves any more."""
    if error <= ACCEPTABLE:
        return Ending(Termination.CONVERGED)
    return Ending(Termination.STALLED, (f"no step improves any more; the optimality error is {error:.1e}",))


def only_point(view: View, at: Point) -> tuple[Ending, float]:
    """Return the ending of a program whose variables are all fixed, and the bound that its only point proves."""
    if view.feasible(at):
        return Ending(Termination.CONVERGED), at.objective / view.weight
    return Ending(Termination.INFEASIBLE, view.form.violated(view.whole(at.x))), INFINITY


def shaken(view: View, at: Point, seed: int) -> tuple[Point, Slope] | None:
    """Return a random point near one that cannot be left otherwise, with its derivatives; None where undefined."""
    rng = np.random.default_rng(seed)
    moved = at.x + SHAKE * rng.uniform(-1, 1, view.size) * np.maximum(1.0, np.abs(at.x))
    point = view.point(np.clip(moved, view.lower, view.upper))
    slope = view.slope(point.x)
    return (point, slope) if point.defined and slope.defined else None


def positive(name: str, value: object) -> None:
    """Raise InputError where an option is no finite number above 0."""
    if not (is_real(value) and 0 < value < INFINITY):
        raise InputError(f"{name} = {value!r}: must be above 0")
