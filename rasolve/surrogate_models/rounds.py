"""Rounds to a target loss against LoRA rank: what turns the delay of a round into the delay of a training."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from rasolve.documents import Document
from rasolve.errors import InputError


class Rounds(Document):
    """A table of the rounds E(r) that training needs at each LoRA rank r, which says where it comes from.

    ``source`` is ``placeholder`` (published shape, constants reconstructed), ``given`` (by the user) or ``fitted``
    (from executor runs of ``model``). Call it with a rank; a rank outside the table raises InputError.
    """

    kind: ClassVar[str] = "rounds"

    table: dict[int, float] = Field(min_length=1)
    source: Literal["placeholder", "given", "fitted"] = "given"
    model: str

    @field_validator("table")
    @classmethod
    def _positive(cls, table: dict[int, float]) -> dict[int, float]:
        for rank, rounds in table.items():
            if rank < 1:
                raise ValueError(f"rank = {rank} must be at least 1")
            if rounds <= 0:
                raise ValueError(f"[{rank}] = {rounds:g} must be above 0")
        return dict(sorted(table.items()))

    def __call__(self, rank: int) -> float:
        """Return the rounds to the target at `rank`."""
        if rank not in self.table:
            known = ", ".join(map(str, self.table))
            raise InputError(f"rank = {rank} is not in the table of rounds; known ranks: {known}")
        return self.table[rank]

    def __str__(self) -> str:
        return f"{self.source} rounds for {self.model}"


def placeholder_rounds(model: str) -> Rounds:
    """Return the table to use until one is fitted, named a placeholder wherever it is shown (reconstructed)."""
    return Rounds(table={1: 130, 2: 112, 4: 100, 6: 97, 8: 95}, source="placeholder", model=model)
