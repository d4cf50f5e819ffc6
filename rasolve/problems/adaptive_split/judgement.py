"""What a decision costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Slots
from rasolve.problems.adaptive_split.costs import energy_j, parts_of, slot_s
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.base import Check, Constraint, Evaluation
from rasolve.problems.clocked import reject_misfit
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots

NAMED = 3
"""Devices that an explanation names."""


def evaluate(problem: SplitOverSlots, decision: SplitDecision) -> Evaluation:
    """Return the mean delay of a slot [s], with every slot's delay [T], energy in scope [T, B] and parts."""
    reject_misfit(decision, problem.clock_shape, problem.profile)
    parts = parts_of(problem, decision)
    delay = slot_s(parts)
    return Evaluation(float(delay.mean()), {**parts, "slot_s": delay, "energy_j": energy_j(problem, parts)})


def check(problem: SplitOverSlots, decision: SplitDecision) -> Check:
    """Return the budgets with their declared slack, the server's clock and the candidate cuts."""
    reject_misfit(decision, problem.clock_shape, problem.profile)
    energy = energy_j(problem, parts_of(problem, decision)).mean(axis=0)
    used = decision.clock_hz.reshape(problem.slots, -1).sum(axis=1)
    short = np.maximum(problem.clock_min_hz - decision.clock_hz, 0.0)
    strangers = np.asarray(np.isin(decision.cut, problem.candidates, invert=True).sum(), dtype=np.float64)
    slack = f", {100 * problem.energy_slack:g} % slack" if problem.energy_slack else ""
    return Check(
        (
            Constraint(f"mean energy of a slot ({problem.energy_scope}{slack})", energy, problem.limits_j, "J"),
            Constraint("server clock in use", used, np.asarray(problem.clock_max_hz), "Hz"),
            Constraint("server clock short of its least by", short, np.asarray(0.0), "Hz"),
            Constraint("cuts that are no candidate", strangers, np.asarray(0), ""),
        )
    )


def explain(problem: SplitOverSlots) -> tuple[str, ...]:
    """Return the least mean energy of a slot for every budget that is below it."""
    form = problem.as_form(Slots)
    least = np.array([form.priced(0.0, axis).cost[b] for b, axis in enumerate(np.eye(form.budgets))])
    short = np.flatnonzero(least > form.allowed)
    slack = f" with {100 * problem.energy_slack:g} % slack" if problem.energy_slack else ""
    said = [
        f"{f'device {b + 1}: ' if form.budgets > 1 else ''}the least possible mean energy of a slot is "
        f"{quantity(least[b], 'J')}, the budget is {quantity(problem.budgets_j[b], 'J')}{slack}"
        for b in short[:NAMED]
    ]
    return (*said, *([f"and so for {len(short) - NAMED} more"] if len(short) > NAMED else []))
