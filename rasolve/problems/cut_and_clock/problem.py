"""CutAndClock: cut layer and server clock of every device and round (CARD, arXiv 2412.00090)."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.errors import InputError, unknown
from rasolve.forms import Form, Formulation, Separable
from rasolve.forms.dual import lower_bound
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Plan
from rasolve.problems.base import Baseline, Check, Evaluation, Problem
from rasolve.problems.cut_and_clock import algebra, baselines, instances, items, judgement, prediction
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.problems.cut_and_clock.pareto import Front, front
from rasolve.problems.drawing import drawn_fields
from rasolve.problems.fields import (
    LARGEST_BANDWIDTH_HZ,
    LARGEST_CLOCK_HZ,
    LARGEST_COUNT,
    LARGEST_GAIN,
    LARGEST_NOISE_W_PER_HZ,
    LARGEST_POWER_W,
    LEAST_BANDWIDTH_HZ,
    LEAST_CLOCK_HZ,
    LEAST_COMPUTING,
    LEAST_GAIN,
    LEAST_NOISE_W_PER_HZ,
    LEAST_POWER_W,
    Cuts,
    NamedProfile,
    reject_beyond,
)
from rasolve.problems.registry import register
from rasolve.scenario.cuts import CutTable, cut_table

Clocks = Annotated[FloatArray, Array(("M",), at_least=LEAST_CLOCK_HZ, at_most=LARGEST_CLOCK_HZ)]


@register
class CutAndClock(Problem):
    """Least weighted sum of delay and energy of sequential LoRA split learning: cut and server clock, each by itself.

    M devices train one after another in each of N rounds. ``weight`` is w, that of the delay; ``server_energy`` is ξ
    [J/(cycle·Hz²)]. ``server_clock_min_hz`` [M] is by default the clock at which the server is as fast as the device,
    at most ``server_clock_max_hz``. Objective, decomposition and clock: published; normalisers, delay and constants:
    reconstructed (`rasolve.problems.cut_and_clock.costs`). Ours: ``energy_budget_j``, the most that a device's round
    may take on average, which joins the decisions; ``energy_scope`` "total", which adds the devices' own energy,
    ``device_energy`` [M] being their ε; ``cuts``, the candidates.
    """

    kind: ClassVar[str] = "cut-and-clock"
    reference: ClassVar[str] = "arXiv 2412.00090"
    unit: ClassVar[str] = "of the weighted range"
    forms: ClassVar[tuple[type[Form], ...]] = (Separable,)
    Decision = CutAndClockDecision

    profile: NamedProfile
    rank: int = Field(default=8, ge=0, le=LARGEST_COUNT)
    local_epochs: int = Field(default=5, ge=1, le=LARGEST_COUNT)
    samples_per_epoch: int = Field(default=16, ge=1, le=LARGEST_COUNT)
    weight: float = Field(default=0.5, ge=0, le=1)
    cuts: Cuts | None = None
    device_clock_hz: Clocks
    device_cores: Annotated[FloatArray, Array(("M",), above=0, at_least=LEAST_COMPUTING)]
    device_power_w: Annotated[FloatArray, Array(("M",), at_least=LEAST_POWER_W, at_most=LARGEST_POWER_W)]
    device_energy: Annotated[FloatArray, Array(("M",), at_least=0)] | None = None
    gain: Annotated[FloatArray, Array(("N", "M"), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]
    server_clock_min_hz: Clocks | None = None
    server_clock_max_hz: float = Field(ge=LEAST_CLOCK_HZ, le=LARGEST_CLOCK_HZ)
    server_cores: float = Field(gt=0, ge=LEAST_COMPUTING)
    server_energy: float = Field(ge=0)
    server_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    flops_per_cycle_core: float = Field(default=2.0, gt=0, ge=LEAST_COMPUTING)
    bandwidth_up_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    bandwidth_down_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    noise_w_per_hz: float = Field(ge=LEAST_NOISE_W_PER_HZ, le=LARGEST_NOISE_W_PER_HZ)
    energy_scope: Literal["server", "total"] = "server"
    energy_budget_j: float | None = Field(default=None, gt=0)

    def model_post_init(self, context: object) -> None:
        """Check what concerns several fields."""
        super().model_post_init(context)
        given = self.server_clock_min_hz
        if given is not None and float(given.max()) > self.server_clock_max_hz:
            m = int(given.argmax())
            raise InputError(
                f"server_clock_min_hz[{m}] = {given[m]:g}: must be at most server_clock_max_hz = "
                f"{self.server_clock_max_hz:g}"
            )
        if self.energy_scope == "total" and self.device_energy is None:
            raise InputError('device_energy is missing: energy_scope = "total" counts it')
        reject_beyond(self.cuts, self.profile)
        self.table  # noqa: B018 - refuses a rank that does not go with the profile

    @property
    def rounds(self) -> int:
        """N."""
        return self.dimension("N")

    @property
    def devices(self) -> int:
        """M."""
        return self.dimension("M")

    @property
    def samples(self) -> int:
        """T, samples of a device's round."""
        return self.local_epochs * self.samples_per_epoch

    @cached_property
    def candidates(self) -> IntArray:
        """The cuts that may be chosen [S]."""
        return np.array(self.cuts if self.cuts is not None else range(self.profile.blocks + 1))

    @cached_property
    def table(self) -> CutTable:
        """Work and traffic per sample at every cut."""
        return cut_table(self.profile, self.rank)

    @cached_property
    def clock_min_hz(self) -> FloatArray:
        """F_min [M]: as given, or where the server is no slower than the device; never above F_max (published)."""
        if self.server_clock_min_hz is not None:
            return self.server_clock_min_hz
        equal = self.device_clock_hz * self.device_cores / self.server_cores
        return np.minimum(equal, self.server_clock_max_hz)

    @property
    def device_energies(self) -> FloatArray:
        """ε of every device [M], 0 where none is given."""
        return np.zeros(self.devices) if self.device_energy is None else self.device_energy

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.cut_and_clock.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**drawn_fields(cls, instances.draw, seed, sizes))

    def front(self, round_: int, device: int) -> Front:
        """Return the whole Pareto front of delay and server energy of one decision, exactly (ours)."""
        return front(self, round_, device)

    def evaluate(self, decision: CutAndClockDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: CutAndClockDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        return lower_bound(self.as_form(Separable))

    def formulate(self, form: type[Form]) -> Formulation:
        if form is not Separable:
            raise unknown(f"form of {self.kind}", form.name, [f.name for f in self.forms])
        return items.formulate(self)

    def notes(self, decision: CutAndClockDecision | None = None) -> tuple[str, ...]:
        return judgement.notes(self)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: CutAndClockDecision | None = None) -> Any:
        return algebra.to_pyomo(self, decision)

    def plan(self, decision: CutAndClockDecision, solver: str) -> Plan:
        return prediction.plan(self, decision, solver)
