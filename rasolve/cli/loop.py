"""`rasolve loop`: fit, solve, train, compare, fit again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasolve.calibration.loop import loop as go_round
from rasolve.calibration.rounds import MOST_ROUNDS, SEEDS
from rasolve.cli import progress
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Changes, Json, Seed
from rasolve.cli.output import nothing, show, show_json
from rasolve.cli.threads import wait_patiently
from rasolve.cli.trained import (
    CLIENTS,
    MODEL,
    RANKS,
    Clients,
    Data,
    Model,
    MostRounds,
    Ranks,
    Seeds,
    Target,
    ranks_of,
    trained_problem,
)


def loop(
    model: Model = MODEL,
    ranks: Ranks = RANKS,
    seeds: Seeds = SEEDS,
    target: Target = None,
    most_rounds: MostRounds = MOST_ROUNDS,
    clients: Clients = CLIENTS,
    changes: Changes = None,
    seed: Seed = None,
    data: Data = None,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where everything is saved.")] = Path("out"),
    as_json: Json = False,
) -> ExitCode:
    """Close the loop in minutes: fit rounds, solve with them, train by the plan to the target, compare, fit again.

    What is finished when an interrupt (Ctrl-C) comes has been saved.
    """
    asked = ranks_of(ranks)
    problem = trained_problem(model, clients, seed, changes or [])
    wait_patiently()
    with progress.trainings(quiet=as_json) as callback:
        done = go_round(
            problem,
            asked,
            folder=folder,
            seeds=seeds,
            target=target,
            most_rounds=most_rounds,
            data=data,
            say=nothing if as_json else show,
            callback=callback,
        )
    if as_json:
        show_json(done.to_fields())
    else:
        show(str(done))
    return ExitCode.DONE
