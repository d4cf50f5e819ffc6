"""The report of a run: prediction beside measurement, and the losses of split and unsplit training."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from rasolve.documents import Array, Document
from rasolve.executor.wall_clock import WallClock
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Quantity
from rasolve.tables import aligned

LISTED_CLIENTS = 3
"""Clients up to which the printed table has a row for each party; beyond, it adds parties up per stage (ours)."""

HEAD = ("party", "stage", "quantity", "predicted", "measured", "")
NUMBERS = (3, 4)
"""Columns of the printed table that hold numbers."""


class Row(Document):
    """One quantity of a party in a stage over the whole run, predicted and measured."""

    kind: ClassVar[str] = "row"

    party: str
    stage: str
    quantity: Quantity
    predicted: float = Field(ge=0)
    measured: float = Field(ge=0)


class Report(Document):
    """What a run of a plan did, for K clients and S completed local steps.

    ``loss`` [S] is Σ_k (D_k/D)·(mean cross-entropy of client k's mini-batch, in nats per token) before each step's
    update; ``reference_loss`` [S] is the same of unsplit training, the prediction, and is absent when it was not
    asked for. ``wall_seconds`` is the split training's own time on this machine. ``interrupted`` says that the run was
    stopped before the steps asked for.
    """

    kind: ClassVar[str] = "report"

    problem: str
    solver: str
    protocol: str
    model: str
    batch_size: int = Field(ge=1)
    local_steps: int = Field(ge=1)
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    rank: Annotated[IntArray, Array(("K",), at_least=1, integer=True)]
    rounds: int = Field(ge=0)
    rows: tuple[Row, ...]
    loss: Annotated[FloatArray, Array(("S",), at_least=0)]
    reference_loss: Annotated[FloatArray, Array(("S",), at_least=0)] | None = None
    data: str
    dtype: str
    seed: int = Field(ge=0)
    learning_rate: float = Field(gt=0)
    wall_seconds: float = Field(ge=0)
    wall_clock: WallClock | None = None
    interrupted: bool = False

    @property
    def clients(self) -> int:
        """K, the number of clients."""
        return self.dimension("K")

    @property
    def steps(self) -> int:
        """Local steps completed."""
        return self.dimension("S")

    @property
    def bits_agree(self) -> bool:
        """Whether every party sent exactly the bits predicted in every stage."""
        return all(row.predicted == row.measured for row in self.rows if row.quantity == "bits")

    @property
    def worst_flops_difference(self) -> float:
        """Largest |measured - predicted| / predicted FLOPs over the rows; infinite where work was not predicted."""
        rows = [row for row in self.rows if row.quantity == "flops" and row.predicted != row.measured]
        return max((_difference(row.predicted, row.measured) for row in rows), default=0.0)

    @property
    def worst_loss_difference(self) -> float | None:
        """Largest |loss - reference_loss| / |reference_loss| over the steps; None without a reference."""
        if self.reference_loss is None:
            return None
        return float((abs(self.loss - self.reference_loss) / abs(self.reference_loss)).max())

    def __str__(self) -> str:
        """Return the report as readable text: what ran, the table of rows, the losses."""
        state = "interrupted after" if self.interrupted else "ran"
        lines = [
            f"{self.problem} planned by {self.solver}: {self.protocol} {state} {self.steps} steps, "
            f"{self.rounds} rounds of {self.local_steps}",
            f"{self.model} in {self.dtype}, {self.clients} clients, cut {_range(self.cut)}, rank {_range(self.rank)}, "
            f"batch {self.batch_size}, {self.data}",
            "",
            *aligned([HEAD, *self._table()], to_the_right=NUMBERS),
            "",
            f"loss {self.loss[0]:.4f} at the first step, {self.loss[-1]:.4f} at the last",
        ]
        if self.worst_loss_difference is not None:
            lines.append(f"unsplit training differs by at most {self.worst_loss_difference:.1e} of the loss")
        lines.append(f"{self.wall_seconds:.2f} s, {self.wall_seconds / self.steps:.3f} s per step")
        if self.wall_clock is not None:
            lines.append(str(self.wall_clock))
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, ...]]:
        """Return the printed rows, added up over the clients when there are many."""
        sums: dict[tuple[str, str, str], tuple[float, float]] = {}
        for row in self.rows:
            many = self.clients > LISTED_CLIENTS and row.party.startswith("client ")
            key = ("clients" if many else row.party, row.stage, row.quantity)
            predicted, measured = sums.get(key, (0.0, 0.0))
            sums[key] = (predicted + row.predicted, measured + row.measured)
        return [(*key, f"{p:,.0f}", f"{m:,.0f}", _verdict(p, m)) for key, (p, m) in sums.items()]


def _difference(predicted: float, measured: float) -> float:
    return abs(measured - predicted) / predicted if predicted else math.inf


def _verdict(predicted: float, measured: float) -> str:
    if predicted == measured:
        return "equal"
    return f"DIFFERS by {_difference(predicted, measured):.2%}" if predicted else "NOT PREDICTED"


def _range(values: IntArray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}-{high}"
