"""What the sequential and the parallel problem share: data, judgement, and what a device takes at a cut."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rasolve.errors import InputError, unknown
from rasolve.forms import Form, Formulation, Slots
from rasolve.forms.dual import lower_bound
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Plan
from rasolve.problems.adaptive_split import algebra, baselines, costs, judgement, prediction
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.notes import notes
from rasolve.problems.base import Baseline, Check, Evaluation, Problem
from rasolve.problems.drawing import whole
from rasolve.problems.fields import (
    LARGEST_BANDWIDTH_HZ,
    LARGEST_CLOCK_HZ,
    LARGEST_COUNT,
    LARGEST_NOISE_W_PER_HZ,
    LARGEST_POWER_W,
    LEAST_BANDWIDTH_HZ,
    LEAST_CLOCK_HZ,
    LEAST_COMPUTING,
    LEAST_NOISE_W_PER_HZ,
    LEAST_POWER_W,
    Cuts,
    NamedProfile,
    reject_beyond,
)
from rasolve.scenario.cuts import CutTable, cut_table

Scope = Literal["device", "server", "total"]
"""Whose energy the budget limits."""


class SplitOverSlots(Problem):
    """Split training over T slots with a cut and a server clock in each, under a long-term energy budget.

    ``rank`` 0 trains all weights, which then travel; a rank above it LoRA, whose adapters do. ``cuts`` are the
    candidates, all of 0..J by default. ``device_energy`` and ``server_energy`` are ε [J/(cycle·Hz²)]. ``energy_scope``
    says whose energy is limited. ``energy_slack`` is the share of the budget by which a path may exceed it: the
    declared slack of online policies, which steer to the budget itself (ours).

    Subclasses add ``device_clock_hz``, ``gain_up`` and ``gain_down``, of shape [T] or [T, N], and ``energy_budget_j``.
    """

    reference: ClassVar[str] = "arXiv 2403.05158"
    unit: ClassVar[str] = "s"
    forms: ClassVar[tuple[type[Form], ...]] = (Slots,)
    by_slot: ClassVar[tuple[str, ...]]
    """The fields that have an entry for every slot."""

    Decision = SplitDecision

    profile: NamedProfile
    rank: int = Field(default=0, ge=0, le=LARGEST_COUNT)
    batch_size: int = Field(default=64, ge=1, le=LARGEST_COUNT)
    local_steps: int = Field(default=5, ge=1, le=LARGEST_COUNT)
    cuts: Cuts | None = None
    device_flops_per_cycle: float = Field(gt=0, ge=LEAST_COMPUTING)
    server_flops_per_cycle: float = Field(gt=0, ge=LEAST_COMPUTING)
    noise_w_per_hz: float = Field(ge=LEAST_NOISE_W_PER_HZ, le=LARGEST_NOISE_W_PER_HZ)
    energy_scope: Scope = "total"
    energy_slack: float = Field(default=0.02, ge=0)
    clock_min_hz: float = Field(ge=LEAST_CLOCK_HZ, le=LARGEST_CLOCK_HZ)
    clock_max_hz: float = Field(ge=LEAST_CLOCK_HZ, le=LARGEST_CLOCK_HZ)
    bandwidth_up_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    bandwidth_down_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    device_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    server_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    device_energy: float = Field(ge=0)
    server_energy: float = Field(ge=0)

    def model_post_init(self, context: object) -> None:
        """Check what concerns several fields."""
        super().model_post_init(context)
        if self.clock_min_hz > self.clock_max_hz:
            raise InputError(
                f"clock_min_hz = {self.clock_min_hz:g}: must be at most clock_max_hz = {self.clock_max_hz:g}"
            )
        reject_beyond(self.cuts, self.profile)
        self.table  # noqa: B018 - refuses a rank that does not go with the profile

    @property
    def clock_shape(self) -> tuple[int, ...]:
        """Shape of a decision's arrays: [T], or [T, N] where all devices train at once."""
        return tuple(np.shape(getattr(self, "device_clock_hz")))  # noqa: B009 - a field of every subclass

    @property
    def slots(self) -> int:
        """T."""
        return self.clock_shape[0]

    @property
    def at_once(self) -> int:
        """How many devices train in a slot."""
        return int(np.prod(self.clock_shape[1:]))

    @property
    @abstractmethod
    def devices_of_slots(self) -> IntArray:
        """Which device trains, of the shape of a decision's arrays."""

    @property
    def budgets_j(self) -> FloatArray:
        """The energy budgets [B]: one, or one for each device."""
        return np.atleast_1d(getattr(self, "energy_budget_j"))  # noqa: B009

    @property
    def limits_j(self) -> FloatArray:
        """What a slot may take on average at most [B]: the budgets and their declared slack."""
        return self.budgets_j * (1 + self.energy_slack)

    @cached_property
    def candidates(self) -> IntArray:
        """The cuts that may be chosen [S]."""
        return np.array(self.cuts if self.cuts is not None else range(self.profile.blocks + 1))

    @cached_property
    def table(self) -> CutTable:
        """Work and traffic per sample at every cut."""
        return cut_table(self.profile, self.rank)

    @cached_property
    def channels(self) -> costs.Channels:
        """Clock and rates of the devices at work, [T] or [T, N]."""
        return costs.channels(self)

    @property
    def samples(self) -> int:
        """Samples of a slot: K·b."""
        return self.local_steps * self.batch_size

    @property
    def counts_server(self) -> bool:
        """Whether the server's energy is limited."""
        return self.energy_scope != "device"

    @property
    def counts_device(self) -> bool:
        """Whether the devices' energy is limited."""
        return self.energy_scope != "server"

    def slot(self, t: int) -> Self:
        """Return slot t by itself, counted from 0: what an online policy is shown of it."""
        t = whole("slot", t, 0, self.slots - 1)
        return self.replace(**{name: getattr(self, name)[t : t + 1] for name in self.by_slot})

    def formulate(self, form: type[Form]) -> Formulation:
        if form is not Slots:
            raise unknown(f"form of {self.kind}", form.name, [f.name for f in self.forms])
        return self._as_slots()

    @abstractmethod
    def _as_slots(self) -> Formulation:
        """Return the problem's slots, with the way back."""

    def evaluate(self, decision: SplitDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: SplitDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        return lower_bound(self.as_form(Slots))

    def notes(self, decision: SplitDecision | None = None) -> tuple[str, ...]:
        return notes(self, decision)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: SplitDecision | None = None) -> Any:
        return algebra.to_pyomo(self, decision)

    def plan(self, decision: SplitDecision, solver: str) -> Plan:
        return prediction.plan(self, decision, solver)
