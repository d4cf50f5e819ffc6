"""Online decisions about problems: a policy that is shown one slot of a problem at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rasolve.errors import InputError, whole_number
from rasolve.forms import Slots
from rasolve.numerics import ROUNDING, FloatArray
from rasolve.plan import SplitSequentialPlan, Stage
from rasolve.problems import Decision, Problem
from rasolve.problems.adaptive_split import AdaptiveSplit
from rasolve.solvers.items.policy import DriftPlusPenaltyPolicy, Policy, Queues


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
    def resume(cls, path: str | Path, problem: Problem | None = None, v: float | None = None) -> OnlinePolicy:
        """Return the policy whose queues were saved; raises InputError naming the file.

        Also where the queues are not those of the `problem` that is given, or have another `v`.
        """
        queues = Queues.load(path)
        if problem is not None:
            target = _slots(problem).steered
            if queues.target.shape != target.shape or not np.allclose(queues.target, target, rtol=ROUNDING, atol=0):
                both = f"{_listed(queues.target)}, {problem.kind} to {_listed(target)}"
                raise InputError(f"{path}: these queues are of another problem: they steer to {both}")
        if v is not None and queues.v != v:
            raise InputError(f"{path}: these queues have v = {queues.v:g}, not {v:g}")
        return cls(queues)

    @property
    def queues(self) -> Queues:
        """The state, a value."""
        return self._policy.queues

    def decide(self, observation: Problem) -> Decision:
        """Return the decision for what is observed now; raises InputError for anything but one slot."""
        if not isinstance(observation, Problem):
            raise InputError(f"observation: a problem of one slot is needed, not {type(observation).__name__}")
        formulation = observation.formulate(Slots)
        form: Any = formulation.form
        if form.items != 1:
            raise InputError(f"observation: one slot is needed, not {form.items}, e.g. problem.slot(0)")
        decision: Decision = formulation.lift(self._policy.decide(form))
        return decision

    def learn(self, outcome: FloatArray | float) -> None:
        """Let the queues follow what the slot really cost."""
        self._policy.learn(outcome)


class OnlineTurns:
    """The slots of a problem, decided while a run trains by them: ``ra.run(OnlineTurns(problem, policy), steps)``.

    The policy, an `OnlinePolicy` or any with its protocol, is shown slot t as ``problem.slot(t)`` when that comes, and
    learns the energy in scope that the executor measured, [1]. After the last slot the first comes again.
    """

    def __init__(
        self,
        problem: Problem,
        policy: Policy[AdaptiveSplit, Any, FloatArray],
        name: str = "online",
        first: int = 0,
    ) -> None:
        """Let a policy decide a problem's slots from the `first` on; the plan of what was done calls it by `name`."""
        if not isinstance(problem, AdaptiveSplit):
            raise InputError(f"{problem.kind} has no slots that are decided while it is trained by: use adaptive-split")
        if not (hasattr(policy, "decide") and hasattr(policy, "learn")):
            raise InputError(f"policy: needs decide(observation) and learn(outcome), {type(policy).__name__} has not")
        self.problem, self.policy, self.name, self.first = problem, policy, name, whole_number("first", first, 0)

    @property
    def devices(self) -> tuple[int, ...]:
        """The problem's devices."""
        return tuple(sorted(set(self.problem.device.tolist())))

    def decide(self, turn: int) -> SplitSequentialPlan:
        """Return the plan of a turn as the policy decides it now."""
        slot = self.problem.slot((self.first + turn) % self.problem.slots)
        plan: Any = slot.plan(self.policy.decide(slot), self.name)
        decided: SplitSequentialPlan = plan
        return decided

    def learn(self, joules: Mapping[Stage, float]) -> None:
        """Tell the policy what the turn spent of the budget."""
        self.policy.learn(self.problem.spent(joules))


def _listed(target: FloatArray) -> str:
    more = f" and {len(target) - 1} more" if len(target) > 1 else ""
    return f"{target[0]:.6g}{more}"


def _slots(problem: Problem) -> Slots:
    if not isinstance(problem, Problem):
        raise InputError(f"a problem over time slots is needed, not {type(problem).__name__}")
    if Slots not in problem.forms:
        raise InputError(f"{problem.kind} has no slots to decide online")
    return problem.as_form(Slots)
