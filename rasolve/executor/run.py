"""Train by a plan and lay what it predicted beside what is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rasolve.errors import InputError, SolverUnavailable
from rasolve.executor.report import Report, Row
from rasolve.numerics import IntArray
from rasolve.plan import Plan, Quantity

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise SolverUnavailable("running a plan needs torch: install rasolve[executor]") from None

from rasolve.executor.data import load
from rasolve.executor.meters import Key
from rasolve.executor.models import DTYPES, build
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.reference import Unsplit
from rasolve.executor.work import wall_clock
from rasolve.scenario.workload import Transformer
from rasolve.surrogate_models.time import TimeModel

LEARNING_RATE = 1e-2
"""Adam's learning rate by default; LoRA on an untrained base bears a large one (ours, measured on generated text)."""


@dataclass(frozen=True)
class Step:
    """Progress after one local step: its number (from 1), the steps asked for, both losses, rounds completed."""

    number: int
    of: int
    loss: float
    reference_loss: float | None
    rounds: int


@dataclass(frozen=True)
class Done:
    """One completed step: its progress, the bits metered up to it, and how long the split training took."""

    progress: Step
    bits: Mapping[Key, int]
    seconds: float


def run(
    plan: Plan,
    steps: int = 20,
    *,
    data: str | Path | None = None,
    seed: int = 0,
    learning_rate: float = LEARNING_RATE,
    reference: bool = True,
    callback: Callable[[Step], object] | None = None,
    time_model: TimeModel | None = None,
) -> Report:
    """Train `steps` local steps by the plan and return the report.

    `data` is a CSV file with columns mr and ref; without it the text is generated. With `reference` the same training
    runs unsplit beside it, and its losses are the predicted ones. `callback` hears of every step and stops the training
    by returning True. With `time_model` the run's wall-clock stands beside its prediction. An interrupt returns the
    report of the steps that are complete, or passes on when there is none. Raises InputError when the plan cannot be
    run or an argument is out of range.
    """
    spec = _runnable(plan)
    _check_arguments(steps, seed, learning_rate)
    shards = load(spec, plan.data_sizes, data, seed)
    model = build(spec, DTYPES[plan.parameter_bits], seed)
    split = SplitFederated(plan, model, shards, seed, learning_rate)
    unsplit = Unsplit(plan, model, shards, seed, learning_rate) if reference else None

    done: list[Done] = []
    interrupted = False
    try:
        for number in range(1, steps + 1):
            start = time.perf_counter()
            loss = split.step()
            seconds = time.perf_counter() - start
            progress = Step(number, steps, loss, unsplit.step() if unsplit else None, split.rounds)
            done.append(Done(progress, dict(split.meter.bits), seconds))
            if callback is not None and callback(progress):
                break
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    return Report(
        problem=plan.problem,
        solver=plan.solver,
        protocol=plan.protocol,
        model=spec.name,
        batch_size=plan.batch_size,
        local_steps=plan.local_steps,
        cut=plan.cut,
        rank=plan.rank,
        rounds=done[-1].progress.rounds,
        rows=compare(plan, done[-1], split.meter.flops),
        loss=[each.progress.loss for each in done],
        reference_loss=[each.progress.reference_loss for each in done] if reference else None,
        data=shards.source,
        dtype=f"float{plan.parameter_bits}",
        seed=seed,
        learning_rate=learning_rate,
        wall_seconds=sum(each.seconds for each in done),
        wall_clock=wall_clock(plan, time_model, [each.seconds for each in done]) if time_model else None,
        interrupted=interrupted,
    )


def compare(plan: Plan, last: Done, flops_per_step: Mapping[Key, int]) -> tuple[Row, ...]:
    """Return predicted and measured bits and FLOPs by (party, stage) up to the last completed step.

    What the plan does not predict is 0 predicted; what was neither sent nor worked is 0 measured.
    """
    steps = last.progress.number
    times = {"step": steps, "round": last.progress.rounds}
    flops = {key: count * steps for key, count in flops_per_step.items()}
    measured: tuple[tuple[Quantity, Mapping[Key, int]], ...] = (("flops", flops), ("bits", last.bits))
    rows = []
    for quantity, found in measured:
        predicted: dict[Key, float] = {}
        for each in plan.predicted(quantity):
            key = each.party, each.stage
            predicted[key] = predicted.get(key, 0.0) + each.value * times[each.per]
        for party, stage in {**predicted, **found}:
            key = party, stage
            rows.append(
                Row(
                    party=party,
                    stage=stage,
                    quantity=quantity,
                    predicted=predicted.get(key, 0.0),
                    measured=found.get(key, 0),
                )
            )
    return tuple(rows)


def _runnable(plan: Plan) -> Transformer:
    """Return the plan's model, or raise InputError saying why the plan cannot be run."""
    if plan.model is None:
        raise InputError("the plan names no model which can be built: its profile is of no known architecture")
    if plan.parameter_bits not in DTYPES:
        raise InputError(f"parameter_bits = {plan.parameter_bits}: must be one of {', '.join(map(str, DTYPES))} to run")
    _common("cut", plan.cut)
    _common("rank", plan.rank)
    return plan.model


def _common(name: str, values: IntArray) -> None:
    if (values != values[0]).any():
        raise InputError(f"{name} = {values.tolist()}: must be the same for every client to run")


def _check_arguments(steps: int, seed: int, learning_rate: float) -> None:
    if steps < 1:
        raise InputError(f"steps = {steps}: must be at least 1")
    if seed < 0:
        raise InputError(f"seed = {seed}: must be at least 0")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate = {learning_rate}: must be finite and above 0")
