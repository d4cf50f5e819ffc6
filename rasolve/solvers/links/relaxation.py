"""The relaxed choice of a set of subchannels for each client of an `OfdmaLink`, by column generation (ours).

The relaxation mixes sets (`Master`). Any prices of subchannels and of power refute the deadline if, with rhs = what the
power prices allow at most,

    Σ_k min_S (Σ_{i in S} price_i + b_k·power_k(S)) - Σ_i price_i > rhs,

and the minima are bounded in closed form (`Pricing`): the proof does not rest on the linear program that suggested the
prices. Prices between the best ones so far and the master's are tried (smoothing, textbook).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from rasolve.forms.power_demand import PowerDemand
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.lagrangian import Prices as Multipliers
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links.auction import Auction
from rasolve.solvers.links.master import Duals, Master
from rasolve.solvers.links.pricing import Pricing, Sets

PROOF = 1e-11
"""A certificate must exceed its right-hand side by this share of it: far above rounding."""

MEET = 1e-8
"""Difference of upper and lower value of the relaxation at which it counts as solved."""

IMPROVING = 1e-9
"""Reduced cost below which a set improves the relaxation."""

STEADY, STEADIER = 0.7, 0.3
"""Weight of the best prices so far in the next ones tried, and its factor when nothing new is found."""

LEAST_STEADY = 0.01
"""Weight below which prices count as the master's own: where these find nothing new, nothing else will."""

LEAST_RHS = 1e-9
"""Least right-hand side that suggested prices are scaled by, over the sum of the multipliers."""

WEAKEST_PRICE = 1e-6
"""Least price of power, so that costs can be taken in units of it."""

UNAFFORDABLE = 100.0
"""Cost that no set in a plan in time has, in units of the right-hand side."""

PARTS = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Thresholds of exact pricing, between the bound on a minimum and the least cost known."""

LISTED_AT_ONCE = 10
"""Sets of each client that exact pricing adds in one round."""

ROUNDS, SETS, NODES = 300, 5_000, 500
"""Usual effort for one deadline: rounds of prices, sets listed for one client, nodes of a search."""


@dataclass(frozen=True)
class Effort:
    """What deciding one deadline may take: rounds of prices, sets listed for a client, nodes of searches; the clock."""

    limits: Limits
    rounds: int
    sets: int
    nodes: int

    @classmethod
    def usual(cls, factor: float, limits: Limits) -> Effort:
        """Return the usual effort times a factor."""
        return cls(limits, round(ROUNDS * factor), round(SETS * factor), round(NODES * factor))


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of subchannels [M] and power [K] with right-hand side 1, the minima [K] there, and the value proved."""

    price: FloatArray
    power_price: FloatArray
    least: FloatArray
    value: float

    def cost(self, of: IntArray | int, sets: Sets, power: FloatArray) -> FloatArray:
        """Return what sets [S, M] with these powers [S] cost the clients ``of`` [S], or one client."""
        return np.asarray(self.power_price[of] * power + sets @ self.price)


@dataclass(frozen=True, eq=False)
class Memory:
    """Sets that were useful at other deadlines [S, M], each for a client [S], and the last prices."""

    of: IntArray
    sets: Sets
    prices: Prices


