"""Solving problems: pick a solver, write the problem in its form, solve, lift the answer back and judge it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, overload

import numpy as np

from rasolve.errors import InputError, SolverUnavailable, is_real, named, whole_number
from rasolve.forms import BatchSolution, BoundKind, Form, Formulation, Progress, Solution, Termination, relative_gap
from rasolve.problems import Decision, Problem
from rasolve.result import Result
from rasolve.solvers.base import Solver
from rasolve.solvers.batch import each_start, solve_many, solve_together
from rasolve.solvers.limits import DEFAULT_GAP, INFINITY, Limits
from rasolve.solvers.registry import proves, solve_form, solver_named, solvers_for, tightens
from rasolve.tables import aligned, percent

Callback = Callable[[Progress], object]

NEEDED = {
    "problems": "a problem, e.g. of ra.FedsLLM.sample() or ra.load(...)",
    "solvers": "the name of a solver",
    "instances": "a form or a problem, as the others are",
}
"""What `compare` and `solve_batch` take."""


@dataclass(frozen=True)
class SolverChoice:
    """The solver that "auto" stands for, and why."""

    solver: str
    why: str

    def __str__(self) -> str:
        return f"{self.solver}: {self.why}"


def choose_solver(problem: Problem) -> SolverChoice:
    """Return the automatic choice for a problem: the first of its forms that can be solved with proof.

    Where none can, the first one whose solvers end by themselves with a proved bound that they have tightened; where
    there is none either, the last form's solver, a heuristic whose gap to a cheap proved bound is reported.
    """
    formulation, promise = _automatic(problem)
    solver = solvers_for(formulation.form)[0]
    return SolverChoice(solver.name, f"{promise} ({_purposes(formulation.form)})")


def _purposes(form: Form) -> str:
    """Return what the automatic solver of a form is for, and those of its parts, each once."""
    return "; ".join(dict.fromkeys(f"{solver.name}, {solver.purpose}" for solver in _solvers_of_parts(form)))


def _solvers_of_parts(form: Form) -> Iterator[Solver[Any, Any]]:
    solver = solvers_for(form)[0]
    yield solver
    for part in solver.parts(form):
        yield from _solvers_of_parts(part)


PROOF = "ends with a proved optimum"
GAP = "ends by itself, with a proved gap that is mostly 0"
CHEAP = "no solver proves an optimum of this instance"


def _automatic(problem: Problem) -> tuple[Formulation, str]:
    """Return the formulation that the automatic choice solves, and what that promises."""
    formulations = []
    for form in problem.written_in():
        formulations.append(problem.formulate(form))
        if proves(formulations[-1].form):
            return formulations[-1], PROOF
    for formulation in formulations:
        if tightens(formulation.form):
            return formulation, GAP
    return formulations[-1], CHEAP


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
        raise InputError(f"a problem or a form is needed, not {_said(problem)}: ra.FedsLLM.sample() or ra.load(...)")
    began, limits = perf_counter(), _limits(solver, time_limit, gap, seed, callback, max_iterations)
    seed = limits.seed
    if isinstance(problem, Form):
        begun = None if start is None else problem.as_start(start)
        return solve_form(problem, solver, limits.starting(begun), **options)
    begin = _started(problem, start)
    formulation, name = _formulation(problem, solver, seed)
    solution = solve_form(formulation.form, name, limits.starting(_lowered(formulation, begin)), **options)
    return _judged(problem, solver, name, formulation, solution, begin, bound, limits, began)


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
    given = instances if isinstance(instances, Form) else _listed("instances", instances, (Form, Problem))
    if not isinstance(given, Form) and any(isinstance(each, Problem) for each in given):
        problems: list[Problem] = _listed("instances", given, Problem)
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
    written = [_formulation(problem, solver, limits.seed) for problem in problems]
    lowered = limits.starting([_lowered(form, begin) for (form, _), begin in zip(written, begins, strict=True)])
    solutions: dict[int, Solution] = {}
    for name in dict.fromkeys(name for _, name in written):
        members = [i for i, (_, named_) in enumerate(written) if named_ == name]
        forms = [written[i][0].form for i in members]
        solutions.update(zip(members, solve_many(forms, name, lowered.of(members), **options), strict=True))
    share = (perf_counter() - began) / len(problems)
    return [
        _judged(problem, solver, name, form, solutions[i], begins[i], bound, limits, perf_counter() - share)
        for i, (problem, (form, name)) in enumerate(zip(problems, written, strict=True))
    ]


def _lowered(formulation: Formulation, begin: _Start | None) -> Any:
    """Return a decision to start from as a value of the form; None where there is none or the form takes none."""
    return formulation.lower(begin.decision) if formulation.lower is not None and begin is not None else None


def _limits(solver: object, time_limit: Any, gap: Any, seed: Any, callback: Any, max_iterations: Any) -> Limits:
    """Return the limits that the settings of a call stand for; raises InputError for a bad one."""
    if not isinstance(solver, str):
        raise InputError(f'solver = {_said(solver)}: must be a name, "auto" or "baseline:NAME"')
    if time_limit is not None and not (is_real(time_limit) and time_limit > 0):
        raise InputError(f"time_limit = {_said(time_limit)}: must be above 0 s")
    if not (is_real(gap) and 0 <= gap < INFINITY):
        raise InputError(f"gap = {_said(gap)}: must be finite and at least 0")
    if callback is not None and not callable(callback):
        raise InputError(f"callback = {_said(callback)}: must be a function of a Progress")
    return Limits(
        deadline=INFINITY if time_limit is None else perf_counter() + time_limit,
        gap=gap,
        max_iterations=None if max_iterations is None else whole_number("max_iterations", max_iterations, 1),
        seed=whole_number("seed", seed, 0),
        callback=callback,
    )


def _said(value: object) -> str:
    """Return a scalar or a word as it was given, of anything longer its type."""
    return repr(value) if value is None or isinstance(value, (str, bool)) or is_real(value) else type(value).__name__


@dataclass(frozen=True, eq=False)
class _Start:
    """A decision to start from, and whether it is one of the problem's own, by the problem's judgement."""

    decision: Any
    feasible: bool


def _started(problem: Problem, start: object) -> _Start | None:
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
        raise InputError(f"start: a result or a decision of {problem.kind} is needed, not {_said(start)}")
    return _Start(start, problem.check(start).feasible)


def _formulation(problem: Problem, solver: str, seed: int) -> tuple[Formulation, str]:
    """Return the problem in the form that the named solver takes, and the name of the solver that will run."""
    if solver.startswith("baseline:"):
        rule = named(f"baseline of {problem.kind}", solver.removeprefix("baseline:"), problem.baselines())
        return rule.formulate(np.random.default_rng(seed)), rule.solver
    if solver == "auto":
        formulation, _ = _automatic(problem)
        return formulation, solvers_for(formulation.form)[0].name
    wanted = solver_named(solver).form
    written = next((form for form in problem.written_in() if issubclass(form, wanted)), None)
    if written is None:
        takers = ", ".join(solvers_of(problem))
        raise SolverUnavailable(
            f"solver '{solver}' takes the form {wanted.name}; {problem.kind} is solved by: {takers}"
        )
    return problem.formulate(written), solver


def solvers_of(problem: Problem) -> list[str]:
    """Return the names of the solvers that take one of the problem's forms, the automatic choice's form first."""
    return [solver.name for form in problem.written_in() for solver in solvers_for(problem.formulate(form).form)]


def rivals(problem: Problem) -> list[str]:
    """Return what `solve` takes as the problem's solver, other than "auto": its solvers, then its baselines."""
    return [*solvers_of(problem), *(f"baseline:{name}" for name in problem.baselines())]


