"""`closed_sets`: every closed set of a small graph, looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rasolve.forms import ClosedSet
from rasolve.forms.precedence import Mask, Precedence, closed_sets
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

MOST_CELLS = 2_000_000
"""Closed sets times vertices up to which they are enumerated."""


@dataclass(frozen=True, eq=False)
class ClosedSetsState(State):
    """Whether all sets have been looked at."""

    enumerated: bool


@register
@dataclass(frozen=True)
class ClosedSets(Solver[ClosedSet, ClosedSetsState]):
    """Enumeration of all closed sets, the reference for all other solvers; takes a budget and a batch (textbook)."""

    name = "closed_sets"
    form = ClosedSet
    purpose = "exact: all closed sets of a small graph, one by one"
    exact = True

    def refuses(self, form: ClosedSet) -> str | None:
        if _table(form.precedence) is None:
            return f"its closed sets are too many: more than {MOST_CELLS // form.precedence.vertices}"
        return None

    def init(self, form: ClosedSet, limits: Limits) -> ClosedSetsState:
        return ClosedSetsState(None, INFINITY, -INFINITY, enumerated=False)

    def step(self, form: ClosedSet, state: ClosedSetsState, limits: Limits) -> ClosedSetsState:
        sets = _table(form.precedence)
        assert sets is not None
        sets = sets[form.spent(sets) <= form.limit]
        if not len(sets):
            return ClosedSetsState(None, INFINITY, INFINITY, enumerated=True)
        value = sets[form.costs_of(sets).argmin(axis=-1)]
        objective = float(form.objectives(value).max())
        return ClosedSetsState(value, objective, objective, enumerated=True)

    def done(self, form: ClosedSet, state: ClosedSetsState, limits: Limits) -> bool:
        return state.enumerated


@lru_cache(maxsize=8)
def _table(precedence: Precedence) -> Mask | None:
    """Return all closed sets [sets, vertices] of a precedence, kept for the next costs on it; None where too many."""
    return closed_sets(precedence, MOST_CELLS)
