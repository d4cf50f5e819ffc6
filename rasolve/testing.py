"""The conformance suite for authors of solvers and problems; our own tests run it on everything registered.

Call :func:`check_solver` with a solver and forms that it takes, :func:`check_problem` with a problem class and sizes
for its `sample`. Each raises AssertionError, in words, at the first promise that is broken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from inspect import signature
from typing import Any

import numpy as np

from rasolve.choosing import rivals, solvers_of
from rasolve.errors import InputError, RasolveError
from rasolve.forms import BoundKind, Form, Progress, Solution, Termination
from rasolve.numerics import ROUNDING
from rasolve.plan import Plan
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.solvers import Limits, Solver, iterate, solve_form
from rasolve.solving import solve


def _above(value: float) -> float:
    """Return a value raised by what rounding may leave."""
    return float(value * (1 + np.copysign(ROUNDING, value)))


def _below(value: float) -> float:
    """Return a value lowered by what rounding may leave."""
    return float(value * (1 - np.copysign(ROUNDING, value)))


def check_solver(solver: type[Solver[Any, Any]], forms: Iterable[Form], exact: bool | None = None) -> None:
    """Check a solver class on forms that it takes: declarations, loop, limits, determinism, honest bounds.

    With `exact` (by default what the class declares) it must end with objective and proved bound together.
    """
    _check_declarations(solver)
    promised = solver.exact if exact is None else exact
    for form in forms:
        instance = solver()
        assert instance.refuses(form) is None, f"{solver.name} refuses a form that it should take"
        solution = iterate(instance, form, Limits())
        _check_solution(solution, form)
        if promised:
            _check_exact(solution)
        _check_same(solution, iterate(instance, form, Limits()), f"{solver.name}: a second run differs")
        _check_by_hand(instance, form, solution)
        _check_limits(instance, form, solution)


def _check_declarations(solver: type[Solver[Any, Any]]) -> None:
    assert hasattr(solver, "__dataclass_fields__"), f"{solver.__name__} must be a dataclass: its fields are its options"
    assert solver.name and solver.purpose and issubclass(solver.form, Form), f"{solver.__name__} must name itself"
    options = signature(solver).parameters.values()
    assert all(o.default is not o.empty for o in options), f"{solver.name}: every option needs a default"
    _raises(InputError, lambda: solve_form(_Nothing(), solver.name, no_such_option=1), "an unknown option")
    _raises(RasolveError, lambda: solve_form(_Nothing(), solver.name), "a form that the solver does not take")


class _Nothing(Form):
    """A form that nobody takes."""

    name = "Nothing"
    says = "nothing"


def _check_solution(solution: Solution, form: Form) -> None:
    name = solution.solver
    objectives = [line.objective for line in solution.history]
    bounds = [line.bound for line in solution.history]
    assert objectives == sorted(objectives, reverse=True), f"{name}: the objective rose: {objectives}"
    assert bounds == sorted(bounds), f"{name}: the bound fell: {bounds}"
    assert solution.iterations == len(solution.history) - 1, f"{name}: history and iterations disagree"
    assert solution.bound <= _above(solution.objective), f"{name}: bound above objective"
    if solution.termination is Termination.OPTIMAL:
        _check_exact(solution)
    if solution.value is not None and (again := form.judge(solution.value)) is not None:
        assert np.isclose(again, solution.objective, rtol=ROUNDING), f"{name}: claims {solution.objective}, is {again}"


def _check_exact(solution: Solution) -> None:
    assert solution.bound_kind is BoundKind.PROVED, f"{solution.solver}: an exact solver ends with a proved bound"
    infeasible = solution.termination is Termination.INFEASIBLE
    assert infeasible or (solution.gap is not None and solution.gap <= ROUNDING), f"{solution.solver}: {solution.gap}"


def _check_same(one: Solution, other: Solution, complaint: str) -> None:
    same = one.objective == other.objective and one.bound == other.bound and one.iterations == other.iterations
    assert same, f"{complaint}: {one.objective} against {other.objective}"


def _check_by_hand(solver: Solver[Any, Any], form: Form, solution: Solution) -> None:
    """Step through the solver by hand: the loop must add nothing but limits."""
    limits = Limits()
    state, steps = solver.init(form, limits), 0
    while not solver.done(form, state, limits) and steps < solution.iterations:
        state, steps = solver.step(form, state, limits), steps + 1
    assert state.objective == solution.objective, f"{solver.name}: stepping by hand ends elsewhere"


def _check_limits(solver: Solver[Any, Any], form: Form, solution: Solution) -> None:
    if solution.iterations == 0:
        return
    heard: list[Progress] = []
    iterate(solver, form, Limits(callback=heard.append))
    assert len(heard) == solution.iterations, f"{solver.name}: the callback must hear of every iteration"
    once = iterate(solver, form, Limits(max_iterations=1))
    assert once.iterations == 1, f"{solver.name}: max_iterations = 1 took {once.iterations}"
    stopped = iterate(solver, form, Limits(callback=lambda _: True))
    assert stopped.termination is Termination.INTERRUPTED, f"{solver.name}: a callback's True must stop it"
    cut_short = iterate(solver, form, Limits(callback=_interrupt))
    assert cut_short.termination is Termination.INTERRUPTED, f"{solver.name}: an interrupt must leave the incumbent"
    rushed = iterate(solver, form, Limits(deadline=0.0))
    assert rushed.bound <= _above(solution.objective), f"{solver.name}: a wrong bound when out of time"
    resumed = iterate(solver, form, Limits(deadline=0.0, start=solution.value))
    if form.judge(solution.value) is not None:
        assert resumed.objective <= _above(solution.objective), f"{solver.name}: made its start worse"
    for early in (once, stopped, rushed):
        assert early.objective >= _below(solution.objective), f"{solver.name}: better when stopped early"


def _interrupt(_: Progress) -> None:
    raise KeyboardInterrupt


def check_problem(problem: type[Problem], seeds: Iterable[int] = range(3), **sizes: Any) -> None:
    """Check a problem class on sampled instances: data, judgement, every solver and baseline, bounds, documents."""
    for seed in seeds:
        instance = problem.sample(seed=seed, **sizes)
        _check_data(instance, problem.sample(seed=seed, **sizes), problem.sample(seed=seed + 1, **sizes))
        results = [solve(instance, name, bound=True, seed=seed) for name in ["auto", *rivals(instance)]]
        for result in results:
            _check_result(instance, result)
        proved = max(r.bound for r in results if r.bound is not None)
        results = [result for result in results if result.feasible]
        for result in results:
            assert result.objective is not None and result.objective >= _below(proved), (
                f"{result.solver} is below the proved bound {proved}: {result.objective}"
            )
        _check_start(instance, results)


def _check_data(instance: Problem, again: Problem, other: Problem) -> None:
    kind = instance.kind
    assert instance.reference and instance.unit and instance.sense in ("min", "max"), f"{kind} must say what it is"
    assert instance.to_json() == again.to_json(), f"{kind}: the same seed gave another instance"
    assert instance.to_json() != other.to_json(), f"{kind}: another seed gave the same instance"
    assert type(instance).from_json(instance.to_json()).to_json() == instance.to_json(), f"{kind}: JSON loses data"
    assert instance.replace().to_json() == instance.to_json(), f"{kind}: replace() without changes changes something"
    assert instance.explain() == (), f"{kind}: a feasible instance explains an infeasibility"
    _raises(InputError, lambda: instance.replace(no_such_field=1), "an unknown field")
    _raises(InputError, lambda: type(instance).sample(no_such_size=1), "an unknown size")  # type: ignore[call-arg]
    _raises(InputError, lambda: solve(instance, "no_such_solver"), "an unknown solver")
    _raises(InputError, lambda: solve(instance, "baseline:no_such"), "an unknown baseline")


def _check_result(instance: Problem, result: Result) -> None:
    name = result.solver
    feasible = result.check.feasible
    assert result.feasible == feasible, f"{name}: claims {result.feasible}, the problem judges {feasible}"
    assert feasible or not _promises(instance, name), f"{name}: infeasible by the problem: {result.check.violated}"
    assert feasible or result.gap is None, f"{name}: a gap without a feasible decision"
    assert isinstance(result.decision, instance.Decision), f"{name}: the decision is a {type(result.decision)}"
    assert instance.evaluate(result.decision).objective == result.objective, f"{name}: claims another objective"
    assert result.bound_kind is BoundKind.PROVED and result.bound is not None, f"{name}: bound=True gave no bound"
    assert result.objective is not None
    if feasible:
        assert result.bound <= _above(result.objective), f"{name}: bad bound"
        assert instance.lower_bound() <= _above(result.objective), f"{name}: below the cheap bound"
    stored = json.loads(result.to_json())
    again = Result.from_json(result.to_json())
    assert json.loads(again.to_json()) == stored, f"{name}: the result's JSON loses data"
    assert instance.evaluate(again.decision).objective == result.objective, f"{name}: the stored decision differs"
    repeated = solve(instance, name, seed=result.seed)
    assert repeated.objective == result.objective, f"{name}: the same seed gave another answer"
    plan = result.plan()
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json(), f"{name}: the plan's JSON loses data"


def _promises(instance: Problem, name: str) -> bool:
    """Whether what is called `name` promises a feasible decision: every solver, and the baselines that say so."""
    rule = instance.baselines().get(name.removeprefix("baseline:")) if name.startswith("baseline:") else None
    return rule is None or rule.keeps_limits


def _check_start(instance: Problem, results: list[Result]) -> None:
    """A start is never made worse, whichever solver it is given to."""
    best = min(results, key=lambda r: r.objective if r.objective is not None else float("inf"))
    for name in solvers_of(instance):
        started = solve(instance, name, start=best, time_limit=1e-9)
        assert started.objective is not None and best.objective is not None
        assert started.objective <= best.objective, f"{name} made its start worse"


def _raises(error: type[Exception], call: Any, what: str) -> None:
    try:
        call()
    except error as raised:
        assert "\n" not in str(raised), f"{what}: the message must be one line: {raised}"
        return
    raise AssertionError(f"{what} must raise {error.__name__}")
