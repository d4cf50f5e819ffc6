"""Online decisions about problems: a policy that is shown one slot of a problem at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasolve.errors import InputError
from rasolve.forms import Slots
from rasolve.numerics import FloatArray
from rasolve.problems import Decision, Problem
from rasolve.solvers.policy import DriftPlusPenaltyPolicy, Queues


class OnlinePolicy:
    """Drift plus penalty for a problem over slots, with the protocol ``decide(observation)``, ``learn(outcome)``.

    An observation is a problem of the same kind that holds what is seen now (``problem.slot(t)``, or one made of
    measurements); an outcome is the cost of each budget that the slot really had, e.g. joules. ``queues`` is the state:
    ``queues.save(path)`` keeps it, ``OnlinePolicy.resume(path)`` goes on.
    """

    def __init__(self, queues: Queues) -> None:
        self._policy = DriftPlusPenaltyPolicy(queues)

    @classmethod
    def of(cls, problem: Problem, v: float) -> OnlinePolicy:
        """Return a policy with empty queues, steering to the problem's budgets; `v` weighs the penalty.

        Raises InputError for a problem without slots and for V <= 0.
        """
        return cls(Queues.empty(v, _slots(problem).steered))

    @classmethod
    def resume(cls, path: str | Path) -> OnlinePolicy:
        """Return the policy whose queues were saved; raises InputError naming the file."""
        return cls(Queues.load(path))

    @property
    def queues(self) -> Queues:
        """The state, a value."""
        return self._policy.queues

    def decide(self, observation: Problem) -> Decision:
        """Return the decision for what is observed now."""
        formulation = observation.formulate(Slots)
        form: Any = formulation.form
        decision: Decision = formulation.lift(self._policy.decide(form))
        return decision

    def learn(self, outcome: FloatArray | float) -> None:
        """Let the queues follow what the slot really cost."""
        self._policy.learn(outcome)


def _slots(problem: Problem) -> Slots:
    if Slots not in problem.forms:
        raise InputError(f"{problem.kind} has no slots to decide online")
    form: Any = problem.formulate(Slots).form
    found: Slots = form
    return found
