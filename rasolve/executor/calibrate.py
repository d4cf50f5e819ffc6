"""Time small training steps on this machine, through the executor's own layers, links and optimizer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rasolve.errors import InputError, SolverUnavailable
from rasolve.numerics import FloatArray

try:
    import torch
except ModuleNotFoundError:
    raise SolverUnavailable("timing work needs torch: install rasolve[executor]") from None

from torch import nn

from rasolve.executor.links import Link
from rasolve.executor.lora import adapt
from rasolve.executor.meters import Meter
from rasolve.executor.models import DTYPES, build
from rasolve.executor.optimizer import Adapters
from rasolve.executor.work import Work, loss_of, message, there_and_back, update
from rasolve.plan import Stage
from rasolve.scenario.workload import Transformer
from rasolve.surrogate_models.time import Machine

WIDTHS = (32, 64, 128, 256)
BATCHES = (1, 2, 4, 8, 16)
RANK = 4
TOKENS = 64
VOCABULARY = 128
"""Sizes of the timed models: a step of the smallest is a thousandth of a step of the largest (ours)."""

WARM_UP = 1
"""Timings of each piece that are thrown away: the first call of anything is slow."""

LEAST_SECONDS = 0.05
"""A piece is repeated for that long and the mean is its timing. A busy machine deals out its processors in slices of
milliseconds, of which a single short step mostly sees nothing and a long one everything (ours)."""


@dataclass(frozen=True)
class Piece:
    """One piece: its name, what it comes to, and the call that does it once."""

    name: str
    work: Work
    do: Callable[[], object]


@dataclass(frozen=True, eq=False)
class Timings:
    """Seconds [P, R] of P pieces timed R times, with their calls [P], FLOPs [P] and bytes [P]."""

    names: tuple[str, ...]
    calls: FloatArray
    flops: FloatArray
    bytes: FloatArray
    seconds: FloatArray


def machine(parameter_bits: int = 32) -> Machine:
    """Return the machine as it is now."""
    return Machine(
        processors=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        torch=torch.__version__.partition("+")[0],
        dtype=f"float{parameter_bits}",
    )


def timings(
    repeats: int,
    parameter_bits: int = 32,
    widths: tuple[int, ...] = WIDTHS,
    batches: tuple[int, ...] = BATCHES,
    callback: Callable[[int, int], object] | None = None,
) -> Timings:
    """Return the timings of local steps of one-block models of several widths and batches.

    All are timed once, then all again: a busy spell of the machine hits every size, not one. `callback` hears of every
    timing, its number and how many there will be. Raises InputError for fewer than two repeats.
    """
    if repeats < 2:
        raise InputError(f"repeats = {repeats}: must be at least 2")
    pieces = [small_step(width, batch, parameter_bits) for width in widths for batch in batches]
    seconds = np.empty((len(pieces), WARM_UP + repeats))
    for turn in range(WARM_UP + repeats):
        for i, piece in enumerate(pieces):
            seconds[i, turn] = _mean_seconds(piece)
            if callback is not None:
                callback(turn * len(pieces) + i + 1, seconds.size)
    return Timings(
        names=tuple(piece.name for piece in pieces),
        calls=np.array([piece.work.calls for piece in pieces]),
        flops=np.array([piece.work.flops for piece in pieces]),
        bytes=np.array([piece.work.bytes for piece in pieces]),
        seconds=seconds[:, WARM_UP:],
    )


def _mean_seconds(piece: Piece) -> float:
    """Return the mean time of a piece, done again and again for LEAST_SECONDS."""
    start, times = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < LEAST_SECONDS or not times:
        piece.do()
        times += 1
    return spent / times


def small_step(width: int, batch: int, parameter_bits: int) -> Piece:
    """Return a local step of one client and one server, split before the head of a model of one block."""
    spec = Transformer(name="timed", blocks=2, width=width, heads=4, tokens=TOKENS, vocabulary=VOCABULARY)
    dtype = DTYPES[parameter_bits]
    model = adapt(build(spec, dtype, seed=0), [RANK] * spec.blocks, seed=0)
    block = model.block_list()[1]
    x = torch.randn(batch, TOKENS, width, dtype=dtype, generator=torch.Generator().manual_seed(0))
    loss = loss_of(model.head, torch.zeros(batch, TOKENS, dtype=torch.int64))
    half = nn.Sequential(block)
    adapters, link = Adapters(half, learning_rate=1e-2), Link("client 1", Meter(), label_bytes=1)

    def step() -> None:
        out = block(x.detach().requires_grad_())
        arrived = link.send(Stage.ACTIVATIONS, out).requires_grad_()
        torch.autograd.backward(loss(arrived))
        assert arrived.grad is not None
        torch.autograd.backward(out, link.send(Stage.GRADIENTS, arrived.grad))
        adapters.collect()
        adapters.update()

    works = [*there_and_back(block, x), *there_and_back(loss, x), message(x.nbytes) * 2, update(half)]
    for factor in adapters.factors:
        factor.grad = None
    return Piece(f"width {width}, batch {batch}", sum(works, start=Work()), step)
