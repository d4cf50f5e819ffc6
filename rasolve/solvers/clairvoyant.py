"""`clairvoyant`: all items known at once, the gap of the dual closed by choosing alternatives through HiGHS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.forms import Separable
from rasolve.forms.dual import lower_bound, settled
from rasolve.solvers.base import Solver, State
from rasolve.solvers.items.knapsack import Master, least_choice, master_of, with_price, without
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class ClairvoyantState(State):
    """The price that maximises the dual, and the multiple-choice program so far; None before the first step.

    ``open`` bounds the choices not yet visited, ``closed`` those that are: the least of their own dual values.
    """

    price: float
    open: float
    closed: float = INFINITY
    master: Master | None = None


@register
@dataclass(frozen=True)
class Clairvoyant(Solver[Separable, ClairvoyantState]):
    """Exact for few items with one budget (ours): a multiple-choice program whose rows are values of the dual.

    Let x pick an alternative of each item. The best that x attains is, for within alternatives everything is convex,
    the largest over prices of Σ L_i,x(i)(price) - price·budget, where L_is is the least penalty + price·cost of
    alternative s. Each price is a row that holds for every x. The x that looks best is solved for its own price, which
    is the next row, so that none is visited twice; what bounds it is its own dual, not what it attains. HiGHS's
    bound is taken less a thousand times its tolerances, and that of the dual, which is proved by itself, where it is
    higher.
    """

    name = "clairvoyant"
    form = Separable
    purpose = "exact for few items with one budget: the dual, then multiple choice through HiGHS"
    exact = True
    most_items: int = 10_000

    def refuses(self, form: Separable) -> str | None:
        if form.each is None:
            return "its items have no alternatives to choose from"
        if form.budgets != 1:
            return f"it has {form.budgets} budgets, not one"
        if form.items > self.most_items:
            return f"it has {form.items} items, more than most_items = {self.most_items}"
        return None

    def init(self, form: Separable, limits: Limits) -> ClairvoyantState:
        found = solve_form(form, "prices", limits.inner())
        price = float(found.multipliers["prices"][0]) if found.multipliers else 0.0
        return ClairvoyantState(found.value, found.objective, found.bound, price, found.bound)

    def step(self, form: Separable, state: ClairvoyantState, limits: Limits) -> ClairvoyantState:
        master = state.master or master_of(form, state.price)
        which, bound = least_choice(master, state.objective, state.open, limits.deadline - perf_counter())
        state = _bounded(replace(state, master=master, open=min(max(state.open, bound), state.objective)))
        if which is None:
            return state
        held = form.held(which)
        price, found = settled(held, state.price)
        master = without(master, which)
        if found is None:
            return replace(state, master=master)
        closed = min(state.closed, lower_bound(held))
        state = _bounded(replace(state, master=with_price(form, master, price), closed=closed))
        objective = form.judge(found)
        return replace(state, value=found, objective=objective) if objective < state.objective else state

    def done(self, form: Separable, state: ClairvoyantState, limits: Limits) -> bool:
        return state.bound == INFINITY or state.objective - state.open <= 1e-12 * abs(state.objective)

    def multipliers(self, form: Separable, state: ClairvoyantState) -> dict[str, Any]:
        """Return the price [1] that maximises the dual."""
        return {"prices": np.array([state.price])}


def _bounded(state: ClairvoyantState) -> ClairvoyantState:
    """Return the state with the bound that holds for all choices: never less than the one before."""
    return replace(state, bound=max(state.bound, min(state.open, state.closed, state.objective)))
