"""Train by a plan and lay what it predicted beside what is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from rasolve.errors import InputError, SolverUnavailable, is_real, whole_number
from rasolve.executor.report import Report
from rasolve.plan import Plan, SplitFederatedPlan

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise SolverUnavailable("running a plan needs torch: install rasolve[executor]") from None

from rasolve.executor import comparison
from rasolve.executor.data import load
from rasolve.executor.identity import identity
from rasolve.executor.models import DTYPES, build
from rasolve.executor.need import shortage
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.reference import Unsplit
from rasolve.executor.steps import Done, Step, losses
from rasolve.executor.work import wall_clock
from rasolve.scenario.workload import Architecture
from rasolve.surrogate_models.time import TimeModel

LEARNING_RATE = 1e-2
"""Adam's learning rate by default; LoRA on an untrained base bears a large one (ours, measured on generated text)."""

LARGEST_LEARNING_RATE = 10.0
"""Beyond it Adam's first step, of the rate's own size, already throws every factor out of all proportion (ours)."""


def run(
    plan: Plan,
    steps: int = 20,
    *,
    data: str | Path | None = None,
    seed: int = 0,
    learning_rate: float = LEARNING_RATE,
    reference: bool = True,
    callback: Callable[[Step], object] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    time_model: TimeModel | None = None,
) -> Report:
    """Train `steps` local steps by the plan and return the report.

    A decoder trains on text: `data` is a CSV file with columns mr and ref; without it the text is generated. An image
    classifier trains on scikit-learn's digits. With `reference` the same training runs unsplit beside it, and its
    losses are the predicted ones. `callback` hears of every step and stops the training by returning True. With
    `time_model` the wall-clock stands beside its prediction. An interrupt returns the report of the steps that are
    complete, or passes on when there is none.

    With `checkpoint`, a directory, the run can be taken up again after it died: every `checkpoint_every` steps, and
    after the last, all that determines its future is written there. `resume` continues from there, to the same losses
    as if nothing had happened; `steps` still counts from the beginning. A checkpoint is overwritten only by its own
    run. Raises InputError when the plan cannot be run or needs more memory than the machine has, an
    argument is out of range, or the checkpoint is missing, damaged or of another run; SolverUnavailable when
    checkpoints are asked for without safetensors.
    """
    spec = _runnable(plan)
    assert isinstance(plan, SplitFederatedPlan)
    steps, seed = whole_number("steps", steps, 1), whole_number("seed", seed, 0)
    checkpoint_every = whole_number("checkpoint_every", checkpoint_every, 1)
    _check_learning_rate(learning_rate)
    _check_checkpoint(checkpoint, checkpoint_every, resume)
    if (short := shortage(plan, data is None, reference)) is not None:
        raise InputError(short)
    shards = load(spec, plan.data_sizes, data, seed)
    model = build(spec, DTYPES[plan.parameter_bits], seed)
    split = SplitFederated(plan, model, shards, seed, learning_rate)
    unsplit = Unsplit(plan, model, shards, seed, learning_rate) if reference else None

    done: list[Done] = []
    recorder = None
    if checkpoint is not None:
        from rasolve.executor.recorder import Recorder

        this = identity(plan, model, shards, seed, learning_rate, reference)
        recorder = Recorder(Path(checkpoint), this, shards.source, split, unsplit)
        if resume:
            done = recorder.resume(steps)
        else:
            recorder.begin()
    interrupted = False
    try:
        for number in range(len(done) + 1, steps + 1):
            start = time.perf_counter()
            step_loss = split.step()
            seconds = time.perf_counter() - start
            progress = Step(number, steps, step_loss, unsplit.step() if unsplit else None, split.rounds)
            done.append(Done(progress, split.meter.bits.copy(), dict(split.meter.seconds), seconds))
            if recorder is not None and (number % checkpoint_every == 0 or number == steps):
                recorder.save(done)
            if callback is not None and callback(progress):
                if recorder is not None:
                    recorder.save(done)
                break
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    loss, reference_loss = losses(done)
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
        loss=loss,
        reference_loss=reference_loss,
        data=shards.source,
        dtype=f"float{plan.parameter_bits}",
        seed=seed,
        learning_rate=learning_rate,
        wall_seconds=sum(each.seconds for each in done),
        wall_clock=wall_clock(plan, time_model, [each.seconds for each in done]) if time_model else None,
        interrupted=interrupted,
    )


def _runnable(plan: object) -> Architecture:
    """Return the plan's model, or raise InputError saying why the plan cannot be run."""
    if not isinstance(plan, Plan):
        raise InputError("a plan is needed: ra.Plan.load(...) or result.plan()")
    if plan.obstacle is not None:
        raise InputError(plan.obstacle)
    if not isinstance(plan, SplitFederatedPlan):
        raise InputError(f"protocol = {plan.protocol}: must be split_federated to run")
    assert plan.model is not None
    return plan.model


def _check_learning_rate(rate: float) -> None:
    if not (is_real(rate) and 0 < rate < math.inf):
        raise InputError(f"learning_rate = {rate!r}: must be finite and above 0")
    if rate > LARGEST_LEARNING_RATE:
        raise InputError(f"learning_rate = {rate!r}: must be at most {LARGEST_LEARNING_RATE:g}")


def _check_checkpoint(checkpoint: str | Path | None, every: int, resume: bool) -> None:
    if checkpoint is None and (resume or every > 1):
        name = "resume" if resume else "checkpoint_every"
        raise InputError(f"{name} needs checkpoint, the directory of the checkpoints")
