"""`lagrangian`: the best proved bound that prices give, and the plan that they suggest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import Link
from rasolve.forms.link import NOBODY
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links.auction import MARGIN, Auction
from rasolve.solvers.links.exchange import begin, polish
from rasolve.solvers.registry import register

WARMEST = 0.3
"""First temperature times M."""

SETTLED = 0.1
"""Share of the gap by which prices could still raise the bound when it counts as settled."""

EXACT = 1e-12
"""Relative width within which the latest deadline that counts refute is found, and below which a bound is settled."""

MOST_RECENTRED = 2
"""Times that prices are sought at one deadline, each time around the counts that the last ones suggest."""

LEAP = 1e-4
"""First relative step below a deadline that prices do not refute; it grows fourfold."""

NARROW = 1e-8
"""Relative width within which the latest deadline that prices refute is found."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers [n] of a link's rows, the counts [K] that the rows are tight around, and shares [K, M] there."""

    v: FloatArray
    counts: IntArray
    share: FloatArray

    @property
    def expected(self) -> IntArray:
        """The counts [K] that the shares suggest."""
        return np.asarray(np.floor(self.share.sum(axis=1) + 1e-3), dtype=np.int64)


def gain(form: Link, deadline: float, prices: Prices) -> float:
    """Return how far the prices refute a deadline; inf where counts alone do, or where no time is left."""
    if deadline <= form.offset_s.max():
        return INFINITY
    demand = form.demand(deadline)
    return INFINITY if demand.short else Auction(demand, demand.rows(prices.counts)).gain(prices.v)


def prices_at(form: Link, deadline: float, counts: IntArray | None = None, best: bool = True) -> Prices:
    """Return prices of largest gain at a deadline for which counts suffice; of any gain, unless the ``best`` are asked.

    Rows are tight around ``counts`` (the fewest, unless given), and then around those that the prices suggest.
    """
    demand = form.demand(deadline)
    counts = demand.fewest if counts is None else counts
    for _ in range(MOST_RECENTRED):
        auction = Auction(demand, demand.rows(counts))
        v, share = auction.best(
            auction.start(), WARMEST / form.subchannels, enough=lambda reached: not best and reached > MARGIN
        )
        prices = Prices(v, counts, share)
        counts = prices.expected
        if (counts == prices.counts).all() or (not best and auction.gain(v) > MARGIN):
            break
    return prices


def latest_short(form: Link, proved: float, attained: float) -> float:
    """Return the latest deadline at which counts alone do not suffice; ``proved`` where they suffice from there on."""
    low, high = max(proved, float(form.offset_s.max())), attained
    while high - low > EXACT * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if form.demand(middle).short else (low, middle)
    return low if low > proved and form.demand(low).short else proved


def latest_refuted(form: Link, prices: Prices, proved: float, at: float) -> float:
    """Return a deadline that the prices, best at ``at``, refute, as late as they can; ``proved`` where none later."""
    low, high = at, at
    step = LEAP
    while not gain(form, low, prices) > MARGIN:
        high, low, step = low, at * (1 - step), 4 * step
        if low <= proved:
            return proved
    while high == low or gain(form, high, prices) > MARGIN:
        low, high, step = high, high * (1 + step), 4 * step
    while high - low > NARROW * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gain(form, middle, prices) > MARGIN else (low, middle)
    return max(low, proved)


def rounded(form: Link, share: FloatArray) -> IntArray:
    """Return owners [M]: each subchannel to its largest share, and to everybody at least one."""
    owner = np.where(share.max(axis=0) > 0, share.argmax(axis=0), NOBODY)
    for client in range(form.clients):
        if not (owner == client).any():
            held = np.bincount(owner[owner != NOBODY], minlength=form.clients)
            spare = np.append(held, 2)[owner] > 1
            owner[np.where(spare, share[client], -1.0).argmax()] = client
    return owner


@dataclass(frozen=True, eq=False)
class LagrangianState(State):
    """The latest prices, the earliest deadline that no prices refute, and whether the bound has settled."""

    prices: Prices | None = None
    open: float = INFINITY
    settled: bool = False


@register
@dataclass(frozen=True)
class Lagrangian(Solver[Link, LagrangianState]):
    """Prices for rate, power and counts (ours): a proved bound by weak duality, and a plan polished from the shares.

    The first step is the greedy rule, the second polishes it and proves the bound that counts alone give. Then, step by
    step, the best prices at the incumbent's deadline first and later halfway between what is refuted and what no prices
    refute; owners rounded from their shares and polished. Ends when the bound has settled: a small gap may remain.
    """

    name = "lagrangian"
    form = Link
    purpose = "proved bound by prices, plan by rounding and descent: fast, leaves a small gap"
    tightens = True

    def init(self, form: Link, limits: Limits) -> LagrangianState:
        bound = form.lower_bound()
        if bound < limits.cutoff < INFINITY and refuted(form, limits.cutoff):
            bound = limits.cutoff
        return LagrangianState(None, INFINITY, bound)

    def step(self, form: Link, state: LagrangianState, limits: Limits) -> LagrangianState:
        if state.value is None:
            _, value, objective = begin(form, limits.start)
            return replace(state, value=value, objective=objective)
        if state.open == INFINITY:
            _, value, objective = polish(form, form.owners(state.value))
            bound = min(latest_short(form, state.bound, objective), objective)
            return replace(state, value=value, objective=objective, bound=bound, open=objective)
        looked = state.prices
        at = state.open if looked is None else 0.5 * (state.bound + state.open)
        prices = prices_at(form, at, None if looked is None else looked.counts)
        bound = latest_refuted(form, prices, state.bound, at)
        earliest_open = at if bound < at else state.open
        _, value, objective = polish(form, rounded(form, prices.share))
        if objective < state.objective:
            state = replace(state, value=value, objective=objective)
        bound, earliest_open = min(bound, state.objective), min(earliest_open, state.objective)
        settled = earliest_open - bound <= max(SETTLED * (state.objective - bound), EXACT * state.objective)
        return replace(state, prices=prices, bound=bound, open=earliest_open, settled=settled)

    def done(self, form: Link, state: LagrangianState, limits: Limits) -> bool:
        return state.settled or state.bound >= min(limits.cutoff, state.objective)

    def multipliers(self, form: Link, state: LagrangianState) -> dict[str, Any]:
        return form.worth(state.value)


def refuted(form: Link, deadline: float) -> bool:
    """Return whether counts or prices prove that nothing meets the deadline."""
    if deadline <= form.offset_s.max() or form.demand(deadline).short:
        return True
    return gain(form, deadline, prices_at(form, deadline, best=False)) > MARGIN
