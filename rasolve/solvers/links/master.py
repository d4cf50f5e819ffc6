"""The relaxed choice of one set of subchannels for each client, over the sets known so far, and its prices.

    min t   subject to   Σ_S λ_{k,S} = 1,   Σ_{k, S with i} λ_{k,S} <= 1,   Σ_S λ_{k,S}·power_k(S) <= cap_k·t,
                         Σ_{k,S} λ_{k,S}·power_k(S) <= t,   λ >= 0

with powers over the total power, so that t <= 1 is necessary for a deadline to be met. Its dual variables are a price
for each subchannel and, for each client, a price b_k of its power.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.forms.power_demand import PowerDemand
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.highs import quiet_highs
from rasolve.solvers.links.pricing import Sets

UNSERVED = 20.0
"""Cost of leaving a client without a set, in units of t: far above 1, so that it happens only where it must."""


@dataclass(frozen=True, eq=False)
class Duals:
    """Optimum t, each client's worth [K], prices of subchannels [M] and of power [K], shares of sets [columns]."""

    value: float
    worth: FloatArray
    price: FloatArray
    power_price: FloatArray
    share: FloatArray


class Master:
    """The linear program, growing by sets: ``of`` (clients) [S], ``sets`` [S, M] and their ``power`` [S]."""

    def __init__(self, demand: PowerDemand) -> None:
        self._demand = demand
        self._highs = self._empty()
        self._known: set[tuple[int, bytes]] = set()
        self.of: IntArray = np.zeros(0, dtype=np.int64)
        self.sets: Sets = np.zeros((0, demand.subchannels), dtype=bool)
        self.power: FloatArray = np.zeros(0)

    def _empty(self) -> Any:
        """Return the program without sets: K clients unserved, and t."""
        import highspy

        clients, subchannels = len(self._demand.cap), self._demand.subchannels
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = clients + 1, 2 * clients + subchannels + 1
        lp.col_cost_ = np.append(np.full(clients, UNSERVED), 1.0)
        lp.col_lower_, lp.col_upper_ = np.zeros(clients + 1), np.full(clients + 1, highspy.kHighsInf)
        upper = np.concatenate([np.ones(clients + subchannels), np.zeros(clients + 1)])
        lp.row_lower_ = np.concatenate([np.ones(clients), np.full(len(upper) - clients, -highspy.kHighsInf)])
        lp.row_upper_ = upper
        limits = clients + subchannels + np.arange(clients + 1)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.append(np.arange(clients + 1), 2 * clients + 1)
        lp.a_matrix_.index_ = np.concatenate([np.arange(clients), limits])
        lp.a_matrix_.value_ = np.append(np.ones(clients), -np.ones(clients + 1))
        highs = quiet_highs()
        highs.passModel(lp)
        return highs

    def add(self, of: IntArray, sets: Sets, power: FloatArray) -> int:
        """Add those sets [S, M] of clients ``of`` [S] that are not known yet; return how many."""
        new = []
        for row, (client, members) in enumerate(zip(of.tolist(), sets, strict=True)):
            key = (client, members.tobytes())
            if key not in self._known:
                self._known.add(key)
                new.append(row)
        if not new:
            return 0
        self._extend(of[new], sets[new], power[new])
        return len(new)

    def _extend(self, of: IntArray, sets: Sets, power: FloatArray) -> None:
        import highspy

        clients, subchannels = len(self._demand.cap), self._demand.subchannels
        column, member = np.nonzero(sets)
        sizes = sets.sum(axis=1)
        start = np.concatenate([[0], np.cumsum(sizes + 3)[:-1]])
        index = np.empty(int((sizes + 3).sum()), dtype=np.int32)
        value = np.ones(len(index))
        place = start[column] + np.arange(len(column)) - (np.cumsum(sizes) - sizes)[column]
        index[place] = clients + member
        last = start + sizes
        index[last], index[last + 1], index[last + 2] = of, clients + subchannels + of, 2 * clients + subchannels
        value[last + 1], value[last + 2] = power / self._demand.cap[of], power
        infinite = np.full(len(of), highspy.kHighsInf)
        nothing = np.zeros(len(of))
        self._highs.addCols(len(of), nothing, nothing, infinite, len(index), start.astype(np.int32), index, value)
        self.of = np.concatenate([self.of, of])
        self.sets = np.concatenate([self.sets, sets])
        self.power = np.concatenate([self.power, power])

    def solve(self) -> Duals:
        """Return the optimum over the sets known so far."""
        clients, subchannels = len(self._demand.cap), self._demand.subchannels
        self._highs.run()
        solution = self._highs.getSolution()
        row = np.asarray(solution.row_dual)
        caps = np.maximum(-row[clients + subchannels : -1], 0.0)
        return Duals(
            value=float(self._highs.getInfo().objective_function_value),
            worth=row[:clients],
            price=np.maximum(-row[clients : clients + subchannels], 0.0),
            power_price=max(-row[-1], 0.0) + caps / self._demand.cap,
            share=np.asarray(solution.col_value)[clients + 1 :],
        )
