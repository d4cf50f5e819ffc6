"""`rasolve list`: what there is, one line each."""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import Annotated

import typer

from rasolve import forms
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Json
from rasolve.cli.output import show, show_json
from rasolve.forms import Form
from rasolve.problems import problems
from rasolve.scenario.graph import graph_named, graphs
from rasolve.scenario.models import SAYS
from rasolve.scenario.units import quantity
from rasolve.solvers import solvers
from rasolve.tables import aligned

Line = dict[str, str]


class Kind(StrEnum):
    """What can be listed."""

    PROBLEMS = "problems"
    SOLVERS = "solvers"
    BASELINES = "baselines"
    FORMS = "forms"
    MODELS = "models"
    GRAPHS = "graphs"


def list_known(
    what: Annotated[Kind | None, typer.Argument(help="Only these; everything by default.")] = None,
    as_json: Json = False,
) -> ExitCode:
    """List problems, solvers, baselines, forms, models and the profiles of models as graphs of layers."""
    found = {kind.value: LISTS[kind]() for kind in ([what] if what else Kind)}
    if as_json:
        show_json(found)
    else:
        show("\n\n".join(f"{kind}\n{_text(lines)}" for kind, lines in found.items()))
    return ExitCode.DONE


def _text(lines: list[Line]) -> str:
    return "\n".join(aligned([[f"  {line.pop('name')}", *line.values()] for line in map(dict, lines)]))


def _problems() -> list[Line]:
    return [
        {"name": name, "reference": cls.reference, "says": inspect.getdoc(cls).splitlines()[0]}  # type: ignore[union-attr]
        for name, cls in problems().items()
    ]


def _solvers() -> list[Line]:
    return [{"name": name, "form": cls.form.name, "says": cls.purpose} for name, cls in solvers().items()]


def _baselines() -> list[Line]:
    return [
        {"name": f"baseline:{rule.name}", "problem": name, "says": rule.says}
        for name, cls in problems().items()
        for rule in cls.sample().baselines().values()
    ]


def _forms() -> list[Line]:
    found = [value for value in vars(forms).values() if inspect.isclass(value) and issubclass(value, Form)]
    return [{"name": form.name, "says": form.says} for form in found if form is not Form]


def _models() -> list[Line]:
    return [{"name": name, "says": says} for name, says in SAYS.items()]


def _graphs() -> list[Line]:
    found = [graph_named(name) for name in graphs()]
    return [
        {
            "name": graph.model,
            "layers": f"{graph.vertices} layers",
            "forward": f"{quantity(float(graph.forward_flops.sum()), 'FLOP')} forward",
            "says": graph.says,
        }
        for graph in found
    ]


LISTS = {
    Kind.PROBLEMS: _problems,
    Kind.SOLVERS: _solvers,
    Kind.BASELINES: _baselines,
    Kind.FORMS: _forms,
    Kind.MODELS: _models,
    Kind.GRAPHS: _graphs,
}
