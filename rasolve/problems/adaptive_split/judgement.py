"""What a decision of AdaptiveSplit costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import Slots
from rasolve.numerics import ROUNDING, FloatArray, IntArray
from rasolve.problems.adaptive_split.base import SplitOverSlots
from rasolve.problems.adaptive_split.costs import delay_s, energy_j
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.base import Check, Constraint, Evaluation
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.problem import AdaptiveSplit


def evaluate(problem: AdaptiveSplit, decision: SplitDecision) -> Evaluation:
    """Return the mean delay of a slot [s], and every slot's parts [T] with its delay and its energy in scope."""
    reject_misfit(problem, decision, (problem.slots,))
    parts = problem.parts(decision)
    delay = delay_s(parts)
    return Evaluation(float(delay.mean()), {**parts, "slot_s": delay, "energy_j": energy_j(problem, parts)})


def check(problem: AdaptiveSplit, decision: SplitDecision) -> Check:
    """Return the budget with its declared slack, the range of the clock and the candidate cuts."""
    reject_misfit(problem, decision, (problem.slots,))
    energy = energy_j(problem, problem.parts(decision)).mean()
    return Check(
        (
            Constraint(budget_name(problem), np.asarray(energy), np.asarray(problem.energy_limit_j), "J"),
            *common_constraints(problem, decision),
        )
    )


def budget_name(problem: SplitOverSlots) -> str:
    """Return what the budget's constraint is called."""
    slack = f", {100 * problem.energy_slack:g} % slack" if problem.energy_slack else ""
    return f"mean energy of a slot ({problem.energy_scope}{slack})"


def common_constraints(problem: SplitOverSlots, decision: SplitDecision) -> tuple[Constraint, ...]:
    """Return the limits of every single slot: least clock and candidate cuts, and the largest clock."""
    short_hz = np.maximum(problem.clock_min_hz - decision.clock_hz, 0.0)
    strangers = np.asarray(np.isin(decision.cut, problem.candidates, invert=True).sum(), dtype=np.float64)
    return (
        Constraint("server clock below its least by", short_hz, np.asarray(0.0), "Hz"),
        Constraint("server clock", decision.clock_hz, np.asarray(problem.clock_max_hz), "Hz"),
        Constraint("cuts that are no candidate", strangers, np.asarray(0), ""),
    )


def explain(problem: AdaptiveSplit) -> tuple[str, ...]:
    """Return the least mean energy of a slot where the budget is below it."""
    least = problem.formulate(Slots).form.priced(0.0, np.ones(1)).cost[0]
    if least <= problem.energy_limit_j * (1 + ROUNDING):
        return ()
    return (f"the least possible mean energy of a slot is {quantity(least, 'J')}, {allowed(problem, problem.energy_budget_j)}",)


def allowed(problem: SplitOverSlots, budget_j: float) -> str:
    """Return a budget and its slack in words."""
    slack = f" with {100 * problem.energy_slack:g} % slack" if problem.energy_slack else ""
    return f"the budget is {quantity(budget_j, 'J')}{slack}"


def reject_misfit(problem: SplitOverSlots, decision: SplitDecision, shape: tuple[int, ...]) -> None:
    """Reject a decision whose arrays do not fit the problem."""
    for name in ("cut", "clock_hz"):
        found = np.shape(getattr(decision, name))
        if found != shape:
            raise InputError(f"decision.{name} has shape {list(found)}, needs {list(shape)}")
    if not np.isfinite(decision.clock_hz).all() or (decision.clock_hz <= 0).any():
        raise InputError("decision.clock_hz must be finite and above 0")
    if decision.cut.min() < 0 or decision.cut.max() > problem.profile.blocks:
        raise InputError(f"decision.cut must lie in 0 to {problem.profile.blocks}")
