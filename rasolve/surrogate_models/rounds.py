"""Rounds to a target loss against LoRA rank: what turns the delay of a round into the delay of a training."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.surrogate_models.evidence import Evidence

MOST_ROUNDS = 1e12
"""More rounds than any training has; beyond is a slip."""


class Rounds(Document):
    """A table of the rounds E(r) that training needs at each LoRA rank r, which says where it comes from.

    ``source`` is ``placeholder`` (published shape, constants reconstructed), ``given`` (by the user) or ``fitted``
    (from executor runs of ``model``, which ``evidence`` holds; see `rasolve.surrogate_models.fitting`). Call it with a
    rank: fitted rounds are interpolated between ranks, log rounds over log rank (ours), the others know the ranks of
    their table alone. Any other rank raises InputError.
    """

    kind: ClassVar[str] = "rounds"

    table: dict[int, float] = Field(min_length=1)
    source: Literal["placeholder", "given", "fitted"] = "given"
    model: str
    evidence: Evidence | None = None

    @field_validator("table")
    @classmethod
    def _positive(cls, table: dict[int, float]) -> dict[int, float]:
        for rank, rounds in table.items():
            if rank < 1:
                raise ValueError(f"rank = {rank} must be at least 1")
            if rounds <= 0:
                raise ValueError(f"[{rank}] = {rounds:g} must be above 0")
            if rounds > MOST_ROUNDS:
                raise ValueError(f"[{rank}] = {rounds:g} must be at most {MOST_ROUNDS:g}")
        return dict(sorted(table.items()))

    def model_post_init(self, context: object) -> None:
        """Reject fitted rounds without the runs behind them, and an interval without its value."""
        super().model_post_init(context)
        if (self.source == "fitted") != (self.evidence is not None):
            raise InputError(f"{self.source} rounds {'need' if self.evidence is None else 'have no'} evidence")
        if self.evidence is None:
            return
        e = self.evidence
        for low, high in ((e.low, e.high), (e.run_low, e.run_high)):
            if not list(self.table) == sorted(low) == sorted(high):
                raise InputError("evidence must hold an interval for every rank of the table, and for no other")
            for rank, rounds in self.table.items():
                if not 0 < low[rank] <= rounds <= high[rank]:
                    raise InputError(f"evidence: {rounds:g} rounds at rank {rank} are outside their own interval")

    def __call__(self, rank: int) -> float:
        """Return the rounds to the target at `rank`."""
        return self._at(rank, self.table)

    def interval(self, rank: int) -> tuple[float, float] | None:
        """Return the confidence interval of the rounds at `rank`; None where nothing was measured."""
        if self.evidence is None:
            return None
        return self._at(rank, self.evidence.low), self._at(rank, self.evidence.high)

    def run_interval(self, rank: int) -> tuple[float, float] | None:
        """Return the interval in which one more run at `rank`, with a seed of its own, is predicted to end."""
        if self.evidence is None:
            return None
        return self._at(rank, self.evidence.run_low), self._at(rank, self.evidence.run_high)

    def said(self, rank: int) -> str:
        """Return the rounds at `rank` in words, with their interval where one is known."""
        interval = self.interval(rank)
        if interval is None or self.evidence is None:
            return f"{self(rank):.4g} rounds"
        return (
            f"{self(rank):.4g} rounds, {100 * self.evidence.level:g} % interval {interval[0]:.4g} to {interval[1]:.4g}"
        )

    def _at(self, rank: int, table: dict[int, float]) -> float:
        """Return a table's value at a rank, interpolated where that is allowed."""
        if rank in self.table:
            return table[rank]
        known = ", ".join(map(str, self.table))
        if self.evidence is None:
            raise InputError(f"rank = {rank} is not in the table of rounds; known ranks: {known}")
        if rank in self.evidence.unreached:
            limit = self.evidence.unreached[rank]
            raise InputError(f"rank = {rank} did not reach loss {self.evidence.target:g} in {limit:.4g} rounds")
        if not min(self.table) < rank < max(self.table):
            raise InputError(f"rank = {rank} is outside the fitted ranks {known}: no extrapolation")
        ranks = sorted(self.table)
        return float(np.exp(np.interp(np.log(rank), np.log(ranks), np.log([table[each] for each in ranks]))))

    def __str__(self) -> str:
        said = f"{self.source} rounds for {self.model}"
        if self.evidence is None:
            return said
        e = self.evidence
        return f"{said} to loss {e.target:.4g} ({len(e.runs)} runs, {e.seeds} seeds, {e.settings})"


def placeholder_rounds(model: str) -> Rounds:
    """Return the table to use until one is fitted, named a placeholder wherever it is shown (reconstructed)."""
    return Rounds(table={1: 130, 2: 112, 4: 100, 6: 97, 8: 95}, source="placeholder", model=model)
