"""From a solution of a form to a result of the problem, by the problem's own judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.choosing import CHEAP, automatic
from rasolve.forms import BoundKind, Formulation, Solution, Termination, relative_gap
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import solve_form


@dataclass(frozen=True, eq=False)
class Start:
    """A decision to start from, and whether it is one of the problem's own, by the problem's judgement."""

    decision: Any
    feasible: bool


def judged(
    problem: Problem,
    asked: str,
    name: str,
    formulation: Formulation,
    solution: Solution,
    start: Start | None,
    bound: bool,
    limits: Limits,
    began: float,
) -> Result:
    """Lift a solution to the problem, keep the start if that is better, and let the problem judge it."""
    decision = formulation.lift(solution.value) if solution.value is not None else None
    objective = problem.evaluate(decision).objective if decision is not None else INFINITY
    feasible = decision is not None and problem.check(decision).feasible
    found = decision
    if start is not None and start.feasible:
        started = problem.evaluate(start.decision).objective
        if not feasible or started < objective:
            decision, objective, feasible = start.decision, started, True
    proved = formulation.lift_bound(solution.bound) if formulation.lift_bound is not None else -INFINITY
    interrupted = solution.termination is Termination.INTERRUPTED
    if bound and not (feasible and _within(relative_gap(objective, proved), limits)):
        best, interrupted = (problem.lower_bound(), True) if interrupted else _best_bound(problem, limits)
        proved = max(proved, best)
    found_gap = relative_gap(objective, proved) if feasible else None
    result = Result(
        problem=problem.kind,
        solver=asked if asked.startswith("baseline:") else name,
        objective=objective if decision is not None else None,
        unit=problem.unit,
        sense=problem.sense,
        bound=proved if np.isfinite(proved) else None,
        bound_kind=BoundKind.PROVED if np.isfinite(proved) else BoundKind.NONE,
        gap=found_gap,
        termination=Termination.INTERRUPTED if interrupted else _termination(solution, found_gap, limits),
        feasible=feasible,
        decision=decision,
        multipliers=_multipliers(formulation, solution) if decision is found else {},
        reasons=(problem.explain() or solution.reasons) if decision is None else (),
        iterations=solution.iterations,
        seconds=perf_counter() - began,
        seed=limits.seed,
        instance=problem.fingerprint(),
        notes=problem.notes(decision),
        history=solution.history,
    )
    return result.made_of(problem)


def _termination(solution: Solution, gap: float | None, limits: Limits) -> Termination:
    """Say "optimal" of a problem only with a bound on the problem itself within the asked gap."""
    within = _within(gap, limits)
    if solution.termination is Termination.OPTIMAL and not within:
        return Termination.CONVERGED
    if solution.termination is Termination.CONVERGED and within:
        return Termination.OPTIMAL
    return solution.termination


def _multipliers(formulation: Formulation, solution: Solution) -> dict[str, Any]:
    """Return the form's multipliers in the problem's terms; none where no solver gave or the problem reads any."""
    if not solution.multipliers or formulation.lift_multipliers is None:
        return {}
    return formulation.lift_multipliers(solution.multipliers)


def _within(gap: float | None, limits: Limits) -> bool:
    return gap is not None and gap <= limits.gap


def _best_bound(problem: Problem, limits: Limits) -> tuple[float, bool]:
    """Return the bound of an exact solver where one takes the problem, else the cheap one, and whether interrupted.

    An interrupt must not take the answer with it, so it ends this solver as it would end an outermost one.
    """
    cheap = problem.lower_bound()
    formulation, promise = automatic(problem)
    if promise is CHEAP or formulation.lift_bound is None:
        return cheap, False
    solution = solve_form(formulation.form, "auto", replace(limits.inner(), nested=False))
    return max(cheap, formulation.lift_bound(solution.bound)), solution.termination is Termination.INTERRUPTED
