"""The cheapest sets of subchannels for each client of an `OfdmaLink` at given prices, with proof that none is cheaper.

A set S costs Σ_{i in S} price_i + b_k·power_k(S), where power_k(S) is the least power that gives client k its rate on
S. For any water level y that is at least exp(y)·nats_k - Σ_{i in S} ψ_i(y), the Lagrangian of the rate, with
ψ_i(y) = B_i·exp(y)·(x - 1 + exp(-x)), x = max(y + ln snr_{k,i}, 0). So over all sets with n subchannels nothing costs
less than b_k times

    exp(y)·nats_k + sum of the n smallest (price_i/b_k - ψ_i(y)),

concave in exp(y), and sets that cost little have small sums: they can be listed. All ours; weak duality is textbook.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.power_demand import PowerDemand
from rasolve.numerics import FloatArray, IntArray, marginal_efficiency

Sets = NDArray[np.bool_]

CLASSES = 6
"""Classes of counts: fewer than, four counts one by one, and more than."""

FIRST_HALVINGS, HALVINGS, REACH = 50, 12, 0.5
"""Halvings of the bracket around a water level: from nothing, and within ± REACH of the last one."""

BREADTH = 8
"""Partial sets kept for every set that may be listed in the end."""

COST_ROUNDING = 1e-12
"""Cost beyond a threshold, relative to the total power, up to which a set is still listed."""

SLACK = 1e-11
"""Relative excess over a cap that rounding may cause."""


@dataclass(eq=False)
class Pricing:
    """Prices sets for one deadline; remembers the last water levels, from which the next ones are near.

    ``low`` and ``high`` [K, CLASSES] are the counts of each class, low > high for an empty one.
    """

    demand: PowerDemand
    low: IntArray
    high: IntArray
    _level: FloatArray | None = field(default=None, repr=False)

    @classmethod
    def around(cls, demand: PowerDemand, counts: IntArray) -> Pricing:
        """Return the pricing with single counts from one below ``counts`` [K] on."""
        fewest, most = demand.fewest, demand.subchannels
        single = np.maximum(fewest, counts - 1)[:, None] + np.arange(CLASSES - 2)
        low = np.column_stack([fewest, single, single[:, -1] + 1])
        high = np.column_stack([single[:, 0] - 1, np.minimum(single, most), np.full(len(counts), most)])
        return cls(demand, low, high)

    def cheapest(self, price: FloatArray) -> tuple[FloatArray, Sets]:
        """Return bounds on cost/b [K, CLASSES] at prices over b [K, M], and the sets [K, CLASSES, M] found there."""
        demand, empty = self.demand, self.low > self.high
        bottom, top, halvings = self._bracket()
        best = np.full(empty.shape, -np.inf)
        level, chosen = bottom.copy(), np.zeros((*empty.shape, demand.subchannels), dtype=bool)
        for _ in range(halvings):
            middle = 0.5 * (bottom + top)
            bound, sets, rate = self._at(middle, price)
            better = bound > best
            best, level = np.where(better, bound, best), np.where(better, middle, level)
            chosen = np.where(better[:, :, None], sets, chosen)
            slow = rate < demand.nats_per_s[:, None]
            bottom, top = np.where(slow, middle, bottom), np.where(slow, top, middle)
        self._level = level
        return np.where(empty, np.inf, best), chosen

    def _bracket(self) -> tuple[FloatArray, FloatArray, int]:
        if self._level is not None:
            return self._level - REACH, self._level + REACH, HALVINGS
        demand, shape = self.demand, self.low.shape
        bottom = -demand.log_snr.max(axis=1)[:, None]
        top = (demand.nats_per_s / demand.width_hz.min() - demand.log_snr.min(axis=1))[:, None]
        return np.broadcast_to(bottom, shape), np.broadcast_to(top, shape), FIRST_HALVINGS

    def _at(self, level: FloatArray, price: FloatArray) -> tuple[FloatArray, Sets, FloatArray]:
        """Return bound [K, C], minimising sets [K, C, M] and their rates [K, C] at water levels [K, C]."""
        demand = self.demand
        x = np.maximum(level[:, :, None] + demand.log_snr[:, None, :], 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            line = price[:, None, :] - demand.width_hz * np.exp(level)[:, :, None] * marginal_efficiency(x)
            order = np.argsort(line, axis=2, kind="stable")
            line = np.take_along_axis(line, order, axis=2)
            rank = np.arange(demand.subchannels)
            taken = (rank < self.low[:, :, None]) | ((rank < self.high[:, :, None]) & (line < 0))
            bound = np.exp(level) * demand.nats_per_s[:, None] + np.where(taken, line, 0.0).sum(axis=2)
        sets = np.zeros_like(taken)
        np.put_along_axis(sets, order, taken, axis=2)
        rate = np.where(sets, demand.width_hz * x, 0.0).sum(axis=2)
        return np.where(np.isnan(bound), -np.inf, bound), sets, rate

    def within(self, client: int, price: FloatArray, threshold: float, most: int) -> tuple[Sets, FloatArray] | None:
        """Return all sets [S, M] of a client whose cost/b at prices over b [M] is within a threshold, and their powers.

        Only sets whose power is within the client's cap count. None where there would be more than ``most``.
        """
        assert self._level is not None
        found: list[Sets] = []
        for low, high, level in zip(self.low[client], self.high[client], self._level[client], strict=True):
            for count in range(int(low), int(high) + 1):
                line, rest = self._line(client, price, level, threshold)
                if np.sort(line)[:count].sum() > rest and np.all(np.sort(line)[:count][-1:] >= 0):
                    break
                listed = _subsets(line, count, rest, most - sum(map(len, found)))
                if listed is None:
                    return None
                found.append(listed)
        sets = np.concatenate(found) if found else np.zeros((0, self.demand.subchannels), dtype=bool)
        power = self.demand.powers(np.full(len(sets), client), sets)
        kept = (power + sets @ price <= threshold + COST_ROUNDING) & (power <= self.demand.cap[client] * (1 + SLACK))
        return sets[kept], power[kept]

    def _line(self, client: int, price: FloatArray, level: float, threshold: float) -> tuple[FloatArray, float]:
        """Return what each subchannel adds to the bound at a water level, and what may be added up to the threshold."""
        demand = self.demand
        x = np.maximum(level + demand.log_snr[client], 0.0)
        line = price - demand.width_hz * np.exp(level) * marginal_efficiency(x)
        return line, threshold + COST_ROUNDING - float(np.exp(level)) * float(demand.nats_per_s[client])


def _subsets(value: FloatArray, count: int, limit: float, most: int) -> Sets | None:
    """Return all subsets [S, M] of ``count`` entries whose values add up to at most a limit; None where too many.

    Grows sorted subsets entry by entry, together: one is kept if the cheapest completion is within the limit.
    """
    order = np.argsort(value, kind="stable")
    ranked = value[order]
    prefix = np.concatenate([[0.0], np.cumsum(ranked)])
    sets = np.zeros((1, len(value)), dtype=bool)
    total, last = np.zeros(1), np.full(1, -1)
    for chosen in range(count):
        rest = count - chosen - 1
        following = np.arange(len(value) - rest)
        completed = ranked[following] + prefix[following + 1 + rest] - prefix[following + 1]
        branches = np.maximum(np.searchsorted(completed, limit - total, side="right") - (last + 1), 0)
        size = int(branches.sum())
        if size > BREADTH * max(most, 0):
            return None
        parent = np.repeat(np.arange(len(total)), branches)
        entry = last[parent] + 1 + np.arange(size) - np.repeat(np.cumsum(branches) - branches, branches)
        sets = sets[parent]
        sets[np.arange(size), order[entry]] = True
        total, last = total[parent] + ranked[entry], entry
    return sets
