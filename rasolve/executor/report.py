"""The report of a run: prediction beside measurement, and the losses of split and unsplit training."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.executor.wall_clock import WallClock
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import PER_ROUND, Quantity
from rasolve.scenario.units import quantity as said
from rasolve.schedule import Schedule
from rasolve.tables import aligned

LISTED_CLIENTS = 3
"""Clients up to which the printed table has a row for each party; beyond, it adds parties up per stage (ours)."""

HEAD = ("party", "stage", "quantity", "predicted", "measured", "")
NUMBERS = (3, 4)
"""Columns of the printed table that hold numbers."""


PROMISED = {"flops": 0.01, "bits": 0.0, "seconds": 0.01, "joules": 0.01, "memory_bytes": 0.10}
"""Relative difference up to which a measurement bears its prediction out (ours)."""

MOST_OF = {"seconds": "slowest client", "memory_bytes": "largest client"}
"""Quantities of which, among many clients, only the most is printed."""

ROUNDING = 1e-9
"""Relative difference of two sums of the same numbers."""


class Row(Document):
    """One quantity of a party in a stage over the whole run, predicted and measured; memory is its peak.

    Seconds are simulated: measured FLOPs and bits at the plan's speeds and rates.
    """

    kind: ClassVar[str] = "row"

    party: str
    stage: str
    quantity: Quantity
    predicted: float = Field(ge=0)
    measured: float = Field(ge=0)


class Delay(Document):
    """The simulated time [s] of a local step, a round, the planned training or the turns so far, both ways."""

    kind: ClassVar[str] = "delay"

    span: Literal["local step", "round", "training", "all turns"]
    predicted: float = Field(ge=0)
    measured: float = Field(ge=0)


class Wall(Document):
    """Wall-clock seconds of a party in a stage on this machine, and the FLOPs and bytes that took them."""

    kind: ClassVar[str] = "wall"

    party: str
    stage: str
    seconds: float = Field(ge=0)
    flops: int = Field(ge=0)
    bytes: int = Field(ge=0)


class Report(Document):
    """What a run of a plan did, for K clients and S completed local steps.

    ``cut`` and ``rank`` [K] or ``tier`` [V] say how the model was split, as the plan's protocol has it; clients in turn
    have their ``device`` [K].
    ``loss`` [S] is Σ_k (D_k/D)·(mean cross-entropy of client k's mini-batch, in nats per token) before each step's
    update; ``reference_loss`` [S] is the same of unsplit training, the prediction, and is absent when it was not
    asked for. ``delays`` are simulated. ``wall`` has the time of each party and stage on this machine in all steps but
    the first, whose time the counting of FLOPs and memory disturbs; ``wall_seconds`` is the split training's own time
    in all. ``interrupted`` says that the run was stopped before the steps asked for.
    """

    kind: ClassVar[str] = "report"

    problem: str
    solver: str
    protocol: str
    model: str
    batch_size: int = Field(ge=1)
    local_steps: int = Field(ge=1)
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)] | None = None
    rank: Annotated[IntArray, Array(("K",), at_least=0, integer=True)] | None = None
    device: Annotated[IntArray, Array(("K",), at_least=0, integer=True)] | None = None
    tier: Annotated[IntArray, Array(("V",), at_least=0, integer=True)] | None = None
    rounds: int = Field(ge=0)
    rows: tuple[Row, ...]
    delays: tuple[Delay, ...] = ()
    wall: tuple[Wall, ...] = ()
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
        """K, the number of clients; without cuts there is one."""
        return self.dimensions().get("K", 1)

    @property
    def split(self) -> str:
        """How the model was split, in words."""
        if self.tier is not None:
            return f"{int((self.tier == 0).sum())} of {len(self.tier)} layers on the device"
        shown = (("cut", self.cut), ("rank", self.rank))
        return ", ".join(f"{name} {_range(values)}" for name, values in shown if values is not None)

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
        return self.worst_difference("flops")

    @property
    def worst_memory_difference(self) -> float:
        """Largest |measured - predicted| / predicted peak memory over the parties; infinite where not predicted."""
        return self.worst_difference("memory_bytes")

    @property
    def worst_seconds_difference(self) -> float:
        """Largest |measured - predicted| / predicted simulated seconds over the rows; infinite where not predicted."""
        return self.worst_difference("seconds")

    def worst_difference(self, quantity: Quantity) -> float:
        """Return the largest |measured - predicted| / predicted of a quantity; infinite where it was not predicted."""
        rows = [row for row in self.rows if row.quantity == quantity]
        return max((_difference(row.predicted, row.measured) for row in rows), default=0.0)

    def schedule(self, source: Literal["predicted", "measured"]) -> Schedule:
        """Return the simulated seconds of a local step and of an aggregation, which without a round takes none."""
        seconds = {}
        for row in self.rows:
            times = self.rounds if row.stage in PER_ROUND else self.steps
            if row.quantity == "seconds" and times:
                seconds[row.party, row.stage] = getattr(row, source) / times
        return Schedule.of(self.clients, seconds)

    @property
    def worst_loss_difference(self) -> float | None:
        """Largest |loss - reference_loss| / |reference_loss| over the steps; None without a reference."""
        if self.reference_loss is None:
            return None
        return float((abs(self.loss - self.reference_loss) / abs(self.reference_loss)).max())

    def __str__(self) -> str:
        """Return the report as readable text: what ran, the table of rows, the losses."""
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        state = "interrupted after" if self.interrupted else "ran"
        lines = [
            f"{self.problem} planned by {self.solver}: {self.protocol} {state} {self.steps} steps, "
            f"{self.rounds} rounds of {self.local_steps}",
            f"{self.model} in {self.dtype}, {clients}, {self.split}, batch {self.batch_size}, {self.data}",
            "",
            *aligned([HEAD, *self._table()], to_the_right=NUMBERS),
            "",
            f"loss {self.loss[0]:.4f} at the first step, {self.loss[-1]:.4f} at the last",
        ]
        if self.worst_loss_difference is not None:
            lines.append(f"unsplit training differs by at most {self.worst_loss_difference:.1e} of the loss")
        lines += [
            f"simulated {each.span}: {said(each.predicted, 's')} predicted, {said(each.measured, 's')} measured, "
            f"{_verdict('seconds', each.predicted, each.measured)}"
            for each in self.delays
        ]
        lines.append(f"this machine: {self.wall_seconds:.2f} s, {self.wall_seconds / self.steps:.3f} s per step")
        if self.wall:
            lines.append(f"of which, from the second step on: {_by_stage(self.wall)}")
        if self.wall_clock is not None:
            lines.append(str(self.wall_clock))
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, ...]]:
        """Return the printed rows; of many clients the sum is shown, and of seconds and memory the most."""
        sums: dict[tuple[str, str, Quantity], tuple[float, float]] = {}
        for row in self.rows:
            many = self.clients > LISTED_CLIENTS and row.party.startswith("client ")
            most = MOST_OF.get(row.quantity)
            key = (most or "clients") if many else row.party, row.stage, row.quantity
            before = sums.get(key, (0.0, 0.0))
            now = row.predicted, row.measured
            sums[key] = max(before, now) if most else (before[0] + now[0], before[1] + now[1])
        return [(*key, _number(key[2], p), _number(key[2], m), _verdict(key[2], p, m)) for key, (p, m) in sums.items()]


def _number(quantity: Quantity, value: float) -> str:
    return f"{value:.6g}" if quantity in ("seconds", "joules") else f"{value:,.0f}"


def _difference(predicted: float, measured: float) -> float:
    if predicted == measured:
        return 0.0
    return abs(measured - predicted) / predicted if predicted else math.inf


def _verdict(quantity: Quantity, predicted: float, measured: float) -> str:
    difference = _difference(predicted, measured)
    if math.isinf(difference):
        return "NOT PREDICTED"
    if difference <= (ROUNDING if quantity in ("seconds", "joules") else 0.0):
        return "equal"
    if difference <= PROMISED.get(quantity, 0.0):
        return f"{100 * difference:.1g} % off"
    return f"DIFFERS by {difference:.2%}"


def _by_stage(wall: Iterable[Wall]) -> str:
    """Return the wall-clock time of every stage over all parties, in words."""
    seconds: dict[str, float] = {}
    for each in wall:
        seconds[each.stage] = seconds.get(each.stage, 0.0) + each.seconds
    return ", ".join(f"{stage} {said(spent, 's')}" for stage, spent in seconds.items())


def _range(values: IntArray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}-{high}"
