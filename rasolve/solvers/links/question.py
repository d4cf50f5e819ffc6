"""Whether a deadline can be met: the question that `deadline_mip` asks again and again, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasolve.numerics import IntArray

NOTHING = float("-inf")
"""The bound of an answer that refutes nothing."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Owners [M] that meet the deadline or come close, if any; the latest deadline refuted; what to remember."""

    owner: IntArray | None = None
    refuted: float = NOTHING
    memory: Any = None

    def decided(self, deadline: float) -> bool:
        """Return whether owners were found or the deadline is refuted."""
        return self.owner is not None or self.refuted >= deadline
