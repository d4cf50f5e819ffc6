"""AdaptiveSplit: one device trains in each slot (arXiv 2403.05158)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.forms import Formulation
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Stage
from rasolve.problems.adaptive_split import instances, slots
from rasolve.problems.adaptive_split.base import SplitOverSlots
from rasolve.problems.fields import LARGEST_CLOCK_HZ, LARGEST_GAIN, LEAST_CLOCK_HZ, LEAST_GAIN
from rasolve.problems.registry import register

Gains = Annotated[FloatArray, Array(("T",), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]

DEVICE_STAGES = (Stage.CLIENT_FORWARD, Stage.CLIENT_BACKWARD, Stage.ACTIVATIONS, Stage.ADAPTERS_UP)
SERVER_STAGES = (Stage.SERVER, Stage.GRADIENTS, Stage.ADAPTERS_DOWN)
"""The stages in which either party spends energy."""


@register
class AdaptiveSplit(SplitOverSlots):
    """Least average delay of sequential split training under a long-term energy budget: cut and server clock by slot.

    In slot t device ``device[t]`` trains, with its clock and gains of that slot. ``energy_budget_j`` [J] limits the
    mean energy of a slot. Objective, budget, queue and two-layer decision: published; delay and energy of a slot and
    all constants: reconstructed (`rasolve.problems.adaptive_split.costs`); ``cuts``, ``rank`` and ``energy_slack``:
    ours.
    """

    kind: ClassVar[str] = "adaptive-split"
    by_slot: ClassVar[tuple[str, ...]] = ("device", "device_clock_hz", "gain_up", "gain_down")

    device: Annotated[IntArray, Array(("T",), at_least=0, integer=True)]
    device_clock_hz: Annotated[FloatArray, Array(("T",), at_least=LEAST_CLOCK_HZ, at_most=LARGEST_CLOCK_HZ)]
    gain_up: Gains
    gain_down: Gains
    energy_budget_j: float = Field(gt=0)

    @property
    def devices_of_slots(self) -> IntArray:
        return self.device

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.adaptive_split.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**instances.sample(cls, instances.draw, seed=seed, **sizes))

    def spent(self, joules: Mapping[Stage, float]) -> FloatArray:
        """Return what of a slot's joules by stage the budget limits [1]."""
        stages = DEVICE_STAGES * self.counts_device + SERVER_STAGES * self.counts_server
        return np.array([sum(joules[stage] for stage in stages)])

    def _as_slots(self) -> Formulation:
        return slots.formulate(self)
