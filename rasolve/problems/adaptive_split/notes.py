"""What a reader of a result must know: what was spent of the budget, and where the queue stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms.queues import queue_path
from rasolve.problems.adaptive_split.costs import energy_j
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.problem import AdaptiveSplit


def notes(problem: AdaptiveSplit, decision: SplitDecision | None) -> tuple[str, ...]:
    """Return mean energy beside the budget, and the queue at the end, which bounds what is spent beyond it."""
    if decision is None:
        return ()
    energy = energy_j(problem, problem.parts(decision))
    spent, budget = float(energy.mean()), problem.energy_budget_j
    left = queue_path(energy[:, None], np.array([budget]))[-1, 0]
    return (
        f"a slot takes {quantity(spent, 'J')} on average, {100 * spent / budget:.4g} % of the budget; the queue ends at "
        f"{quantity(left, 'J')}, {quantity(left / problem.slots, 'J')} a slot",
    )
