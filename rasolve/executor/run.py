"""Train by a plan and lay what it predicted beside what is measured."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rasolve.errors import InputError, SolverUnavailable
from rasolve.executor.report import Report
from rasolve.numerics import IntArray
from rasolve.plan import Plan

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise SolverUnavailable("running a plan needs torch: install rasolve[executor]") from None

from rasolve.executor import comparison
from rasolve.executor.data import load
from rasolve.executor.meters import Key
from rasolve.executor.models import DTYPES, build
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.reference import Unsplit
from rasolve.scenario.workload import Architecture

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
    """One completed step: its progress, what was metered up to it, and how long the split training took."""

    progress: Step
    bits: Counter[Key]
    wall: Mapping[Key, float]
    seconds: float


def run(
    plan: Plan,
    steps: int = 20,
    *,
    data: str | Path | None = None,
    seed: int = 0,
    learning_rate: float = LEARNING_RATE,
    reference: bool = True,
    callback: Callable[[Step], None] | None = None,
) -> Report:
    """Train `steps` local steps by the plan and return the report.

    A decoder trains on text: `data` is a CSV file with columns mr and ref; without it the text is generated. An image
    classifier trains on scikit-learn's digits. With `reference` the same training
    runs unsplit beside it, and its losses are the predicted ones. `callback` hears of every step. An interrupt returns
    the report of the steps that are complete, or passes on when there is none. Raises InputError when the plan cannot
    be run or an argument is out of range.
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
            done.append(Done(progress, split.meter.bits.copy(), dict(split.meter.seconds), seconds))
            if callback is not None:
                callback(progress)
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    first, last, taken, rounds = done[0], done[-1], len(done), done[-1].progress.rounds
    flops = {key: each * taken for key, each in split.meter.flops.items()}
    undisturbed = {key: each * (taken - 1) for key, each in split.meter.flops.items()}
    later = {key: each - first.wall.get(key, 0.0) for key, each in last.wall.items()} if taken > 1 else {}
    memory = {party: ledger.peak for party, ledger in split.meter.memory.items()}
    return Report(
        problem=plan.problem,
        solver=plan.solver,
        protocol=plan.protocol,
        model=spec.name,
        batch_size=plan.batch_size,
        local_steps=plan.local_steps,
        cut=plan.cut,
        rank=plan.rank,
        rounds=rounds,
        rows=comparison.rows(plan, taken, rounds, flops, last.bits, memory),
        delays=comparison.delays(plan, taken, rounds, comparison.simulated(plan, flops, last.bits)),
        wall=comparison.wall(later, undisturbed, last.bits - first.bits),
        loss=[each.progress.loss for each in done],
        reference_loss=[each.progress.reference_loss for each in done] if reference else None,
        data=shards.source,
        dtype=f"float{plan.parameter_bits}",
        seed=seed,
        learning_rate=learning_rate,
        wall_seconds=sum(each.seconds for each in done),
        interrupted=interrupted,
    )


def _runnable(plan: Plan) -> Architecture:
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
