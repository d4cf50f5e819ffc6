"""Train by a plan and lay what it predicted beside what is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rasolve.errors import InputError, SolverUnavailable, is_real, whole_number
from rasolve.executor.report import Report
from rasolve.numerics import IntArray
from rasolve.plan import DagPlan, Plan, SplitFederatedPlan, SplitSequentialPlan, TurnSource

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise SolverUnavailable("running a plan needs torch: install rasolve[executor]") from None

from rasolve.executor import comparison
from rasolve.executor.identity import identity
from rasolve.executor.start import start
from rasolve.executor.steps import Done, Step, add, losses
from rasolve.executor.wall_clock import WallClock
from rasolve.executor.work import wall_clock
from rasolve.surrogate_models.time import TimeModel

if TYPE_CHECKING:
    from torch import Tensor, nn

LARGEST_LEARNING_RATE = 10.0
"""Beyond it Adam's first step, of the rate's own size, already throws every weight out of all proportion (ours)."""


def run(
    plan: Plan | TurnSource,
    steps: int = 20,
    *,
    data: str | Path | tuple[Tensor | tuple[Tensor, ...], Tensor] | None = None,
    module: nn.Module | None = None,
    seed: int = 0,
    learning_rate: float | None = None,
    reference: bool = True,
    callback: Callable[[Step], object] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    time_model: TimeModel | None = None,
) -> Report:
    """Train `steps` local steps by the plan and return the report.

    In the place of a plan there may be a source of turns, such as a policy that runs (`rasolve.online.OnlineTurns`):
    it decides every turn when that comes and learns what it spent. Turns go on from the first after the last.

    A decoder trains on text: `data` is a CSV file with columns mr and ref; without it the text is generated. An image
    classifier trains on scikit-learn's digits. A plan of layers may be of a `module` of one's own, the one that was
    traced; `data` are then its samples, (inputs, labels), and it stays as it is. Without a `learning_rate` the
    protocol's own is taken. With `reference` the same training runs unsplit beside it, and its losses are the predicted
    ones. `callback` hears of every step and stops the training by returning True. With `time_model` the wall-clock of
    split federated training stands beside its prediction. An interrupt returns the report of the steps that are
    complete, or passes on when there is none.

    With `checkpoint`, a directory, the run can be taken up again after it died: every `checkpoint_every` steps, and
    after the last, all that determines its future is written there. `resume` continues from there, to the same losses
    as if nothing had happened; `steps` still counts from the beginning. A checkpoint is overwritten only by its own
    run. Raises InputError when the plan cannot be run or needs more memory than the machine has, an
    argument is out of range, or the checkpoint is missing, damaged or of another run; SolverUnavailable when
    checkpoints are asked for without safetensors.
    """
    if not (isinstance(plan, Plan) or all(hasattr(plan, name) for name in ("devices", "decide", "learn"))):
        raise InputError("a plan is needed: ra.Plan.load(...) or result.plan(), or ra.OnlineTurns(problem, policy)")
    steps, seed = whole_number("steps", steps, 1), whole_number("seed", seed, 0)
    checkpoint_every = whole_number("checkpoint_every", checkpoint_every, 1)
    if learning_rate is not None:
        _check_learning_rate(learning_rate)
    _check_checkpoint(checkpoint, checkpoint_every, resume)
    if time_model is not None and not isinstance(plan, SplitFederatedPlan):
        protocol = plan.protocol if isinstance(plan, Plan) else "split_sequential"
        raise InputError(f"time_model: predicts split federated training, not the protocol {protocol}")
    if checkpoint is not None and not isinstance(plan, Plan):
        raise InputError("checkpoint: a policy's turns are not recorded, save its queues and the report instead")
    begun = start(plan, data, module, seed, learning_rate, reference)
    split, unsplit = begun.split, begun.unsplit

    done: list[Done] = []
    recorder = None
    if checkpoint is not None:
        from rasolve.executor.recorder import Recorder

        assert isinstance(plan, Plan)
        this = identity(plan, begun.model, begun.data, seed, begun.learning_rate, reference)
        recorder = Recorder(Path(checkpoint), this, begun.data.source, split, unsplit)
        if resume:
            done = recorder.resume(steps)
        else:
            recorder.begin()
    interrupted = False
    try:
        for number in range(len(done) + 1, steps + 1):
            began = time.perf_counter()
            step_loss = split.step()
            seconds = time.perf_counter() - began
            progress = Step(number, steps, step_loss, unsplit.step() if unsplit else None, split.rounds)
            add(done, Done(progress, split.meter.bits.copy(), dict(split.meter.seconds), seconds))
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
    plan = split.plan
    flops = {key: each * plan.occurrences(*key, taken) for key, each in split.meter.flops.items()}
    undisturbed = {key: each * (taken - 1) for key, each in split.meter.flops.items()}
    alike = taken > 1 and not isinstance(plan, SplitSequentialPlan)
    later = {key: each - first.wall.get(key, 0.0) for key, each in last.wall.items()} if alike else {}
    bits_later = {key: each - first.bits.get(key, 0) for key, each in last.bits.items()}
    memory = {party: ledger.peak for party, ledger in split.meter.memory.items()}
    return Report(
        problem=plan.problem,
        solver=plan.solver,
        protocol=plan.protocol,
        model=begun.name,
        batch_size=plan.batch_size,
        local_steps=plan.local_steps,
        **_split_of(plan),
        rounds=rounds,
        rows=comparison.rows(plan, taken, flops, last.bits, memory),
        delays=comparison.delays(plan, taken, rounds, comparison.simulated(plan, flops, last.bits)),
        wall=comparison.wall(later, undisturbed, bits_later),
        loss=loss,
        reference_loss=reference_loss,
        data=begun.data.source,
        dtype=f"float{plan.parameter_bits}",
        seed=seed,
        learning_rate=begun.learning_rate,
        wall_seconds=sum(each.seconds for each in done),
        wall_clock=_wall_clock(plan, time_model, [each.seconds for each in done]),
        interrupted=interrupted,
    )


def _split_of(plan: Plan) -> dict[str, IntArray]:
    """Return how the plan splits the model, as the report says it."""
    if isinstance(plan, SplitFederatedPlan):
        return {"cut": plan.cut, "rank": plan.rank}
    if isinstance(plan, SplitSequentialPlan):
        return {"cut": plan.cut, "rank": plan.rank, "device": plan.device}
    return {"tier": plan.tier} if isinstance(plan, DagPlan) else {}


def _wall_clock(plan: Plan, model: TimeModel | None, seconds: list[float]) -> WallClock | None:
    if model is None or not isinstance(plan, SplitFederatedPlan):
        return None
    return wall_clock(plan, model, seconds)


def _check_learning_rate(rate: float) -> None:
    if not (is_real(rate) and 0 < rate < math.inf):
        raise InputError(f"learning_rate = {rate!r}: must be finite and above 0")
    if rate > LARGEST_LEARNING_RATE:
        raise InputError(f"learning_rate = {rate!r}: must be at most {LARGEST_LEARNING_RATE:g}")


def _check_checkpoint(checkpoint: str | Path | None, every: int, resume: bool) -> None:
    if checkpoint is None and (resume or every > 1):
        name = "resume" if resume else "checkpoint_every"
        raise InputError(f"{name} needs checkpoint, the directory of the checkpoints")
