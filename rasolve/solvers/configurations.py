"""Can an `OfdmaLink` meet a deadline? Decided over whole sets of subchannels for each client (column generation, ours).

A plan picks for each client a set of subchannels on which its least power is within its cap; the sets are disjoint and
the powers add up to at most the total. The relaxation that mixes sets (`Master`) is far tighter than one that shares
single subchannels, since a client's rate and cap hold for each set as a whole. Any prices of subchannels and of power
refute the deadline if, with rhs = what the power prices allow at most,

    Σ_k min_S (Σ_{i in S} price_i + b_k·power_k(S)) - Σ_i price_i > rhs,

and the minima are bounded in closed form (`Pricing`): the proof does not rest on the linear program that suggested the
prices. Where they do not refute, every plan in time consists of sets whose excess over the minima adds up to at most
what is missing: these few sets are listed, and a search decides (`Partition`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from rasolve.forms import MixedIntegerProgram, OfdmaLink
from rasolve.forms.power_demand import PowerDemand
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.auction import Auction
from rasolve.solvers.base import INFINITY, Limits
from rasolve.solvers.lagrangian import Prices as Multipliers
from rasolve.solvers.master import Duals, Master
from rasolve.solvers.partition import EffortSpent, Listed, Partition
from rasolve.solvers.pricing import Pricing, Sets
from rasolve.solvers.question import Answer
from rasolve.solvers.registry import solve_form

PROOF = 1e-11
"""A certificate must exceed its right-hand side by this share of it: far above rounding."""

MEET = 1e-8
"""Difference of upper and lower value of the relaxation at which it counts as solved."""

IMPROVING = 1e-9
"""Reduced cost below which a set improves the relaxation."""

STEADY, STEADIER = 0.7, 0.3
"""Weight of the best prices so far in the next ones tried, and its factor when nothing new is found."""

ROUNDS, SETS, NODES = 300, 5_000, 500
"""Usual effort for one deadline: rounds of prices, sets listed for one client, nodes of a search."""

LEAST_RHS = 1e-9
"""Least right-hand side that suggested prices are scaled by, over the sum of the multipliers."""

WEAKEST_PRICE = 1e-6
"""Least price of power, so that costs can be taken in units of it."""

UNAFFORDABLE = 100.0
"""Cost that no set in a plan in time has, in units of the right-hand side."""

PARTS = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Thresholds of exact pricing, between the bound on a minimum and the least cost known."""

SHARES_SEARCHED = (1 / 16, 1 / 4, 1.0)
"""Parts of what is missing that the searched sets may lose against the relaxation; nothing at 1 is a refutation."""

LISTED_AT_ONCE = 10
"""Sets of each client that exact pricing adds in one round."""


