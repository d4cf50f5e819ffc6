"""AdaptiveSplit: one device trains in each slot (arXiv 2403.05158)."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.errors import unknown
from rasolve.forms import Form, Formulation, Slots
from rasolve.forms.dual import lower_bound
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Plan
from rasolve.problems.adaptive_split import algebra, baselines, costs, instances, judgement, prediction, slots
from rasolve.problems.adaptive_split.base import (
    LARGEST_CLOCK_HZ,
    LARGEST_GAIN,
    LEAST_CLOCK_HZ,
    LEAST_GAIN,
    SplitOverSlots,
)
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.notes import notes
from rasolve.problems.base import Baseline, Check, Evaluation
from rasolve.problems.registry import register

Gains = Annotated[FloatArray, Array(("T",), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]


@register
class AdaptiveSplit(SplitOverSlots):
    """Least average delay of sequential split training under a long-term energy budget: cut and server clock by slot.

    In slot t device ``device[t]`` trains, with its clock and gains of that slot. ``energy_budget_j`` [J] limits the
    mean energy of a slot. Objective, budget, queue and two-layer decision: published; delay and energy of a slot and
    all constants: reconstructed (`rasolve.problems.adaptive_split.costs`); ``cuts``, ``rank`` and ``energy_slack``: ours.
    """

    kind: ClassVar[str] = "adaptive-split"
    forms: ClassVar[tuple[type[Form], ...]] = (Slots,)
    Decision = SplitDecision

    device: Annotated[IntArray, Array(("T",), at_least=0, integer=True)]
    device_clock_hz: Annotated[FloatArray, Array(("T",), at_least=LEAST_CLOCK_HZ, at_most=LARGEST_CLOCK_HZ)]
    gain_up: Gains
    gain_down: Gains
    energy_budget_j: float = Field(gt=0)

    @property
    def slots(self) -> int:
        """T."""
        return self.dimension("T")

    @property
    def energy_limit_j(self) -> float:
        """The most that a slot may take on average [J]: the budget and its declared slack."""
        return self.energy_budget_j * (1 + self.energy_slack)

    @cached_property
    def channels(self) -> costs.Channels:
        """Clock and rates of every slot [T]."""
        return costs.channels(self, self.device_clock_hz, self.gain_up, self.gain_down)

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.adaptive_split.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**instances.sample(cls, instances.draw, seed=seed, **sizes))

    def slot(self, t: int) -> Self:
        """Return slot t by itself: what an online policy is shown of it."""
        return self.replace(
            **{name: getattr(self, name)[t : t + 1] for name in ("device", "device_clock_hz", "gain_up", "gain_down")}
        )

    def parts(self, decision: SplitDecision) -> dict[str, FloatArray]:
        """Return seconds by stage and joules by party of every slot [T]."""
        return costs.stages(self, self.channels, decision.cut, decision.clock_hz)

    def evaluate(self, decision: SplitDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: SplitDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        return lower_bound(slots.formulate(self).form)

    def formulate(self, form: type[Form]) -> Formulation:
        if form is not Slots:
            raise unknown(f"form of {self.kind}", form.name, [f.name for f in self.forms])
        return slots.formulate(self)

    def notes(self, decision: SplitDecision | None = None) -> tuple[str, ...]:
        return notes(self, decision)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: SplitDecision | None = None) -> Any:
        return algebra.to_pyomo(self, decision)

    def plan(self, decision: SplitDecision, solver: str) -> Plan:
        return prediction.plan(self, decision, solver)
