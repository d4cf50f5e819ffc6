"""What a run has done, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
    """One completed step: its progress, how long the split training took, and what was metered up to it.

    Only the first and the last step of a run keep what was metered: with many clients that is large.
    """

    progress: Step
    bits: Mapping[Key, int]
    wall: Mapping[Key, float]
    seconds: float


def add(done: list[Done], step: Done) -> None:
    """Add a step to those done, and let go of what was metered up to the one before it, unless that was the first."""
    if len(done) > 1:
        done[-1] = replace(done[-1], bits={}, wall={})
    done.append(step)


def losses(done: Sequence[Done]) -> tuple[list[float], list[float] | None]:
    """Return the losses of the steps done and, where there is a reference, its losses."""
    reference = [each.progress.reference_loss for each in done if each.progress.reference_loss is not None]
    return [each.progress.loss for each in done], reference or None
