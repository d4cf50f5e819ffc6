"""What a run drives, whatever the protocol: a split training and, beside it, the same training unsplit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from rasolve.executor.meters import Meter
from rasolve.plan import Plan


class Training(Protocol):
    """A training between parties, metered, which can be put back to an earlier state."""

    @property
    def plan(self) -> Plan:
        """What it trains by."""

    @property
    def meter(self) -> Meter:
        """What its parties spend."""

    @property
    def rounds(self) -> int:
        """Rounds completed."""

    def step(self) -> float:
        """Train one local step and return the loss before it."""

    def state(self) -> dict[str, Tensor]:
        """Return all that changes, as it stands between two steps."""

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""


class Reference(Protocol):
    """The same training without a split."""

    def step(self) -> float:
        """Train one local step and return the loss before it."""

    def state(self) -> dict[str, Tensor]:
        """Return all that changes, as it stands between two steps."""

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""


class Data(Protocol):
    """Samples of all parties: inputs and labels, and where they come from."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs of all samples."""

    @property
    def labels(self) -> tuple[Tensor, ...]:
        """The labels of all samples."""

    @property
    def source(self) -> str:
        """Where they come from."""
