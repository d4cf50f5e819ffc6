"""`rasolve run`: train by a plan and lay prediction beside measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasolve import plots
from rasolve.cli import progress
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Json
from rasolve.cli.output import show
from rasolve.cli.threads import wait_patiently
from rasolve.plan import Plan
from rasolve.surrogate_models.time import TimeModel


def run(
    plan: Annotated[Path, typer.Argument(help="A plan, as saved by rasolve solve --out.")],
    steps: Annotated[int, typer.Option(help="Local steps to train.")] = 20,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with columns mr and ref; generated text without it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, text and mini-batches.")] = 0,
    reference: Annotated[bool, typer.Option(help="Also train unsplit, to compare the losses.")] = True,
    times: Annotated[
        Path | None,
        typer.Option("--time", metavar="FILE", help="A time model of this machine (rasolve fit time) to predict with."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write checkpoints here, to take the run up again.")
    ] = None,
    every: Annotated[int, typer.Option(help="Local steps from one checkpoint to the next.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint in DIR.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save the report.")] = None,
    timeline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to draw a round, predicted and measured.")
    ] = None,
    as_json: Json = False,
) -> ExitCode:
    """Train by a plan and print predicted beside measured.

    An interrupt (Ctrl-C) reports the steps that are complete. With --checkpoint a run that died can be continued by
    --resume, to the same losses.
    """
    instructions = Plan.load(plan)
    time_model = None if times is None else TimeModel.load(times)
    wait_patiently()
    from rasolve.executor.run import run as execute

    with progress.training(steps, quiet=as_json) as callback:
        report = execute(
            instructions,
            steps,
            data=data,
            seed=seed,
            reference=reference,
            callback=callback,
            time_model=time_model,
            checkpoint=checkpoint,
            checkpoint_every=every,
            resume=resume,
        )
    if out is not None:
        report.save(out)
    if timeline is not None:
        plots.timeline(report, timeline)
    show(report.to_json() if as_json else str(report))
    return ExitCode.DONE
