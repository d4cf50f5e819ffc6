"""ParallelAdaptiveSplit: all devices train in every slot and share the server's clock (arXiv 2403.05158)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np

from rasolve.arrays import Array
from rasolve.errors import InputError
from rasolve.forms import Formulation
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split import instances, parallel_slots
from rasolve.problems.adaptive_split.base import SplitOverSlots
from rasolve.problems.fields import LARGEST_CLOCK_HZ, LARGEST_GAIN, LEAST_CLOCK_HZ, LEAST_GAIN
from rasolve.problems.registry import register

Gains = Annotated[FloatArray, Array(("T", "N"), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]


@register
class ParallelAdaptiveSplit(SplitOverSlots):
    """Least average delay of parallel split training under an energy budget of each device: cuts and clocks by slot.

    N devices train in each of T slots; a slot lasts until the last of them is done. They share the server's clock:
    Σ_n f_n <= ``clock_max_hz`` with at least ``clock_min_hz`` each. ``energy_budget_j`` [N] limits the mean energy of a
    slot that each device, or the server for it, takes. Parallel operation, one queue for each device and coordinate
    search over cuts: reconstructed; the bound: ours.
    """

    kind: ClassVar[str] = "parallel-adaptive-split"
    by_slot: ClassVar[tuple[str, ...]] = ("device_clock_hz", "gain_up", "gain_down")

    device_clock_hz: Annotated[FloatArray, Array(("T", "N"), at_least=LEAST_CLOCK_HZ, at_most=LARGEST_CLOCK_HZ)]
    gain_up: Gains
    gain_down: Gains
    energy_budget_j: Annotated[FloatArray, Array(("N",), above=0)]

    def model_post_init(self, context: object) -> None:
        """Check that the server's clock can be shared."""
        super().model_post_init(context)
        share = self.clock_max_hz / self.at_once
        if self.clock_min_hz > share:
            raise InputError(
                f"clock_min_hz = {self.clock_min_hz:g}: must be at most clock_max_hz over {self.at_once} devices, "
                f"{share:g}"
            )

    @property
    def devices_of_slots(self) -> IntArray:
        return np.broadcast_to(np.arange(self.at_once), self.clock_shape)

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.adaptive_split.instances.draw_parallel` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**instances.sample(cls, instances.draw_parallel, seed=seed, **sizes))

    def _as_slots(self) -> Formulation:
        return parallel_slots.formulate(self)
