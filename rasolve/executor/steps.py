"""What a run has done, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasolve.executor.meters import Key


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


def losses(done: Sequence[Done]) -> tuple[list[float], list[float] | None]:
    """Return the losses of the steps done and, where there is a reference, its losses."""
    reference = [each.progress.reference_loss for each in done if each.progress.reference_loss is not None]
    return [each.progress.loss for each in done], reference or None
