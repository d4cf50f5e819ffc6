"""`budgeted_cut`: the cheapest closed set within a budget, by minimum cuts at a price of it, and branching."""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

from rasolve.forms import ClosedSet, CutNetwork
from rasolve.forms.precedence import Mask
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.min_cut import reached
from rasolve.solvers.registry import register, solve_form

MOST_REPAIRS = 64
"""Sets between one that keeps the budget and one that does not that are tried at each node."""

EQUAL = 1e-12
"""Relative difference of costs below which a set is no cheaper than another."""


@dataclass(frozen=True, eq=False)
class Node:
    """A part of the search: the sets with all vertices of ``within`` and none of ``without``.

    They cost at least ``bound``, proved at ``price`` per unit of the budget.
    """

    within: tuple[int, ...]
    without: tuple[int, ...]
    bound: float
    price: float


@dataclass(frozen=True, eq=False)
class Dual:
    """What prices say of a node: a bound, the price that gives it, the best set found within the budget.

    ``poor`` keeps the budget and ``rich`` does not; at the price both are optimal. ``rich`` is None where nothing is
    left to search.
    """

    bound: float
    price: float
    poor: Mask | None
    rich: Mask | None


@dataclass(frozen=True, eq=False)
class BudgetedState(State):
    """Nodes still to be searched, by rising bound; the least bound of what was cut off; the root's price."""

    waiting: tuple[tuple[float, int, Node], ...]
    excluded: float
    price: float


@register
@dataclass(frozen=True)
class BudgetedCut(Solver[ClosedSet, BudgetedState]):
    """Lagrangian relaxation of the budget inside branch and bound (textbook; every bound is a minimum cut's).

    At a price λ per unit of the budget the cheapest set is a minimum cut, and its cost less λ·budget bounds what any
    set within the budget costs. That bound is concave and piecewise linear in λ: from a set that spends too much and
    one that does not, the price at which both cost the same is tried next, until nothing cheaper turns up there. Sets
    between the two are tried as incumbents. Where a gap is left, the vertex at which the budget would be exceeded on
    the way from one to the other is put in and put out. Without a budget one cut is all.
    """

    name = "budgeted_cut"
    form = ClosedSet
    purpose = "exact: minimum cuts at a price of the budget, branching where they leave a gap"
    exact = True

    def refuses(self, form: ClosedSet) -> str | None:
        return "it is a batch: solve its instances one by one" if form.batch else None

    def init(self, form: ClosedSet, limits: Limits) -> BudgetedState:
        root = Node((), (), -INFINITY, 0.0)
        return BudgetedState(None, INFINITY, -INFINITY, ((root.bound, 0, root),), INFINITY, 0.0)

    def step(self, form: ClosedSet, state: BudgetedState, limits: Limits) -> BudgetedState:
        waiting = list(state.waiting)
        _, number, node = heappop(waiting)
        is_root = not node.within and not node.without
        useless = limits.cutoff_below(state.objective)
        dual = best_price(form, node, useless, limits)
        value, objective = state.value, state.objective
        if dual.poor is not None:
            found = dual.poor if dual.rich is None else cheapest_between(form, dual.poor, dual.rich)
            cost = float(form.objectives(found))
            if cost < objective:
                value, objective = found, cost
        excluded = state.excluded
        if dual.rich is None or dual.poor is None:
            excluded = min(excluded, dual.bound)
        else:
            split = critical(form, dual.poor, dual.rich)
            bound = max(node.bound, dual.bound)
            tickets = count(2 * number + 1)
            for within, without in (((split,), ()), ((), (split,))):
                child = Node(node.within + within, node.without + without, bound, dual.price)
                heappush(waiting, (bound, next(tickets), child))
        lowest = min(excluded, waiting[0][0] if waiting else INFINITY)
        bound = max(state.bound, min(lowest, objective))
        price = dual.price if is_root else state.price
        return BudgetedState(value, objective, bound, tuple(waiting), excluded, price)

    def done(self, form: ClosedSet, state: BudgetedState, limits: Limits) -> bool:
        return not state.waiting or state.waiting[0][0] >= limits.cutoff_below(state.objective)

    def multipliers(self, form: ClosedSet, state: BudgetedState) -> dict[str, Any]:
        """Return what one more unit of the budget is worth, by the relaxation; nothing without a budget."""
        return {} if form.budget is None else {"budget": state.price}


