"""Policies: solvers that see one slot at a time, driven by an orchestrator, a simulation or the executor."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.forms import Response, Separable
from rasolve.numerics import FloatArray

Observation = TypeVar("Observation", contravariant=True)
Decided = TypeVar("Decided", covariant=True)
Outcome = TypeVar("Outcome", contravariant=True)


class Policy(Protocol[Observation, Decided, Outcome]):
    """What drives an online decision: decide on an observation, then learn what came of it."""

    def decide(self, observation: Observation) -> Decided:
        """Return the decision for what is observed now."""

    def learn(self, outcome: Outcome) -> None:
        """Take notice of what the decision brought."""


class Queues(Document):
    """The whole state of drift plus penalty: V, and a virtual queue and its target for each of B budgets.

    ``v`` has the unit of cost² per penalty, ``queue`` and ``target`` that of their cost; ``slots`` is how many have
    been learned from. Saved with :meth:`save`, it resumes where it was.
    """

    kind: ClassVar[str] = "queues"

    v: float = Field(gt=0)
    target: Annotated[FloatArray, Array(("B",))]
    queue: Annotated[FloatArray, Array(("B",), at_least=0)]
    slots: int = Field(default=0, ge=0)

    @classmethod
    def empty(cls, v: float, target: ArrayLike) -> Queues:
        """Return the state before the first slot."""
        target = np.atleast_1d(np.asarray(target, dtype=np.float64))
        return cls(v=v, target=target, queue=np.zeros_like(target))

    @property
    def prices(self) -> FloatArray:
        """q/V [B], what a unit of each cost weighs against the penalty."""
        return np.asarray(self.queue / self.v)

    def after(self, cost: ArrayLike) -> Queues:
        """Return the state after a slot with costs [B], q = max(q + cost - target, 0); InputError for bad costs."""
        try:
            spent = np.atleast_1d(np.asarray(cost, dtype=np.float64))
        except (TypeError, ValueError):
            spent = np.array([np.nan])
        if spent.shape != self.queue.shape or not np.isfinite(spent).all():
            raise InputError(f"outcome = {cost!r}: must be one finite cost for each of {len(self.queue)} budgets")
        queue = np.maximum(self.queue + spent - self.target, 0.0)
        return self.replace(queue=queue, slots=self.slots + 1)


class DriftPlusPenaltyPolicy:
    """Drift plus penalty one slot at a time: an observation is a slot as a form, an outcome the costs it really had.

    ``queues`` is its state, a value that can be saved and given to a new policy. The costs learned need not be those
    that the decision promised: the queues follow what was spent.
    """

    def __init__(self, queues: Queues) -> None:
        self.queues = queues

    def decide(self, observation: Separable) -> Response:
        """Return the choice of least V·penalty + q·cost in what is observed; InputError where the budgets differ."""
        if observation.budgets != len(self.queues.queue):
            raise InputError(f"observation has {observation.budgets} budgets, the queues {len(self.queues.queue)}")
        return observation.answer(self.queues.v, self.queues.queue)

    def learn(self, outcome: Any) -> None:
        """Let the queues follow the costs [B] of a slot."""
        self.queues = self.queues.after(outcome)
