"""Fit rounds to a target loss: train at every rank with several seeds, and read off when each run reached it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rasolve.errors import InputError
from rasolve.numerics import IntArray
from rasolve.plan import SplitFederatedPlan
from rasolve.problems.fedsllm import FedsLLM
from rasolve.solving import solve
from rasolve.surrogate_models.crossing import WINDOW_ROUNDS, loss_curve
from rasolve.surrogate_models.evidence import TrainingRun, TrainingSettings
from rasolve.surrogate_models.fitting import median_target, rounds_from_runs
from rasolve.surrogate_models.rounds import Rounds
from rasolve.surrogate_models.time import TimeModel

if TYPE_CHECKING:
    from rasolve.executor.report import Report
    from rasolve.executor.steps import Step

SEEDS = 3
MOST_ROUNDS = 40
"""Rounds of training after which a run that has not reached the target is censored (ours)."""


@dataclass(frozen=True)
class Training:
    """Where the measurements stand: the run (from 1), how many there are, its rank and seed, and its last step."""

    run: int
    of: int
    rank: int
    seed: int
    step: Step


Watch = Callable[[Training], object]


def fit_rounds(
    problem: FedsLLM,
    ranks: Sequence[int],
    *,
    seeds: int = SEEDS,
    target: float | None = None,
    most_rounds: int = MOST_ROUNDS,
    data: str | Path | None = None,
    callback: Watch | None = None,
) -> Rounds:
    """Return the rounds that a problem's model, clients, batch and local steps need at each rank, from real training.

    The cut is the problem's middle candidate. Without a `target` [nats] the lowest rank is trained first,
    for all of `most_rounds`, and the target is the loss that it is confirmed to reach with its median seed. Every
    other run ends when it is confirmed to have reached the target; one that does not is censored. An interrupt returns
    the fit of the ranks that have runs of at least two seeds, or passes on when there are none. Raises InputError for
    arguments out of range, and for a target that no run reaches or that half of them start below.
    """
    from rasolve.executor.start import LEARNING_RATE

    chosen = _checked(ranks, seeds, target, most_rounds)
    cut = problem.candidate_cuts[(len(problem.candidate_cuts) - 1) // 2]
    todo = [(chosen[0], seed) for seed in range(seeds)]
    todo += [(rank, seed) for seed in range(seeds) for rank in chosen[1:]]
    runs: list[TrainingRun] = []
    try:
        for number, (rank, seed) in enumerate(todo, start=1):
            if target is None and rank != chosen[0]:
                target = median_target(runs, problem.local_steps)
            heard = _tell(callback, number, len(todo), rank, seed)
            run, report = train_to(
                plan_at(problem, cut, rank), target, seed=seed, most_rounds=most_rounds, data=data, callback=heard
            )
            runs.append(run)
            said = report.data.partition(", seed")[0] if data is None else Path(data).name
    except KeyboardInterrupt:
        runs = [run for run in runs if sum(other.rank == run.rank for other in runs) > 1]
        if not runs:
            raise
    if target is None:
        target = median_target(runs, problem.local_steps)
    settings = TrainingSettings(
        clients=problem.clients,
        batch_size=problem.batch_size,
        local_steps=problem.local_steps,
        learning_rate=LEARNING_RATE,
        data=said,
    )
    return rounds_from_runs(runs, problem.profile.model, settings, target)


def plan_at(problem: FedsLLM, cut: int, rank: int) -> SplitFederatedPlan:
    """Return the plan of a problem at one cut and rank; raises InfeasibleError where there is none."""
    unknown = Rounds(table={rank: 1.0}, model=problem.profile.model)
    return cast(SplitFederatedPlan, solve(problem.replace(cuts=(cut,), ranks=(rank,), rounds=unknown)).plan())


def train_to(
    plan: SplitFederatedPlan,
    target: float | None,
    *,
    seed: int,
    most_rounds: int = MOST_ROUNDS,
    data: str | Path | None = None,
    callback: Callable[[Step], object] | None = None,
    time_model: TimeModel | None = None,
) -> tuple[TrainingRun, Report]:
    """Train by a plan until its loss is confirmed to have reached the target, for `most_rounds` at most.

    Returns the run and the executor's report of it; passes an interrupt on. Raises InputError for a plan of unequal
    cuts or ranks.
    """
    from rasolve.executor.run import run

    rank, cut = _common("rank", plan.rank), _common("cut", plan.cut)
    losses: list[float] = []

    def confirmed(step: Step) -> bool:
        losses.append(step.loss)
        if callback is not None:
            callback(step)
        at_end_of_round = step.number % plan.local_steps == 0 and step.rounds >= WINDOW_ROUNDS
        return target is not None and at_end_of_round and loss_curve(losses, plan.local_steps).confirms(target)

    report = run(
        plan,
        most_rounds * plan.local_steps,
        data=data,
        seed=seed,
        reference=False,
        callback=confirmed,
        time_model=time_model,
    )
    if report.interrupted:
        raise KeyboardInterrupt
    return TrainingRun(rank=rank, cut=cut, seed=seed, loss=report.loss), report


def _common(name: str, values: IntArray) -> int:
    """Return the one value that all clients share; raises InputError where they do not."""
    if (values != values[0]).any():
        raise InputError(f"{name} = {values.tolist()}: must be the same for every client to fit rounds")
    return int(values[0])


def _tell(callback: Watch | None, number: int, of: int, rank: int, seed: int) -> Callable[[Step], object] | None:
    if callback is None:
        return None
    return lambda step: callback(Training(number, of, rank, seed, step))


def _checked(ranks: Sequence[int], seeds: int, target: float | None, most_rounds: int) -> list[int]:
    """Return the ranks in order; raises InputError for arguments out of range."""
    chosen = sorted(set(ranks))
    if not chosen:
        raise InputError("ranks is empty: at least one is needed")
    if chosen[0] < 1:
        raise InputError(f"ranks holds {chosen[0]}: must be at least 1")
    if seeds < 2:
        raise InputError(f"seeds = {seeds}: must be at least 2, the interval is their spread")
    if most_rounds < 2 * WINDOW_ROUNDS:
        raise InputError(f"most_rounds = {most_rounds}: must be at least {2 * WINDOW_ROUNDS}")
    if target is not None and not target > 0:
        raise InputError(f"target = {target}: must be above 0")
    return chosen
