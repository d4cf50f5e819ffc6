"""Where a run has its turns from: somebody who decides each when it comes, or a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rasolve.plan.base import Stage
from rasolve.plan.over_slots import SplitSequentialPlan


class TurnSource(Protocol):
    """What a run asks for every turn when it comes, and tells what that has spent."""

    @property
    def devices(self) -> tuple[int, ...]:
        """The devices that may have a turn."""

    def decide(self, turn: int) -> SplitSequentialPlan:
        """Return the plan of one client in turn 0, 1, ...; called once for each in order."""

    def learn(self, joules: Mapping[Stage, float]) -> None:
        """Hear what the turn spent by stage, over all of its local steps, as it was measured."""


class PlannedTurns:
    """The turns of a plan one after another, begun again after the last."""

    def __init__(self, plan: SplitSequentialPlan) -> None:
        self.plan = plan

    @property
    def devices(self) -> tuple[int, ...]:
        """The plan's devices."""
        return tuple(sorted(set(self.plan.device.tolist())))

    def decide(self, turn: int) -> SplitSequentialPlan:
        """Return the turn as it is planned."""
        return self.plan.of_turn(turn % self.plan.clients)

    def learn(self, joules: Mapping[Stage, float]) -> None:
        """A plan stays as it is."""
