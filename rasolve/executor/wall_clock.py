"""The wall-clock of a run beside what a time model predicts for it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from rasolve.documents import Document


class WallClock(Document):
    """Seconds of a run's steps but the first, which counts FLOPs and takes longer, measured and predicted.

    ``low`` to ``high`` is the time model's interval, at ``level``; ``machine`` is where that was fitted.
    """

    kind: ClassVar[str] = "wall_clock"

    steps: int = Field(ge=1)
    measured: float = Field(ge=0)
    predicted: float = Field(ge=0)
    low: float = Field(ge=0)
    high: float = Field(ge=0)
    level: float = Field(gt=0, lt=1)
    machine: str

    @property
    def within(self) -> bool:
        """Whether what was measured lies in the interval."""
        return self.low <= self.measured <= self.high

    def __str__(self) -> str:
        return (
            f"wall-clock of the last {self.steps} steps: {self.measured:.3g} s, predicted {self.predicted:.3g} s "
            f"({100 * self.level:g} % within {self.low:.3g} to {self.high:.3g} s) by times fitted on {self.machine}"
        )
