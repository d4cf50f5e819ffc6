"""`rasolve fit`: measure with the executor and fit a surrogate model to what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasolve import plots
from rasolve.calibration.rounds import MOST_ROUNDS, SEEDS, fit_rounds
from rasolve.calibration.time import REPEATS, fit_time
from rasolve.cli import progress
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Changes, Json, Seed
from rasolve.cli.output import show, show_json
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
from rasolve.surrogate_models.evidence import Evidence
from rasolve.surrogate_models.fitting import retarget
from rasolve.surrogate_models.rounds import Rounds
from rasolve.surrogate_models.time import TimeModel
from rasolve.tables import aligned

Picture = Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save a picture of the fit.")]

fit = typer.Typer(help="Fit a surrogate model to measurements: rounds to a target loss, or seconds of work.")


@fit.command("time")
def time(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to save the time model.")] = Path("time.json"),
    repeats: Annotated[int, typer.Option(help="Timings of each piece of work.")] = REPEATS,
    picture: Picture = None,
    as_json: Json = False,
) -> ExitCode:
    """Fit the seconds of a piece of work on this machine to its calls, FLOPs and bytes.

    rasolve run --time lays a run's wall-clock beside the prediction.
    """
    wait_patiently()
    with progress.timing(quiet=as_json) as callback:
        model = fit_time(repeats, callback=callback)
    model.save(out)
    if picture is not None:
        plots.time_fit(model, picture)
    show(model.to_json() if as_json else f"{_described(model)}\nsaved {out}")
    return ExitCode.DONE


@fit.command("rounds")
def rounds(
    model: Model = MODEL,
    ranks: Ranks = RANKS,
    seeds: Seeds = SEEDS,
    target: Target = None,
    most_rounds: MostRounds = MOST_ROUNDS,
    clients: Clients = CLIENTS,
    changes: Changes = None,
    seed: Seed = None,
    data: Data = None,
    stored: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Read stored runs again, at another --target, without training."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to save the rounds.")] = Path("rounds.json"),
    picture: Picture = None,
    as_json: Json = False,
) -> ExitCode:
    """Train at several ranks with several seeds and fit the rounds that each rank needs to a target loss.

    rasolve solve fedsllm --set rounds=FILE solves with them. An interrupt (Ctrl-C) fits the ranks that are complete.
    """
    asked, missing = ranks_of(ranks), []
    if stored is not None:
        known = Rounds.load(stored)
        found = known if target is None else retarget(known, target)
    else:
        problem = trained_problem(model, clients, seed, changes or [])
        wait_patiently()
        with progress.trainings(quiet=as_json) as callback:
            found = fit_rounds(
                problem,
                asked,
                seeds=seeds,
                target=target,
                most_rounds=most_rounds,
                data=data,
                callback=callback,
            )
        missing = [rank for rank in asked if rank not in _trained(found)]
    found.save(out)
    if picture is not None:
        plots.rounds_by_rank(found, picture)
    if as_json:
        show_json({**_fields(found), "missing": missing})
    else:
        interrupted = f"interrupted before rank {', '.join(map(str, missing))} had two runs\n" if missing else ""
        show(f"{table(found)}\n{interrupted}saved {out}")
    return ExitCode.DONE


def table(found: Rounds) -> str:
    """Return fitted rounds as text: what they are, then a line for each rank, also for those without a value."""
    if found.evidence is None:
        return "\n".join([str(found), *(f"  rank {rank}: {found.said(rank)}" for rank in found.table)])
    e = found.evidence
    rows: list[tuple[str, ...]] = [("rank", "rounds", f"{100 * e.level:g} % interval", "one more run", "reached")]
    for rank in found.table:
        spans = [f"{low:.4g} to {high:.4g}" for low, high in _spans(e, rank)]
        rows.append((str(rank), f"{found(rank):.4g}", *spans, _reached(e, rank)))
    rows += [(str(rank), f"over {limit:.4g}", "-", "-", _reached(e, rank)) for rank, limit in e.unreached.items()]
    return "\n".join([str(found), *aligned(rows)])


def _trained(found: Rounds) -> set[int]:
    """Return the ranks that were trained."""
    return set() if found.evidence is None else {run.rank for run in found.evidence.runs}


def _spans(evidence: Evidence, rank: int) -> list[tuple[float, float]]:
    return [(evidence.low[rank], evidence.high[rank]), (evidence.run_low[rank], evidence.run_high[rank])]


def _reached(evidence: Evidence, rank: int) -> str:
    """Return how many of a rank's runs reached the target."""
    own = [c for run, c in zip(evidence.runs, evidence.crossings(), strict=True) if run.rank == rank]
    return f"{sum(crossing.reached for crossing in own)} of {len(own)} runs"


def _fields(found: Rounds) -> dict[str, object]:
    """Return the fit for JSON, without the losses behind it, which the file has."""
    e = found.evidence
    told: dict[str, object] = {"model": found.model, "source": found.source, "rounds": found.table}
    if e is None:
        return told
    runs = [
        {"rank": run.rank, "seed": run.seed, "cut": run.cut, "rounds": c.rounds, "reached": c.reached}
        for run, c in zip(e.runs, e.crossings(), strict=True)
    ]
    intervals = {rank: [e.low[rank], e.high[rank]] for rank in found.table}
    one_run = {rank: [e.run_low[rank], e.run_high[rank]] for rank in found.table}
    return {**told, "target": e.target, "level": e.level, "interval": intervals, "one_more_run": one_run, "runs": runs}


def _described(model: TimeModel) -> str:
    return f"{model}\nmedian error over its own {len(model.names)} pieces: {100 * model.typical_error:.2g} %"
