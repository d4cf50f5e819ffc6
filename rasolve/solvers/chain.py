"""`chain`: every cut of a linear model in one scan, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms import ClosedSet
from rasolve.solvers.base import Solver, State
from rasolve.solvers.cuts.scan import first, running, waist_costs
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class ChainState(State):
    """Whether the scan has been made."""

    scanned: bool


@register
@dataclass(frozen=True)
class Chain(Solver[ClosedSet, ChainState]):
    """Where all vertices stand in one line, closed sets are its beginnings: running sums give the costs of all.

    Outputs may skip vertices on the way to their consumers. Takes a budget and a batch (textbook).
    """

    name = "chain"
    form = ClosedSet
    purpose = "exact: all cuts of a linear order in one scan, vectorised over a batch"
    exact = True

    def refuses(self, form: ClosedSet) -> str | None:
        waists, n = form.precedence.waists, form.precedence.vertices
        branching = n - 1 - int(waists[0]) - (len(waists) - 1)
        return f"{branching} of {n} vertices lie on branches" if branching else None

    def init(self, form: ClosedSet, limits: Limits) -> ChainState:
        return ChainState(None, INFINITY, -INFINITY, scanned=False)

    def step(self, form: ClosedSet, state: ChainState, limits: Limits) -> ChainState:
        cost, waists = waist_costs(form), form.precedence.waists
        if form.use is not None:
            cost = np.where(running(form.use[form.precedence.order])[waists + 1] <= form.limit, cost, INFINITY)
        if not np.isfinite(cost[..., 0]).all():
            return ChainState(None, INFINITY, INFINITY, scanned=True)
        value = first(form.precedence, waists[cost.argmin(axis=-1)] + 1)
        objective = float(form.objectives(value).max())
        return ChainState(value, objective, objective, scanned=True)

    def done(self, form: ClosedSet, state: ChainState, limits: Limits) -> bool:
        return state.scanned
