"""`Blocks`: a decision in named blocks, each of which is a form once the others are fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rasolve.forms.formulation import Form, Formulation
from rasolve.forms.starts import record


@dataclass(frozen=True, eq=False)
class Block:
    """A block: its name, its formulation at a given point (lifting to a whole new point) and its solver's name."""

    name: str
    formulate: Callable[[Any], Formulation]
    solver: str = "auto"


@dataclass(frozen=True, eq=False)
class Blocks(Form):
    """min of ``objective(point)``, approached block by block from ``start``; ``bound`` is a lower bound, or -inf.

    A point is whatever the blocks lift to; ``objective`` returns inf where it is infeasible.
    """

    name: ClassVar[str] = "Blocks"
    says: ClassVar[str] = "named blocks, each formulated with the others fixed"

    blocks: tuple[Block, ...]
    objective: Callable[[Any], float]
    start: Any = field(repr=False)
    bound: float = float("-inf")

    def judge(self, value: Any) -> float:
        """Return the objective of a point."""
        return self.objective(value)

    def as_start(self, value: Any) -> Any:
        return record(value, type(self.start))
