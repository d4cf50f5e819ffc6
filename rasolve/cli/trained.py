"""Options of the commands that train to fit, and the small problem that they train."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from rasolve.cli.values import settings
from rasolve.errors import InputError
from rasolve.problems.fedsllm import FedsLLM
from rasolve.problems.registry import with_files

MODEL = "gpt-mini"
RANKS = "1,2,4,8"
CLIENTS = 3
BATCH_SIZE = 4
LOCAL_STEPS = 4
"""A training that two cores finish in seconds (ours)."""

Model = Annotated[str, typer.Option(metavar="NAME", help="The model to train: rasolve list models.")]
Ranks = Annotated[str, typer.Option(metavar="R,R,...", help="LoRA ranks to train at.")]
Seeds = Annotated[int, typer.Option(help="Trainings at each rank, at least 2.")]
Target = Annotated[
    float | None,
    typer.Option(metavar="LOSS", help="Target loss in nats; by default what the lowest rank reaches."),
]
MostRounds = Annotated[int, typer.Option(metavar="N", help="Rounds after which a training is given up.")]
Clients = Annotated[int, typer.Option(help="Clients that train.")]
Data = Annotated[
    Path | None, typer.Option(metavar="FILE", help="CSV with columns mr and ref; generated text without it.")
]


def ranks_of(text: str) -> list[int]:
    """Return ranks typed as "1,2,4"; raises InputError for anything else."""
    try:
        return [int(rank) for rank in text.split(",")]
    except ValueError:
        raise InputError(f"ranks = {text}: must be whole numbers with commas between them, e.g. {RANKS}") from None


def trained_problem(model: str, clients: int, seed: int | None, pairs: Iterable[str]) -> FedsLLM:
    """Return a sampled FedsLLM of a model that trains here, with sizes and fields changed by `key=value` pairs."""
    changes = with_files(settings(pairs), Path())
    sizes = {"model": model, "clients": clients, "batch_size": BATCH_SIZE, "local_steps": LOCAL_STEPS}
    return FedsLLM.sample(**{"seed": seed or 0, **sizes, **changes})