@dataclass(frozen=True)
class Within:
    """What deciding one deadline may take: rounds of prices, sets listed for a client, nodes of searches; the clock."""

    limits: Limits
    rounds: int
    sets: int
    nodes: int

    @classmethod
    def effort(cls, factor: float, limits: Limits) -> Within:
        """Return the usual effort times a factor."""
        return cls(limits, round(ROUNDS * factor), round(SETS * factor), round(NODES * factor))


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of subchannels [M] and power [K] with right-hand side 1, the minima [K] there, and the value proved."""

    price: FloatArray
    power_price: FloatArray
    least: FloatArray
    value: float


@dataclass(frozen=True, eq=False)
class Memory:
    """Sets that were useful at other deadlines [S, M], each for a client [S], and the last prices."""

    of: IntArray
    sets: Sets
    prices: Prices


def ask(
    form: OfdmaLink, deadline: float, owner: IntArray, near: Multipliers, memory: Memory | None, within: Within
) -> Answer:
    """Return owners that meet the deadline, or that it is refuted, or neither where effort or time are spent.

    ``owner`` [M] is a plan to begin with, ``near`` the multipliers of a deadline nearby.
    """
    demand = form.demand(deadline)
    if demand.short:
        return Answer(refuted=deadline, memory=memory)
    start = memory.prices if memory is not None else _suggested(demand, near)
    relaxation = _Relaxation(demand, near.expected, start, within)
    relaxation.learn(np.arange(form.clients), owner == np.arange(form.clients)[:, None])
    if memory is not None:
        relaxation.learn(memory.of, memory.sets)
    if relaxation.solve():
        return Answer(refuted=deadline, memory=relaxation.memory)
    found = relaxation.mixed_into_whole()
    for share in SHARES_SEARCHED if found is None else ():
        try:
            found = relaxation.searched(share)
        except EffortSpent:
            return Answer(memory=relaxation.memory)
        if found is not None:
            break
    if found is None:
        return Answer(refuted=deadline, memory=relaxation.memory)
    return Answer(owner=_owners(form, found), memory=relaxation.memory)


def _owners(form: OfdmaLink, sets: Sets) -> IntArray:
    """Return the owners of disjoint sets [K, M]; what is in none goes to whoever hears it best."""
    return np.asarray(np.where(sets.any(axis=0), sets.argmax(axis=0), form.gain.argmax(axis=0)))


class _Relaxation:
    """The relaxation at one deadline, with the best prices found so far."""

    def __init__(self, demand: PowerDemand, counts: IntArray, start: Prices, within: Within) -> None:
        self._demand, self._within = demand, within
        self._clients = np.arange(len(demand.cap))
        self._pricing = Pricing.around(demand, counts)
        self._master = Master(demand)
        self._best = replace(start, value=-INFINITY)

    @property
    def missing(self) -> float:
        """What the best prices lack to refute the deadline."""
        return 1.0 - self._best.value

    @property
    def memory(self) -> Memory:
        """What another deadline may begin with."""
        return Memory(self._master.of, self._master.sets, self._best)

    def learn(self, of: IntArray, sets: Sets) -> None:
        """Add those sets that are within their client's cap."""
        power = self._demand.powers(of, sets)
        kept = power <= self._demand.cap[of] * (1 + PROOF)
        self._master.add(of[kept], sets[kept], power[kept])

    def solve(self) -> bool:
        """Solve the relaxation; return whether its prices refute the deadline."""
        weight, exactly = STEADY, False
        for _ in range(self._within.rounds):
            duals = self._master.solve()
            tried = _mixed(self._best, duals, weight, self._demand.cap)
            least, new = self._exact(tried, duals) if exactly else self._quick(tried, duals)
            value = float(least.sum() - tried.price.sum())
            if value > self._best.value:
                self._best = replace(tried, least=least, value=value)
            if value > 1 + PROOF:
                return True
            if duals.value - self._best.value < MEET or perf_counter() >= self._within.limits.deadline:
                return False
            if new == 0 and weight < 0.01 and exactly:
                return False
            if new == 0 and weight < 0.01:
                weight, exactly = STEADY, True
            elif new == 0 or exactly:
                weight *= STEADIER
        return False

    def _quick(self, tried: Prices, duals: Duals) -> tuple[FloatArray, int]:
        """Return bounds on the minima [K], and how many of the sets that suggested them are new and improve."""
        bound, sets = self._pricing.cheapest(tried.price / tried.power_price[:, None])
        of = np.repeat(self._clients, sets.shape[1])
        return bound.min(axis=1) * tried.power_price, self._improve(of, sets.reshape(len(of), -1), duals)

    def _exact(self, tried: Prices, duals: Duals) -> tuple[FloatArray, int]:
        """Return the minima themselves [K] where sets can be listed, bounds on them elsewhere, and how many are new.

        Sets are listed up to a threshold that rises from the bound: the first list that is not empty has the minimum.
        """
        least, new = self._quick(tried, duals)
        for client in self._clients.tolist():
            known = self._master.of == client
            price, power_price = tried.price, tried.power_price[client]
            cost = power_price * self._master.power[known] + self._master.sets[known] @ price
            bound, upper = float(least[client]), float(cost.min(initial=UNAFFORDABLE))
            for part in PARTS:
                threshold = bound + part * (upper - bound)
                found = self._pricing.within(client, price / power_price, threshold / power_price, self._within.sets)
                if found is None:
                    break
                sets, power = found
                cost = power_price * power + sets @ price
                least[client] = min(threshold, cost.min(initial=np.inf))
                if len(sets):
                    cheapest = np.argsort(cost, kind="stable")[:LISTED_AT_ONCE]
                    new += self._improve(np.full(len(cheapest), client), sets[cheapest], duals)
                    break
        return least, new

    def _improve(self, of: IntArray, sets: Sets, duals: Duals) -> int:
        """Add the sets that are within caps and improve the relaxation; return how many were new."""
        power = self._demand.powers(of, sets)
        reduced = duals.power_price[of] * power + sets @ duals.price - duals.worth[of]
        kept = (power <= self._demand.cap[of] * (1 + PROOF)) & (reduced < -IMPROVING)
        return self._master.add(of[kept], sets[kept], power[kept])

    def mixed_into_whole(self) -> Sets | None:
        """Return disjoint sets [K, M] in time from those known that a plan in time may have, by a whole program."""
        master, best = self._master, self._best
        cost = best.power_price[master.of] * master.power + master.sets @ best.price - best.least[master.of]
        kept = np.flatnonzero(cost <= self.missing + PROOF)
        of, sets, power = master.of[kept], master.sets[kept], master.power[kept]
        if len(np.unique(of)) < len(self._clients):
            return None
        program = self._whole_program(of, sets, power)
        solution = solve_form(
            program, "highs", replace(self._within.limits.inner(), gap=1e-6), nodes=self._within.nodes
        )
        if solution.value is None:
            return None
        chosen = solution.value > 0.5
        if power[chosen].sum() > 1:
            return None
        return np.asarray(sets[chosen][np.argsort(of[chosen])])

    def _whole_program(self, of: IntArray, sets: Sets, power: FloatArray) -> MixedIntegerProgram:
        """Return the choice of one of the given sets for each client, least power in total."""
        matrix = np.vstack([of == self._clients[:, None], sets.T, power])
        clients, subchannels = len(self._clients), self._demand.subchannels
        low = np.concatenate([np.ones(clients), np.full(subchannels + 1, -INFINITY)])
        none, all_of_it = np.zeros(len(power)), np.ones(len(power))
        return MixedIntegerProgram(power, matrix, low, np.ones(len(low)), none, all_of_it, True)

    def searched(self, share: float) -> Sets | None:
        """Return disjoint sets [K, M] in time with at most a share of the excess that a plan may have, None if none.

        Any plan in time consists of sets whose excess over the minima adds up to at most what is missing. Raises
        EffortSpent.
        """
        best, lists, slack = self._best, [], share * self.missing
        for client in self._clients.tolist():
            power_price = best.power_price[client]
            threshold = (best.least[client] + slack) / power_price
            found = self._pricing.within(client, best.price / power_price, threshold, self._within.sets)
            if found is None:
                raise EffortSpent
            sets, power = found
            excess = power_price * power + sets @ best.price - best.least[client]
            order = np.argsort(excess, kind="stable")
            lists.append(Listed(sets[order], excess[order], power[order]))
        if any(len(listed.excess) == 0 for listed in lists):
            return None
        whole = Partition(lists, slack + PROOF, 1 + PROOF, self._within.nodes).search()
        return None if whole is None else np.asarray(whole)


def _suggested(demand: PowerDemand, near: Multipliers) -> Prices:
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
