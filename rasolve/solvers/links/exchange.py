"""Descent by exchanges: one subchannel changes hands, or two swap owners, whichever lowers a cost most."""

from __future__ import annotations

from typing import Any

import numpy as np

from rasolve.forms.link import NOBODY, Ledger, Link
from rasolve.numerics import IntArray
from rasolve.solvers.greedy import straggler_first

SHARPNESS = (100.0, 300.0, 1000.0, 3000.0)
"""From costs to which all clients contribute to costs that almost only the last one decides."""

LEAST_SAVING = 1e-12
"""Saving over the summed cost below which a descent has ended."""

MOST_SWAPPED = 1500
"""Subchannels up to which all pairs are tried as swaps; beyond, single subchannels only change hands."""


def descend(ledger: Ledger, owner: IntArray, clients: int) -> IntArray:
    """Return the owners [M] at which no exchange lowers the ledger's summed cost.

    Ends, too, at an exchange that promised to lower it and did not: costs lost in rounding could lead round in circles.
    """
    table, cost = _Table(ledger, owner, clients), np.inf
    while table.cost < cost:
        owner, cost = table.owner.copy(), table.cost
        if not table.exchange():
            break
    return owner


def polish(form: Link, owner: IntArray) -> tuple[IntArray, Any, float]:
    """Return owners that no descent improves any more, their value and its objective; never worse than given.

    Descends at the attained deadline, from soft costs to sharp ones, and again at each new deadline.
    """
    value, objective = form.served(owner)
    improved = True
    while improved and objective < np.inf:
        improved, trial = False, owner
        for sharpness in SHARPNESS:
            trial = descend(form.demand(objective).ledger(sharpness), trial, form.clients)
            tried, attained = form.served(trial)
            if attained < objective:
                owner, value, objective, improved = trial, tried, attained, True
    return owner, value, objective


def begin(form: Link, start: Any) -> tuple[IntArray, Any, float]:
    """Return owners, their value and objective: of a value to start from if it serves everybody, or of the greedy rule.

    Needs a form whose lower bound is finite.
    """
    if start is not None:
        owner = form.owners(start)
        value, objective = form.served(owner)
        if objective < np.inf:
            return owner, value, objective
    owner = straggler_first(form)
    return owner, *form.served(owner)


class _Table:
    """Owners, and what each exchange would leave each client to pay; rows K of clients stand for nobody."""

    def __init__(self, ledger: Ledger, owner: IntArray, clients: int) -> None:
        self._ledger, self._clients, self.owner = ledger, clients, owner.copy()
        subchannels = len(owner)
        self._now, self._joined = np.zeros(clients + 1), np.zeros((clients + 1, subchannels))
        self._without = np.zeros(subchannels)
        self._swapping = subchannels <= MOST_SWAPPED
        self._instead = np.zeros((subchannels, subchannels if self._swapping else 0))
        self._refresh(np.arange(clients), np.arange(subchannels))

    @property
    def cost(self) -> float:
        """The summed cost of all clients."""
        return float(self._now.sum())

    def _refresh(self, clients: IntArray, subchannels: IntArray) -> None:
        self._now[clients], self._joined[clients] = self._ledger.of_clients(self.owner, clients)
        self._without[subchannels], instead = self._ledger.of_subchannels(self.owner, subchannels)
        if self._swapping:
            self._instead[subchannels] = instead

    def exchange(self) -> bool:
        """Carry out the exchange that saves most; return whether any saves anything."""
        of = np.where(self.owner == NOBODY, self._clients, self.owner)
        left = self._without - self._now[of]
        moved = self._joined - self._now[:, None] + left
        moved[of, np.arange(len(of))] = np.inf
        to, subchannel = np.unravel_index(moved.argmin(), moved.shape)
        one, other = self._best_swap(of)
        least = -LEAST_SAVING * self._now.sum()
        swap = self._swap_cost(of, one, other)
        if not min(moved[to, subchannel], swap) < least:
            return False
        if moved[to, subchannel] <= swap:
            changed = np.unique([of[subchannel], to])
            self.owner[subchannel] = NOBODY if to == self._clients else to
        else:
            changed = np.unique([of[one], of[other]])
            self.owner[[one, other]] = self.owner[[other, one]]
        changed = changed[changed < self._clients]
        self._refresh(changed, np.flatnonzero(np.isin(self.owner, [*changed, NOBODY])))
        return True

    def _best_swap(self, of: IntArray) -> tuple[int, int]:
        """Return the two subchannels whose swap saves most."""
        if not self._swapping:
            return 0, 0
        paid = self._instead - self._now[of][:, None]
        cost = paid + paid.T
        cost[of[:, None] == of] = np.inf
        one, other = np.unravel_index(cost.argmin(), cost.shape)
        return int(one), int(other)

    def _swap_cost(self, of: IntArray, one: int, other: int) -> float:
        if of[one] == of[other]:
            return float(np.inf)
        paid = self._instead[one, other] + self._instead[other, one]
        return float(paid - self._now[of[one]] - self._now[of[other]])
