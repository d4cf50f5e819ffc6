"""Solving problems: write the problem in a solver's form, solve, lift the answer back and judge it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, overload

from rasolve.choosing import written_for
from rasolve.errors import InputError, is_real, listed, said, whole_number
from rasolve.forms import BatchSolution, Form, Formulation, Progress, Solution
from rasolve.judging import Start, judged
from rasolve.problems import Decision, Problem
from rasolve.result import Result
from rasolve.solvers.batch import each_start, solve_many, solve_together
from rasolve.solvers.limits import DEFAULT_GAP, INFINITY, Limits
from rasolve.solvers.registry import solve_form

Callback = Callable[[Progress], object]

A_PROBLEM = "a problem, e.g. of ra.FedsLLM.sample() or ra.load(...)"
ALIKE = "a form or a problem, as the others are"
"""What one of several problems, and one of several instances, is."""


@overload
def solve(problem: Problem, solver: str = ..., **settings: Any) -> Result: ...
@overload
def solve(problem: Form, solver: str = ..., **settings: Any) -> Solution: ...
def solve(
    problem: Problem | Form,
    solver: str = "auto",
    *,
    time_limit: float | None = None,
    gap: float = DEFAULT_GAP,
    start: Result | Decision | Any = None,
    seed: int = 0,
    callback: Callback | None = None,
    bound: bool = False,
    max_iterations: int | None = None,
    **options: Any,
) -> Result | Solution:
    """Solve a problem, giving a Result, or a form of one's own, giving a Solution.

    `solver` is a name, "auto" or "baseline:NAME". `time_limit` [s] always leaves the incumbent; `start` (a result or a
    decision; a form's value for a form) is never made worse; `callback` gets a Progress after every iteration and stops
    the solver by returning True; `bound=True` gives a heuristic the best proved bound that can be had, so that its gap
    is known. Further keywords are the solver's own options. Raises InputError for unknown names and bad settings,
    SolverUnavailable for a solver of another form; infeasible is a status of the result.
    """
    if not isinstance(problem, (Problem, Form)):
        raise InputError(f"a problem or a form is needed, not {said(problem)}: ra.FedsLLM.sample() or ra.load(...)")
    began, limits = perf_counter(), _limits(solver, time_limit, gap, seed, callback, max_iterations)
    seed = limits.seed
    if isinstance(problem, Form):
        begun = None if start is None else problem.as_start(start)
        return solve_form(problem, solver, limits.starting(begun), **options)
    begin = _started(problem, start)
    formulation, name = written_for(problem, solver, seed)
    solution = solve_form(formulation.form, name, limits.starting(_lowered(formulation, begin)), **options)
    return judged(problem, solver, name, formulation, solution, begin, bound, limits, began)


@overload
def solve_batch(instances: Form | Iterable[Form], solver: str = ..., **settings: Any) -> BatchSolution: ...
@overload
def solve_batch(instances: Iterable[Problem], solver: str = ..., **settings: Any) -> list[Result]: ...
def solve_batch(
    instances: Form | Iterable[Form] | Iterable[Problem],
    solver: str = "auto",
    *,
    time_limit: float | None = None,
    gap: float = DEFAULT_GAP,
    start: BatchSolution | Any = None,
    seed: int = 0,
    callback: Callback | None = None,
    bound: bool = False,
    max_iterations: int | None = None,
    **options: Any,
) -> BatchSolution | list[Result]:
    """Solve many independent instances in one call: problems, forms of one kind, or a form with batch dimensions.

    Settings are those of :func:`solve` and hold for the batch as a whole; `start` is the answer to an earlier batch, or
    its values: one for each instance, or the record of arrays that a batched form has. Forms of unequal shape are
    solved in one run for each shape. Problems give the results that each would have by itself; those whose solver takes
    no batch are solved one by one, and a result's seconds are an even share of the batch's. Raises InputError for bad
    settings and for forms that do not go together, SolverUnavailable for forms whose solver takes no batch.
    """
    limits = _limits(solver, time_limit, gap, seed, callback, max_iterations)
    given = instances if isinstance(instances, Form) else listed("instances", instances, (Form, Problem), ALIKE)
    if not isinstance(given, Form) and any(isinstance(each, Problem) for each in given):
        problems: list[Problem] = listed("instances", given, Problem, ALIKE)
        return _solve_problems(problems, solver, limits, start, bound, options)
    begin = start.values if isinstance(start, BatchSolution) else start
    return solve_together(given, solver, limits.starting(begin), **options)


def _solve_problems(
    problems: list[Problem], solver: str, limits: Limits, start: Any, bound: bool, options: dict[str, Any]
) -> list[Result]:
    """Write every problem in its form, solve the forms together where their solver takes many, and judge each."""
    began = perf_counter()
    starts = [None] * len(problems) if start is None else each_start(start, len(problems), "problems")
    begins = [_started(*each) for each in zip(problems, starts, strict=True)]
    written = [written_for(problem, solver, limits.seed) for problem in problems]
    lowered = limits.starting([_lowered(form, begin) for (form, _), begin in zip(written, begins, strict=True)])
    solutions: dict[int, Solution] = {}
    for name in dict.fromkeys(name for _, name in written):
        members = [i for i, (_, named_) in enumerate(written) if named_ == name]
        forms = [written[i][0].form for i in members]
        solutions.update(zip(members, solve_many(forms, name, lowered.of(members), **options), strict=True))
    share = (perf_counter() - began) / len(problems)
    return [
        judged(problem, solver, name, form, solutions[i], begins[i], bound, limits, perf_counter() - share)
        for i, (problem, (form, name)) in enumerate(zip(problems, written, strict=True))
    ]


def _lowered(formulation: Formulation, begin: Start | None) -> Any:
    """Return a decision to start from as a value of the form; None where there is none or the form takes none."""
    return formulation.lower(begin.decision) if formulation.lower is not None and begin is not None else None


def _limits(solver: object, time_limit: Any, gap: Any, seed: Any, callback: Any, max_iterations: Any) -> Limits:
    """Return the limits that the settings of a call stand for; raises InputError for a bad one."""
    if not isinstance(solver, str):
        raise InputError(f'solver = {said(solver)}: must be a name, "auto" or "baseline:NAME"')
    if time_limit is not None and not (is_real(time_limit) and time_limit > 0):
        raise InputError(f"time_limit = {said(time_limit)}: must be above 0 s")
    if not (is_real(gap) and 0 <= gap < INFINITY):
        raise InputError(f"gap = {said(gap)}: must be finite and at least 0")
    if callback is not None and not callable(callback):
        raise InputError(f"callback = {said(callback)}: must be a function of a Progress")
    return Limits(
        deadline=INFINITY if time_limit is None else perf_counter() + time_limit,
        gap=gap,
        max_iterations=None if max_iterations is None else whole_number("max_iterations", max_iterations, 1),
        seed=whole_number("seed", seed, 0),
        callback=callback,
    )


def _started(problem: Problem, start: object) -> Start | None:
    """Return the decision to start from; raises InputError for anything but a decision that fits the problem.

    It may come from other data, as when a channel has changed a little.
    """
    if start is None:
        return None
    if isinstance(start, Result):
        if start.problem != problem.kind:
            raise InputError(f"start: this is a result of {start.problem}, not of {problem.kind}")
        if start.decision is None:
            raise InputError("start: this result has no decision to start from")
        start = start.decision
    if not isinstance(start, problem.Decision):
        raise InputError(f"start: a result or a decision of {problem.kind} is needed, not {said(start)}")
    return Start(start, problem.check(start).feasible)