class Relaxation:
    """The relaxation at one deadline: the sets known to its ``master``, and the ``best`` prices so far."""

    def __init__(self, demand: PowerDemand, counts: IntArray, start: Prices, effort: Effort) -> None:
        self._demand, self.effort = demand, effort
        self.clients = np.arange(len(demand.cap))
        self._pricing = Pricing.around(demand, counts)
        self.master = Master(demand)
        self.best = replace(start, value=-INFINITY)

    @property
    def missing(self) -> float:
        """What the best prices lack to refute the deadline."""
        return 1.0 - self.best.value

    @property
    def memory(self) -> Memory:
        """What another deadline may begin with."""
        return Memory(self.master.of, self.master.sets, self.best)

    def learn(self, of: IntArray, sets: Sets) -> None:
        """Add those sets that are within their client's cap."""
        power = self._demand.powers(of, sets)
        kept = power <= self._demand.cap[of] * (1 + PROOF)
        self.master.add(of[kept], sets[kept], power[kept])

    def solve(self) -> bool:
        """Solve the relaxation; return whether its prices refute the deadline."""
        weight, exactly = STEADY, False
        for _ in range(self.effort.rounds):
            duals = self.master.solve()
            tried = _mixed(self.best, duals, weight, self._demand.cap)
            least, new = self._exact(tried, duals) if exactly else self._quick(tried, duals)
            value = float(least.sum() - tried.price.sum())
            if value > self.best.value:
                self.best = replace(tried, least=least, value=value)
            if value > 1 + PROOF:
                return True
            if duals.value - self.best.value < MEET or perf_counter() >= self.effort.limits.deadline:
                return False
            if new == 0 and weight < LEAST_STEADY:
                if exactly:
                    return False
                weight, exactly = STEADY, True
            elif new == 0 or exactly:
                weight *= STEADIER
        return False

    def _quick(self, tried: Prices, duals: Duals) -> tuple[FloatArray, int]:
        """Return bounds on the minima [K], and how many of the sets that suggested them are new and improve."""
        bound, sets = self._pricing.cheapest(tried.price / tried.power_price[:, None])
        of = np.repeat(self.clients, sets.shape[1])
        return bound.min(axis=1) * tried.power_price, self._improve(of, sets.reshape(len(of), -1), duals)

    def _exact(self, tried: Prices, duals: Duals) -> tuple[FloatArray, int]:
        """Return the minima themselves [K] where sets can be listed, bounds on them elsewhere, and how many are new.

        Sets are listed up to a threshold that rises from the bound: the first list that is not empty has the minimum.
        """
        least, new = self._quick(tried, duals)
        for client in self.clients.tolist():
            known = self.master.of == client
            cost = tried.cost(client, self.master.sets[known], self.master.power[known])
            bound, upper = float(least[client]), float(cost.min(initial=UNAFFORDABLE))
            for part in PARTS:
                threshold = bound + part * (upper - bound)
                if (found := self.listed(client, tried, threshold)) is None:
                    break
                sets, _, cost = found
                least[client] = min(threshold, cost.min(initial=np.inf))
                if len(sets):
                    cheapest = np.argsort(cost, kind="stable")[:LISTED_AT_ONCE]
                    new += self._improve(np.full(len(cheapest), client), sets[cheapest], duals)
                    break
        return least, new

    def listed(self, client: int, prices: Prices, threshold: float) -> tuple[Sets, FloatArray, FloatArray] | None:
        """Return a client's sets [S, M] that cost at most a threshold, their powers and costs [S]; None if too many."""
        power_price = prices.power_price[client]
        found = self._pricing.within(client, prices.price / power_price, threshold / power_price, self.effort.sets)
        if found is None:
            return None
        sets, power = found
        return sets, power, prices.cost(client, sets, power)

    def _improve(self, of: IntArray, sets: Sets, duals: Duals) -> int:
        """Add the sets that are within caps and improve the relaxation; return how many were new."""
        power = self._demand.powers(of, sets)
        reduced = duals.power_price[of] * power + sets @ duals.price - duals.worth[of]
        kept = (power <= self._demand.cap[of] * (1 + PROOF)) & (reduced < -IMPROVING)
        return self.master.add(of[kept], sets[kept], power[kept])


def suggested(demand: PowerDemand, near: Multipliers) -> Prices:
    """Return the prices that multipliers for single subchannels stand for: what the highest bid for each is."""
    auction = Auction(demand, demand.rows(near.counts))
    rows, clients = auction.rows, len(demand.cap)
    fill_price, load_price, handicap = auction.prices(near.v)
    with np.errstate(invalid="ignore"):
        worth = np.nan_to_num(demand.bids(fill_price, load_price).value + handicap[:, None], posinf=0.0)
    limits = rows.least < 0
    rhs = max(float(near.v[limits].sum()), LEAST_RHS)
    power_price = -(rows.matrix[limits].T @ near.v[limits])[clients : 2 * clients]
    price = np.maximum(worth.max(axis=0), 0.0)
    return Prices(price / rhs, np.maximum(power_price / rhs, WEAKEST_PRICE), np.zeros(clients), -INFINITY)


def _mixed(best: Prices, duals: Duals, weight: float, cap: FloatArray) -> Prices:
    """Return prices between the best ones and the master's, with right-hand side 1.

    b_k = β_0 + β_k/cap_k; the right-hand side is β_0 + Σ β_k, whatever β_0 <= min b_k is taken: the least is best.
    """
    price = weight * best.price + (1 - weight) * duals.price
    power_price = np.maximum(weight * best.power_price + (1 - weight) * duals.power_price, WEAKEST_PRICE)
    common = power_price.min()
    rhs = float(common + ((power_price - common) * cap).sum())
    return Prices(price / rhs, power_price / rhs, np.zeros(len(cap)), -INFINITY)
