"""`rasolve demo`: the whole way from a problem to a plan whose predictions were measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasolve.cli import progress
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Json
from rasolve.cli.output import nothing, show, show_json
from rasolve.cli.threads import wait_patiently
from rasolve.demo import STEPS
from rasolve.demo import demo as demonstrate


def demo(
    seed: Annotated[int, typer.Option(help="Seed of the instance and of the training.")] = 0,
    steps: Annotated[int, typer.Option(help="Local steps to train.")] = STEPS,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where plan, result and pictures go.")] = Path("out"),
    as_json: Json = False,
) -> ExitCode:
    """Show everything in seconds: solve a small problem in every way, draw it, train by the plan, compare."""
    wait_patiently()
    say = nothing if as_json else show
    found = demonstrate(seed, folder, steps=steps, say=say, watch=lambda steps: progress.training(steps, quiet=as_json))
    if as_json:
        show_json(found.to_fields())
    return ExitCode.DONE
