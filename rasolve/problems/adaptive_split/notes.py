"""What a reader of a result must know: what was spent of the budgets, and where the queues stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasolve.forms.queues import queue_path
from rasolve.problems.adaptive_split.costs import energy_j, parts_of
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots


def notes(problem: SplitOverSlots, decision: SplitDecision | None) -> tuple[str, ...]:
    """Return the mean energy beside the budget, of several the one that is used most, and its queue at the end."""
    if decision is None:
        return ()
    energy = energy_j(problem, parts_of(problem, decision))
    spent, left = energy.mean(axis=0), queue_path(energy, problem.budgets_j)[-1]
    used = spent / problem.budgets_j
    b = int(used.argmax())
    whose = f"device {b + 1} uses most: " if len(used) > 1 else ""
    return (
        f"{whose}a slot takes {quantity(spent[b], 'J')} on average, {100 * used[b]:.4g} % of the budget; the queue "
        f"ends at {quantity(left[b], 'J')}, {quantity(left[b] / problem.slots, 'J')} a slot",
    )
