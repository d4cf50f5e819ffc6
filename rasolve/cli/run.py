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
from rasolve.cli.targets import is_file, problem_of
from rasolve.cli.threads import wait_patiently
from rasolve.errors import InputError
from rasolve.online import OnlinePolicy, OnlineTurns
from rasolve.plan import Plan
from rasolve.problems import Problem, problems
from rasolve.surrogate_models.time import TimeModel


def run(
    plan: Annotated[str, typer.Argument(help="A plan, as saved by rasolve solve --out; a problem with --online.")],
    steps: Annotated[int, typer.Option(help="Local steps to train.")] = 20,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with columns mr and ref; generated text without it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, text and mini-batches (and of a sample).")] = 0,
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
    online: Annotated[
        float | None,
        typer.Option(metavar="V", help="Decide every slot of a problem when it comes, by drift plus penalty."),
    ] = None,
    queues: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the policy goes on from, and leaves its queues."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save the report.")] = None,
    timeline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to draw a round, predicted and measured.")
    ] = None,
    as_json: Json = False,
) -> ExitCode:
    """Train by a plan and print predicted beside measured.

    An interrupt (Ctrl-C) reports the steps that are complete. With --checkpoint a run that died can be continued by
    --resume, to the same losses. With --online a policy learns after every slot what that really took.
    """
    if queues is not None and online is None:
        raise InputError("queues: belong to a policy, use --online")
    instructions: Plan | OnlineTurns
    if online is None:
        instructions, policy = _stored(plan), None
    else:
        problem, policy = _policy(plan, online, queues, seed)
        instructions = OnlineTurns(problem, policy, "drift_plus_penalty", policy.queues.slots)
    time_model = None if times is None else TimeModel.load(times)
    if policy is not None and queues is not None:
        policy.queues.save(queues)
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
    if policy is not None and queues is not None:
        policy.queues.save(queues)
    if out is not None:
        report.save(out)
    if timeline is not None:
        plots.timeline(report, timeline)
    show(report.to_json() if as_json else str(report))
    return ExitCode.DONE


def _stored(target: str) -> Plan:
    if target in problems():
        raise InputError(f"{target} is a problem: rasolve solve {target} --out plan.json makes a plan of it")
    return Plan.load(target)


def _policy(target: str, v: float, queues: Path | None, seed: int) -> tuple[Problem, OnlinePolicy]:
    """Return a problem and its policy, whose queues go on where a file has them."""
    problem = problem_of(target, None if is_file(target) else seed, [])
    if queues is not None and queues.exists():
        return problem, OnlinePolicy.resume(queues, problem, v)
    return problem, OnlinePolicy.of(problem, v)
