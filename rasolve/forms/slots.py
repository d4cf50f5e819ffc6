"""`Slots`: items that are revealed one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.separable import Separable
from rasolve.numerics import FloatArray

Stepper = Callable[[int, float, Sequence[float]], tuple[float, tuple[float, ...], tuple[Any, ...]]]
"""Penalty, costs and choice of one item, by its number, for a weight and B prices."""


@dataclass(frozen=True, eq=False)
class Slots(Separable):
    """A `Separable` whose items are revealed one after another: minimise slot by slot, or all at once in hindsight.

    ``target`` [B] is what an online policy steers the costs to, by default the budget; what the budget is above it is
    the policy's declared slack. ``prepare`` turns a slice of slots into a fast function of one slot at a time, by its
    number within the slice; by default `respond` is asked for one slot.
    """

    name: ClassVar[str] = "Slots"
    says: ClassVar[str] = "a Separable whose items are revealed in order"

    mean: bool = True
    target: FloatArray | None = None
    prepare: Callable[[slice], Stepper] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not None:
            object.__setattr__(self, "target", self._vector("target", self.target))
            if len(self.steered) != self.budgets or (self.steered > self.budget).any():
                raise InputError("Slots.target must hold at most the budget for each budget")

    @property
    def steered(self) -> FloatArray:
        """What a policy steers the costs of a slot to [B]: the target, or a slot's share of the budget."""
        given = self.budget if self.target is None else self.target
        return given * (1.0 if self.mean else 1.0 / self.items)

    def at_target(self) -> Slots:
        """Return the same slots with what a policy steers to as their budget."""
        return replace(self, budget=self.steered if self.mean else self.steered * self.items, target=None)

    def stepper(self, slots: slice) -> Stepper:
        """Return the function of one slot of the slice at a time."""
        if self.prepare is not None:
            return self.prepare(slots)

        def step(slot: int, weight: float, prices: Sequence[float]) -> tuple[float, tuple[float, ...], tuple[Any, ...]]:
            at = slots.start + slot
            found = self._asked(slice(at, at + 1), weight, np.asarray(prices))
            return float(found.penalty[0]), tuple(found.cost[0].tolist()), tuple(c[0] for c in found.choice)

        return step
