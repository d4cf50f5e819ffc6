"""`separate`: items that nothing joins, each minimised by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms import Separable
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@register
@dataclass(frozen=True)
class Separate(Solver[Separable, State]):
    """Without budgets the least penalty of every item is the least of all (textbook); one response, and it is exact."""

    name = "separate"
    form = Separable
    purpose = "exact without budgets: every item by itself"
    exact = True

    def refuses(self, form: Separable) -> str | None:
        if form.budgets:
            return f"its items are joined by {form.budgets} budget{'s' if form.budgets > 1 else ''}"
        return "its responses may miss the least" if form.floor is not None else None

    def init(self, form: Separable, limits: Limits) -> State:
        return State(None, INFINITY, -INFINITY)

    def step(self, form: Separable, state: State, limits: Limits) -> State:
        found = form.answer(1.0, np.zeros(0))
        objective = form.objective(found)
        return State(found, objective, objective)

    def done(self, form: Separable, state: State, limits: Limits) -> bool:
        return state.value is not None