def _judged(
    problem: Problem,
    asked: str,
    name: str,
    formulation: Formulation,
    solution: Solution,
    start: _Start | None,
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
    formulation, promise = _automatic(problem)
    if promise is CHEAP or formulation.lift_bound is None:
        return cheap, False
    solution = solve_form(formulation.form, "auto", replace(limits.inner(), nested=False))
    return max(cheap, formulation.lift_bound(solution.bound)), solution.termination is Termination.INTERRUPTED


@dataclass(frozen=True)
class Comparison:
    """Results side by side, in the order in which they were asked for."""

    results: tuple[Result, ...]

    def __str__(self) -> str:
        return table(self.results)

    def to_fields(self) -> list[dict[str, Any]]:
        """Return the rows for JSON."""
        names = (
            "problem",
            "solver",
            "objective",
            "unit",
            "bound",
            "bound_kind",
            "gap",
            "termination",
            "feasible",
            "seconds",
        )
        return [{name: getattr(result, name) for name in names} for result in self.results]


def compare(
    problems: Problem | Iterable[Problem], solvers: str | Iterable[str] | None = None, **settings: Any
) -> Comparison:
    """Solve every problem with every solver and return the results side by side.

    By default: all solvers that take one of the problem's forms, then all its baselines. Every gap is to the best bound
    that any solver of the comparison proved of the problem. One problem and one name may stand for themselves. Raises
    InputError where there is nothing to compare.
    """
    settings = {"bound": True, **settings}
    given: list[Problem] = _listed("problems", problems, Problem)
    chosen: list[str] | None = None if solvers is None else _listed("solvers", solvers, str)
    results: list[Result] = []
    for problem in given:
        results += sharing_bound([solve(problem, name, **settings) for name in chosen or rivals(problem)])
    return Comparison(tuple(results))


def _listed(name: str, given: Any, kind: type[Any] | tuple[type[Any], ...]) -> list[Any]:
    """Return one thing or several as a list; raises InputError where there is none or one is of another kind."""
    several = [given] if isinstance(given, kind) or not isinstance(given, Iterable) else list(given)
    for each in several:
        if not isinstance(each, kind):
            raise InputError(f"{name} holds {_said(each)}: {NEEDED[name]} is needed")
    if not several:
        raise InputError(f"{name} is empty: at least one is needed")
    return several


def sharing_bound(results: Iterable[Result]) -> list[Result]:
    """Return results of one problem, each with the best proved bound among them and its gap to that."""
    found = list(results)
    proved = [result.bound for result in found if result.bound_kind is BoundKind.PROVED and result.bound is not None]
    if not proved:
        return found
    best = max(proved)
    return [
        result.model_copy(
            update={
                "bound": best,
                "bound_kind": BoundKind.PROVED,
                "gap": relative_gap(result.objective, best)
                if result.feasible and result.objective is not None
                else None,
            }
        )
        for result in found
    ]


def table(results: Iterable[Result]) -> str:
    """Return results as one aligned table."""
    head = ("problem", "solver", "objective", "bound", "kind", "gap", "termination", "seconds")
    rows = [head, *map(_row, results)]
    rule = ["-" * max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(aligned([head, rule, *rows[1:]]))


def _row(result: Result) -> tuple[str, ...]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.6g}"

    return (
        result.problem,
        result.solver,
        number(result.objective)
        + (f" {result.unit}".rstrip() if result.objective is not None else "")
        + ("" if result.feasible or result.objective is None else " (NOT feasible)"),
        number(result.bound),
        result.bound_kind.value,
        "-" if result.gap is None else percent(result.gap),
        result.termination.value,
        f"{result.seconds:.3f}",
    )
