"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Target = Annotated[str, typer.Argument(help="A problem's name, or a scenario file (.toml or .json).")]
Targets = Annotated[list[str], typer.Argument(help="Problems' names, or scenario files (.toml or .json).")]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Seed of a sampled instance, and of whatever draws at random. Default: 0, or the scenario's own."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a size or field, e.g. clients=8. May be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
TimeLimit = Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop with the best found by then.")]
