"""`rasolve solve`: a decision, how good it is proved to be, and the plan made of it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from rasolve import solving
from rasolve.cli.exit_codes import ExitCode, code_of
from rasolve.cli.options import Changes, Json, Seed, Target, TimeLimit
from rasolve.cli.output import show
from rasolve.cli.progress import solving as watched
from rasolve.cli.targets import problem_of
from rasolve.cli.values import settings
from rasolve.errors import InputError
from rasolve.result import Result
from rasolve.solvers.limits import DEFAULT_GAP


def solve(
    target: Target,
    solver: Annotated[str, typer.Option(metavar="NAME", help="A solver, auto, or baseline:NAME.")] = "auto",
    seed: Seed = None,
    changes: Changes = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the solver. May be repeated.")
    ] = None,
    time_limit: TimeLimit = None,
    gap: Annotated[float, typer.Option(help="Relative gap to the bound at which to stop.")] = DEFAULT_GAP,
    max_iterations: Annotated[int | None, typer.Option(metavar="N", help="Most iterations of the solver.")] = None,
    bound: Annotated[bool, typer.Option(help="Give a heuristic the best proved bound that can be had.")] = False,
    start: Annotated[
        Path | None, typer.Option(metavar="RESULT", help="A stored result to start from; it is never made worse.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save the plan.")] = None,
    result: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save the result.")] = None,
    save_problem: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to save the very problem, to check, plot or compare.")
    ] = None,
    as_json: Json = False,
) -> ExitCode:
    """Solve a problem; the decision can be saved as a plan to train by.

    An interrupt (Ctrl-C) returns the best found so far.
    """
    problem = problem_of(target, seed, changes or [])
    if save_problem is not None:
        problem.save(save_problem)
    with watched(f"{problem.kind} by {solver}", quiet=as_json) as callback:
        found = solving.solve(
            problem,
            solver,
            time_limit=time_limit,
            gap=gap,
            start=Result.load(start) if start is not None else None,
            seed=seed or 0,
            callback=callback,
            bound=bound,
            max_iterations=max_iterations,
            **_options(option or []),
        )
    if result is not None:
        found.save(result)
    if out is not None and found.decision is not None:
        found.plan().save(out)
    show(found.to_json() if as_json else str(found))
    return code_of(found)


def _options(pairs: list[str]) -> dict[str, Any]:
    """Return the solver's options; raises InputError for a setting that every solver has, which is no option."""
    options = settings(pairs)
    for name in options:
        if name in inspect.signature(solving.solve).parameters:
            raise InputError(
                f"option {name} = {options[name]!r}: not an option of a solver, use --{name.replace('_', '-')}"
            )
    return options
