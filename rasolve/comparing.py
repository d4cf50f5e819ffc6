"""Results side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rasolve.choosing import rivals
from rasolve.errors import listed
from rasolve.forms import BoundKind, relative_gap
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.solving import A_PROBLEM, solve
from rasolve.tables import aligned, percent


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
    given: list[Problem] = listed("problems", problems, Problem, A_PROBLEM)
    chosen: list[str] | None = None if solvers is None else listed("solvers", solvers, str, "the name of a solver")
    results: list[Result] = []
    for problem in given:
        results += sharing_bound([solve(problem, name, **settings) for name in chosen or rivals(problem)])
    return Comparison(tuple(results))


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
