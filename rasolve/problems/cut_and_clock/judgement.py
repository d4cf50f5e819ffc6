"""What a decision of CutAndClock costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Separable
from rasolve.problems.base import Check, Constraint, Evaluation
from rasolve.problems.clocked import reject_misfit
from rasolve.problems.cut_and_clock.costs import all_slopes, delay_s, energy_j, parts_of
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def evaluate(problem: CutAndClock, decision: CutAndClockDecision) -> Evaluation:
    """Return the mean utility, with every round's and device's utility, delay, energy in scope and parts [N, M]."""
    reject_misfit(decision, problem.gain.shape, problem.profile)
    parts = parts_of(problem, decision)
    delay, energy = delay_s(parts), energy_j(problem, parts)
    utility = all_slopes(problem).utility(delay.reshape(-1), energy.reshape(-1)).reshape(delay.shape)
    return Evaluation(float(utility.mean()), {**parts, "delay_s": delay, "energy_j": energy, "utility": utility})


def check(problem: CutAndClock, decision: CutAndClockDecision) -> Check:
    """Return the range of the clock, the candidate cuts and, where given, the budget."""
    reject_misfit(decision, problem.gain.shape, problem.profile)
    short = np.maximum(problem.clock_min_hz - decision.clock_hz, 0.0)
    strangers = np.asarray(np.isin(decision.cut, problem.candidates, invert=True).sum(), dtype=np.float64)
    found = [
        Constraint("server clock", decision.clock_hz, np.asarray(problem.server_clock_max_hz), "Hz"),
        Constraint("server clock short of its least by", short, np.asarray(0.0), "Hz"),
        Constraint("cuts that are no candidate", strangers, np.asarray(0), ""),
    ]
    if problem.energy_budget_j is not None:
        energy = energy_j(problem, parts_of(problem, decision)).mean()
        name = f"mean energy of a device's round ({problem.energy_scope})"
        found.append(Constraint(name, np.asarray(energy), np.asarray(problem.energy_budget_j), "J"))
    return Check(tuple(found))


def explain(problem: CutAndClock) -> tuple[str, ...]:
    """Return the least mean energy where the budget is below it."""
    if problem.energy_budget_j is None:
        return ()
    form = problem.as_form(Separable)
    least = form.priced(0.0, np.ones(1)).cost[0]
    if least <= form.allowed[0]:
        return ()
    return (
        f"the least possible mean energy of a device's round is {quantity(least, 'J')}, the budget is "
        f"{quantity(problem.energy_budget_j, 'J')}",
    )


def notes(problem: CutAndClock) -> tuple[str, ...]:
    """Return for how many decisions the corners do not span delay and energy, so that true extremes stand for them."""
    replaced = int(all_slopes(problem).replaced.sum())
    if not replaced:
        return ()
    return (
        f"in {replaced} of {problem.gain.size} decisions the corners (0, F_max) and (J, F_min) are no extremes of "
        "delay and energy: those over all cuts and clocks normalise them",
    )