def best_price(form: ClosedSet, node: Node, useless: float, limits: Limits) -> Dual:
    """Return the price that bounds a node best, or the first at which the bound shows that the node is useless."""
    poor = least_set(form, node)
    if poor is None or form.spent(poor) > form.limit:
        return Dual(INFINITY, 0.0, None, None)
    rich, bound = cheapest(form, node, 0.0, limits)
    if form.spent(rich) <= form.limit:
        return Dual(bound, 0.0, rich, None)
    price, best = node.price or equal_price(form, poor, rich), 0.0
    while bound < useless:
        chosen, at_price = cheapest(form, node, price, limits)
        if at_price > bound:
            bound, best = at_price, price
        rival = poor if form.spent(chosen) <= form.limit else rich
        new = priced(form, chosen, price) < priced(form, rival, price) * (1 - EQUAL)
        if new:
            poor, rich = (chosen, rich) if rival is poor else (poor, chosen)
        tried, price = price, equal_price(form, poor, rich)
        if not new and price == tried:
            return Dual(bound, best, poor, rich)
    return Dual(bound, best, poor, None)


def priced(form: ClosedSet, chosen: Mask, price: float) -> float:
    """Return what a set costs when it pays for what it uses of the budget."""
    return float(form.objectives(chosen) + price * form.spent(chosen))


def equal_price(form: ClosedSet, poor: Mask, rich: Mask) -> float:
    """Return the price at which both sets cost the same."""
    return float((form.objectives(poor) - form.objectives(rich)) / (form.spent(rich) - form.spent(poor)))


def cheapest(form: ClosedSet, node: Node, price: float, limits: Limits) -> tuple[Mask, float]:
    """Return the cheapest set of a node at a price, and the bound that this price proves."""
    bought = form if form.use is None else replace(form, inside=form.inside + price * form.use, use=None, budget=None)
    solution = solve_form(forced(bought.network(), node, form.precedence.vertices), "min_cut", limits.inner())
    refund = 0.0 if form.use is None else price * form.limit
    return np.asarray(solution.value[: form.precedence.vertices]), solution.bound - refund


def forced(network: CutNetwork, node: Node, vertices: int) -> CutNetwork:
    """Return the network with a node's vertices kept on their sides.

    Its first arcs lead from the source to each vertex, the next from each to the sink.
    """
    capacities = network.capacities.copy()
    capacities[list(node.within)] = INFINITY
    capacities[[vertices + v for v in node.without]] = INFINITY
    return replace(network, capacities=capacities)


def least_set(form: ClosedSet, node: Node) -> Mask | None:
    """Return the least set of a node, what it must hold with all ancestors; None where it must not hold one of them."""
    network = forced(form.network(), node, form.precedence.vertices)
    wiring = network.wiring
    side = reached(wiring.entries, np.isinf(wiring.on_entries(network.capacities)), wiring.source)
    return None if side[wiring.sink] else np.asarray(side[: form.precedence.vertices])


def cheapest_between(form: ClosedSet, poor: Mask, rich: Mask) -> Mask:
    """Return the cheapest within the budget of `poor` and its unions with beginnings of `rich` in order."""
    steps = np.sort(form.precedence.position[rich & ~poor])
    if len(steps) > MOST_REPAIRS:
        steps = steps[np.linspace(0, len(steps) - 1, MOST_REPAIRS).astype(int)]
    tried = np.concatenate([poor[None], poor | (rich & (form.precedence.position <= steps[:, None]))])
    affordable = tried[form.spent(tried) <= form.limit]
    return np.asarray(affordable[form.costs_of(affordable).argmin()])


def critical(form: ClosedSet, poor: Mask, rich: Mask) -> int:
    """Return the vertex of `rich` at which the budget is exceeded when its vertices join `poor` in order."""
    order = form.precedence.order
    joining = order[(rich & ~poor)[order]]
    assert form.use is not None
    spent = form.spent(poor) + np.cumsum(form.use[joining])
    return int(joining[np.append(spent[:-1], np.inf) > form.limit][0])
