"""Seconds of a piece of work on one machine, against its floating-point operations and the bytes that it touches."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.numerics import FloatArray

LEVEL = 0.9
"""Share of pieces that the interval is to hold."""

LEAST_PIECES = 20
"""Pieces below which a quantile of the residuals at LEVEL says nothing (ours)."""


class Machine(Document):
    """What the times were taken on, as far as it changes them; nothing that names the machine."""

    kind: ClassVar[str] = "machine"

    processors: int = Field(ge=1)
    threads: int = Field(ge=1)
    torch: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.threads} of {self.processors} processors, torch {self.torch}, {self.dtype}"


class TimeModel(Document):
    """seconds = calls·overhead + FLOPs·seconds_per_flop + bytes·seconds_per_byte, with the P pieces of work behind it.

    ``low_ratio`` and ``high_ratio`` are the prediction interval, relative to the prediction: a further piece of work,
    timed like these, falls into it with probability ``level`` while the machine is as busy as it was. ``calls`` [P]
    (operations that each piece consists of), ``flops`` [P], ``bytes`` [P] and ``seconds`` [P, R] (R timings of each)
    are the data; ``names`` [P] say what was timed.
    """

    kind: ClassVar[str] = "time"

    overhead_s: float = Field(ge=0)
    seconds_per_flop: float = Field(ge=0)
    seconds_per_byte: float = Field(ge=0)
    low_ratio: float = Field(gt=0)
    high_ratio: float = Field(gt=0)
    level: float = Field(gt=0, lt=1)
    machine: Machine
    names: tuple[str, ...]
    calls: Annotated[FloatArray, Array(("P",), at_least=0)]
    flops: Annotated[FloatArray, Array(("P",), at_least=0)]
    bytes: Annotated[FloatArray, Array(("P",), at_least=0)]
    seconds: Annotated[FloatArray, Array(("P", "R"), above=0)]

    def model_post_init(self, context: object) -> None:
        """Reject an empty interval, and pieces without a name."""
        super().model_post_init(context)
        if self.low_ratio > self.high_ratio:
            raise InputError(f"low_ratio = {self.low_ratio:g}: must be at most high_ratio = {self.high_ratio:g}")
        if len(self.names) != self.dimension("P"):
            raise InputError(f"names has {len(self.names)} entries, but [P] is {self.dimension('P')} elsewhere")

    def __call__(self, calls: float, flops: float, bytes: float) -> float:
        """Return the seconds of work of these calls, FLOPs and bytes; several pieces add up."""
        return calls * self.overhead_s + flops * self.seconds_per_flop + bytes * self.seconds_per_byte

    def interval(self, calls: float, flops: float, bytes: float) -> tuple[float, float]:
        """Return the prediction interval of the seconds; for many pieces together it is wider than it need be."""
        seconds = self(calls, flops, bytes)
        return seconds * self.low_ratio, seconds * self.high_ratio

    @property
    def predicted(self) -> FloatArray:
        """Seconds [P] that the model gives for its own pieces."""
        return _terms(self.calls, self.flops, self.bytes) @ [
            self.overhead_s,
            self.seconds_per_flop,
            self.seconds_per_byte,
        ]

    @property
    def typical_error(self) -> float:
        """Median over its own pieces of |predicted - measured| / measured, with the median of each piece's timings."""
        measured = np.median(self.seconds, axis=1)
        return float(np.median(np.abs(self.predicted / measured - 1)))

    def __str__(self) -> str:
        def rate(seconds: float, unit: str) -> str:
            return f"{1e-9 / seconds:.3g} G{unit}/s" if seconds else f"no limit by {unit}"

        return (
            f"time fitted on {self.machine}: {1e6 * self.overhead_s:.3g} us a call, "
            f"{rate(self.seconds_per_flop, 'FLOP')}, {rate(self.seconds_per_byte, 'B')}; "
            f"{100 * self.level:g} % of timings within {self.low_ratio:.2f} to {self.high_ratio:.2f} of the prediction"
        )


def time_model_of(
    names: tuple[str, ...],
    calls: FloatArray,
    flops: FloatArray,
    bytes: FloatArray,
    seconds: FloatArray,
    machine: Machine,
) -> TimeModel:
    """Return the time model of measured pieces: calls, FLOPs and bytes [P], seconds [P, R] of R timings each.

    Least absolute relative deviation, min Σ |measured - predicted| / measured over coefficients >= 0, as a linear
    program: one slow timing on a busy machine pulls no coefficient, and a piece of a microsecond counts as much as one
    of a second. The interval is from quantiles of measured / predicted where each piece is predicted by a fit without
    it (jackknife, Barber et al. 2021, with the finite-sample correction of conformal prediction). Raises InputError for
    too few pieces.
    """
    if len(flops) < LEAST_PIECES:
        raise InputError(f"{len(flops)} pieces were timed: at least {LEAST_PIECES} are needed")
    terms = _terms(calls, flops, bytes)
    coefficients = _least_relative_deviation(terms, seconds)
    ratios = np.empty_like(seconds)
    for piece in range(len(terms)):
        others = np.arange(len(terms)) != piece
        ratios[piece] = seconds[piece] / (terms[piece] @ _least_relative_deviation(terms[others], seconds[others]))
    low, high = _conformal(ratios.ravel())
    overhead, per_flop, per_byte = coefficients.tolist()
    return TimeModel(
        overhead_s=overhead,
        seconds_per_flop=per_flop,
        seconds_per_byte=per_byte,
        low_ratio=low,
        high_ratio=high,
        level=LEVEL,
        machine=machine,
        names=names,
        calls=calls,
        flops=flops,
        bytes=bytes,
        seconds=seconds,
    )


def _terms(calls: FloatArray, flops: FloatArray, bytes: FloatArray) -> FloatArray:
    """Return what the three coefficients multiply [P, 3]."""
    return np.stack([calls, flops, bytes], axis=1)


def _least_relative_deviation(terms: FloatArray, seconds: FloatArray) -> FloatArray:
    """Return coefficients [3] >= 0 with the least Σ |1 - terms·coefficients / seconds|, seconds [P, R]."""
    from scipy.optimize import linprog

    rows = np.repeat(terms, seconds.shape[1], axis=0) / seconds.reshape(-1, 1)
    scale = np.abs(rows).max(axis=0)
    count = len(rows)
    found = linprog(
        np.concatenate([np.zeros(3), np.ones(2 * count)]),
        A_eq=np.hstack([rows / scale, np.eye(count), -np.eye(count)]),
        b_eq=np.ones(count),
        method="highs",
    )
    return np.asarray(found.x[:3] / scale)


def _conformal(ratios: FloatArray) -> tuple[float, float]:
    """Return the ends of the central LEVEL of ratios [n], for one more of them: order statistics of n + 1."""
    ordered, n = np.sort(ratios), len(ratios)
    tail = (1 - LEVEL) / 2
    below = max(int(np.floor(tail * (n + 1))) - 1, 0)
    above = min(int(np.ceil((1 - tail) * (n + 1))) - 1, n - 1)
    return float(ordered[below]), float(ordered[above])
