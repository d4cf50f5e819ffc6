"""`rasolve plot`: a picture of a stored result."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rasolve import plots
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Changes, Json, Seed
from rasolve.cli.output import show, show_json
from rasolve.cli.progress import solving as watched
from rasolve.cli.targets import problem_of
from rasolve.forms import Separable, Slots
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.solving import solve


class Kind(StrEnum):
    """What can be drawn."""

    DELAY = "delay"
    CONVERGENCE = "convergence"
    QUEUES = "queues"
    TRADEOFF = "tradeoff"
    PARETO = "pareto"
    GRAPH = "graph"


def plot(
    result: Annotated[Path, typer.Argument(help="A result, as saved by rasolve solve --result.")],
    problem: Annotated[
        str, typer.Option(metavar="TARGET", help="Its problem: a name (with --seed and --set), or a scenario file.")
    ],
    kind: Annotated[
        Kind | None,
        typer.Option(
            help="Delay by stage of each client, the solver's convergence beside the best bound, the graph of a model; "
            "over time slots the queues, or delay against energy over V; the front of delay and energy of a device. "
            "Default: the graph, queues or front where the problem has one, else the delay."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save it. Default: KIND.png.")] = None,
    round_: Annotated[int, typer.Option("--round", metavar="N", help="Round of the front, from 1.")] = 1,
    device: Annotated[int, typer.Option(metavar="M", help="Device of the front, from 1.")] = 1,
    seed: Seed = None,
    changes: Changes = None,
    as_json: Json = False,
) -> ExitCode:
    """Draw a stored result."""
    data = problem_of(problem, seed, changes or [])
    stored = Result.load(result).of(data)
    kind = kind or _usual(data)
    path = out or Path(f"{kind.value}.png")
    if kind is Kind.DELAY:
        plots.delay_by_stage(data, stored, path)
    elif kind is Kind.GRAPH:
        plots.split_graph(data, stored, path)
    elif kind is Kind.QUEUES:
        plots.queues(data, stored, path)
    elif kind is Kind.TRADEOFF:
        plots.tradeoff(data, path)
    elif kind is Kind.PARETO:
        plots.pareto(data, stored, path, round_=round_ - 1, device=device - 1)
    else:
        with watched(f"best bound of {data.kind}", quiet=as_json) as callback:
            best = solve(data, callback=callback)
        plots.convergence(data, stored, path, best=best)
    if as_json:
        show_json({"picture": str(path), "kind": kind.value})
    else:
        show(f"saved {path}")
    return ExitCode.DONE


def _usual(problem: Problem) -> Kind:
    """Return what is drawn of such a problem when nothing is asked for."""
    if plots.has_layers(problem):
        return Kind.GRAPH
    of_form = {Slots: Kind.QUEUES, Separable: Kind.PARETO}
    return next((kind for form, kind in of_form.items() if form in problem.forms), Kind.DELAY)
