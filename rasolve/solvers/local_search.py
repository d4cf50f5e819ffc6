"""`local_search`: owners improved by exchanges, shaken and improved again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import Link
from rasolve.numerics import IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links.exchange import begin, polish
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class LocalSearchState(State):
    """The incumbent's owners [M], how many rounds there were, and how many in a row found nothing better."""

    owner: IntArray | None = None
    rounds: int = 0
    idle: int = 0


@register
@dataclass(frozen=True)
class LocalSearch(Solver[Link, LocalSearchState]):
    """Iterated local search over owners (textbook; costs: ours).

    From a start or the greedy rule: subchannels change hands and swap owners as long as that helps. Then, round by
    round, ``swaps`` random pairs swap owners and the search goes on from there, until ``patience`` rounds in a row
    found nothing better. Powers, where they are free, are optimal for the owners throughout.
    """

    name = "local_search"
    form = Link
    purpose = "heuristic: exchanges of subchannels, with optimal power; the bound is the cheap one"

    patience: int = 20
    swaps: int = 3

    def init(self, form: Link, limits: Limits) -> LocalSearchState:
        return LocalSearchState(None, INFINITY, form.lower_bound())

    def step(self, form: Link, state: LocalSearchState, limits: Limits) -> LocalSearchState:
        if state.owner is None:
            owner, value, objective = begin(form, limits.start)
            return replace(state, value=value, objective=objective, owner=owner)
        rng = np.random.default_rng([limits.seed, state.rounds])
        shaken = state.owner if state.rounds == 0 else self._shaken(state.owner, rng)
        owner, value, objective = polish(form, shaken)
        state = replace(state, rounds=state.rounds + 1, idle=state.idle + 1)
        if objective < state.objective:
            return replace(state, value=value, objective=objective, owner=owner, idle=0)
        return state

    def _shaken(self, owner: IntArray, rng: np.random.Generator) -> IntArray:
        one, other = rng.integers(0, len(owner), (2, self.swaps))
        shaken = owner.copy()
        for i, j in zip(one, other, strict=True):
            shaken[i], shaken[j] = shaken[j], shaken[i]
        return shaken

    def done(self, form: Link, state: LocalSearchState, limits: Limits) -> bool:
        return state.idle >= self.patience or state.bound >= min(limits.cutoff, state.objective)

    def multipliers(self, form: Link, state: LocalSearchState) -> dict[str, Any]:
        return form.worth(state.value)
