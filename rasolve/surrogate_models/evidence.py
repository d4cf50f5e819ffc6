"""The training runs behind fitted rounds, and what they say about how sure the fit is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.surrogate_models.crossing import Crossing, LossCurve, loss_curve


class TrainingRun(Document):
    """One training: LoRA rank, cut, seed (of model, text and mini-batches) and the loss [S] before every step."""

    kind: ClassVar[str] = "training_run"

    rank: int = Field(ge=1)
    cut: int = Field(ge=0)
    seed: int = Field(ge=0)
    loss: Annotated[FloatArray, Array(("S",), at_least=0)]

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"rank {self.rank}, seed {self.seed}"

    def curve(self, local_steps: int) -> LossCurve:
        """Return the loss without its noise; raises InputError naming the run where that cannot be."""
        try:
            return loss_curve(self.loss, local_steps)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None

    def crossing(self, local_steps: int, target: float) -> Crossing:
        """Return when the run reached the target; raises InputError naming the run where that cannot be said."""
        return self.curve(local_steps).crossing(target)


class TrainingSettings(Document):
    """What all runs behind one table share, and what rounds therefore depend on without saying so."""

    kind: ClassVar[str] = "training_settings"

    clients: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    local_steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    data: str

    def __str__(self) -> str:
        return f"{self.clients} clients, batch {self.batch_size}, {self.local_steps} local steps"


class Evidence(Document):
    """The runs behind fitted rounds, the target loss [nats] and, by rank, the interval that they allow.

    ``low`` and ``high`` enclose the median number of rounds at ``level`` confidence, ``run_low`` and ``run_high`` the
    rounds of one more run with a seed of its own. How: `rasolve.surrogate_models.fitting`.
    """

    kind: ClassVar[str] = "evidence"

    target: float = Field(gt=0)
    settings: TrainingSettings
    runs: tuple[TrainingRun, ...]
    level: float = Field(gt=0, lt=1)
    low: dict[int, float]
    high: dict[int, float]
    run_low: dict[int, float]
    run_high: dict[int, float]

    def model_post_init(self, context: object) -> None:
        """Reject evidence without runs."""
        super().model_post_init(context)
        if not self.runs:
            raise InputError("evidence has no runs")

    @property
    def seeds(self) -> int:
        """How many different seeds the runs have."""
        return len({run.seed for run in self.runs})

    def crossings(self) -> tuple[Crossing, ...]:
        """Return when each run reached the target, or how long it did not."""
        return tuple(run.crossing(self.settings.local_steps, self.target) for run in self.runs)

    @property
    def unreached(self) -> dict[int, float]:
        """Ranks for which nothing but a lower limit is known, with the most rounds that one of their runs had."""
        limits: dict[int, float] = {}
        for run, crossing in zip(self.runs, self.crossings(), strict=True):
            if run.rank not in self.low:
                limits[run.rank] = max(limits.get(run.rank, 0.0), crossing.rounds)
        return dict(sorted(limits.items()))
