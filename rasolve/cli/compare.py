"""`rasolve compare`: many problems, many solvers, one table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rasolve.choosing import rivals
from rasolve.cli.exit_codes import ExitCode, code_of
from rasolve.cli.options import Changes, Json, Seed, Targets, TimeLimit
from rasolve.cli.output import show, show_json
from rasolve.cli.progress import solving as watched
from rasolve.cli.targets import problem_of
from rasolve.comparing import Comparison, sharing_bound, table
from rasolve.errors import unknown
from rasolve.forms import Termination, relative_gap
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.solvers.limits import DEFAULT_GAP
from rasolve.solving import solve


def compare(
    targets: Targets,
    solvers: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Solvers and baselines; all that take the problem by default.")
    ] = None,
    seed: Seed = None,
    changes: Changes = None,
    time_limit: TimeLimit = None,
    as_json: Json = False,
) -> ExitCode:
    """Solve problems with several solvers and print the results side by side, the best of each problem marked.

    Every gap is to the best bound that any of them proved. An interrupt (Ctrl-C) prints the results so far.
    """
    problems = {target: problem_of(target, seed, changes or []) for target in targets}
    chosen = {target: _names(problem, solvers) for target, problem in problems.items()}
    tables = _solve_all(problems, chosen, {"seed": seed or 0, "time_limit": time_limit, "bound": True}, quiet=as_json)
    if as_json:
        show_json({"rows": [row for target, results in tables.items() for row in _rows(target, results)]})
    else:
        show("\n\n".join(_text(target, results, named=len(targets) > 1) for target, results in tables.items()))
    return _code([result for results in tables.values() for result in results])


def _names(problem: Problem, solvers: str | None) -> list[str]:
    """Return the solvers asked for, or all; raises InputError for a name before anything is solved."""
    known = rivals(problem)
    if solvers is None:
        return known
    names = [name.strip() for name in solvers.split(",")]
    for name in names:
        if name not in ("auto", *known):
            raise unknown(f"solver of {problem.kind}", name, ["auto", *known])
    return names


def _solve_all(
    problems: dict[str, Problem], chosen: dict[str, list[str]], settings: dict[str, Any], quiet: bool
) -> dict[str, list[Result]]:
    """Return the results of each target, as far as an interrupt let them come; passes it on when there are none."""
    tables: dict[str, list[Result]] = {}
    try:
        for target, name in [(target, name) for target, names in chosen.items() for name in names]:
            with watched(f"{target} by {name}", quiet) as callback:
                result = solve(problems[target], name, callback=callback, **settings)
            tables.setdefault(target, []).append(result)
            if result.termination is Termination.INTERRUPTED:
                break
    except KeyboardInterrupt:
        if not tables:
            raise
    return {target: sharing_bound(results) for target, results in tables.items()}


def _best(results: list[Result]) -> float | None:
    """Return the best objective among feasible results; None where there is none."""
    objectives = [r.objective for r in results if r.feasible and r.objective is not None]
    if not objectives:
        return None
    return min(objectives) if results[0].sense == "min" else max(objectives)


def _is_best(result: Result, best: float | None) -> bool:
    """Whether a result is as good as the best one, to the gap at which results count as optimal."""
    gap = None if best is None or result.objective is None else relative_gap(result.objective, best)
    return result.feasible and gap is not None and gap <= DEFAULT_GAP


def _rows(target: str, results: list[Result]) -> list[dict[str, Any]]:
    best = _best(results)
    fields = Comparison(tuple(results)).to_fields()
    return [
        {"target": target, **row, "best": _is_best(result, best)} for row, result in zip(fields, results, strict=True)
    ]


def _text(target: str, results: list[Result], named: bool) -> str:
    best = _best(results)
    marks = ["  ", "  ", *("* " if _is_best(result, best) else "  " for result in results)]
    lines = [mark + line for mark, line in zip(marks, table(results).splitlines(), strict=True)]
    reasons = [f"  {reason}" for reason in results[0].reasons]
    return "\n".join([*([target] if named else []), *lines, *reasons, *(["* best"] if best is not None else [])])


def _code(results: list[Result]) -> ExitCode:
    """Return done where anything feasible was found, else infeasible where that is proved of every problem."""
    codes = {code_of(result) for result in results}
    return ExitCode.DONE if ExitCode.DONE in codes else max(codes - {ExitCode.NOTHING}, default=ExitCode.NOTHING)
