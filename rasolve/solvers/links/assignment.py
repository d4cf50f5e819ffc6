"""Can a `FixedDensityLink` meet a deadline? A mixed-integer program in who owns what, asked for the largest slack.

    max s   subject to   Σ_i fill_{k,i}·x_{k,i} >= s,   Σ_k x_{k,i} <= 1,   Σ_i load_i·x_{k,i} <= cap_k,
                         Σ_i x_{k,i} >= fewest_k,   x whole

Fills are cut off at the largest slack that can be had (coefficient reduction), and counts are at least the fewest that
can serve a client: both leave the whole points and tighten the relaxation, the second one by far the most. Assignments
that lose more against the best bid than prices allow are left out (reduced-cost fixing, ours).

What a refutation is worth: HiGHS is asked for fills of 1 - LENIENT only, so its tolerance of 1e-9 cannot hide a plan;
what it finds in between and is not in time by exact arithmetic is cut off, client by client, by the rule that a set
that does not suffice needs a subchannel from outside. That its tree was searched without gaps is HiGHS's word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms import FixedDensityLink, MixedIntegerProgram
from rasolve.forms.fill import FillDemand
from rasolve.forms.link import NOBODY, Demand
from rasolve.numerics import ROUNDING, FloatArray, IntArray
from rasolve.solvers.lagrangian import Prices, prices_at
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links.auction import MARGIN, Auction
from rasolve.solvers.links.question import NOTHING, Answer
from rasolve.solvers.registry import solve_form

LENIENT = 1e-6
"""Relative shortfall of a fill that the program lets pass."""

SPARED = 1e-9
"""Loss, over the multipliers' sum, that is let pass for rounding."""

SLACK_GAP = 1e-4
"""Relative gap within which the largest slack is sought: a new deadline asks again."""

MOST_SLACK = 1e3
"""Slack beyond which nothing is asked for."""

MOST_CUTS = 50
"""Times that sets found insufficient are cut off for one deadline."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The assignments that a plan in time may hold: clients and subchannels [n]."""

    client: IntArray
    subchannel: IntArray


def candidates(demand: Demand, prices: Prices) -> Candidates | None:
    """Return the assignments that multipliers do not rule out, None where they rule out every plan.

    A plan loses against the highest bids at most what the multipliers lack to refute the deadline; so an assignment
    that loses more by itself is in no plan in time.
    """
    auction = Auction(demand, demand.rows(prices.counts))
    missing = -auction.gain(prices.v)
    if missing < -MARGIN:
        return None
    fill_price, load_price, handicap = auction.prices(prices.v)
    worth = demand.bids(fill_price, load_price).value + handicap[:, None]
    loss = np.maximum(worth.max(axis=0), 0.0) - worth
    return Candidates(*np.nonzero(loss <= missing * (1 + LENIENT) + SPARED))


def ask(form: FixedDensityLink, deadline: float, refuted: float, nodes: int, limits: Limits) -> Answer:
    """Return owners that meet the deadline, or what is refuted; ``refuted`` is a deadline known not to be met."""
    demand = form.demand(deadline)
    if demand.short:
        return Answer(refuted=deadline)
    allowed = candidates(demand, prices_at(form, deadline))
    if allowed is None:
        return Answer(refuted=deadline)
    most = _slack_of_deadline(form, deadline, refuted)
    insufficient: list[tuple[int, IntArray]] = []
    for _ in range(MOST_CUTS):
        program = _program(demand, allowed, most, insufficient)
        solution = solve_form(program, "highs", replace(limits.inner(), gap=SLACK_GAP), nodes=nodes)
        proved = _deadline_of_slack(form, deadline, -solution.bound)
        if solution.value is None:
            return Answer(refuted=deadline if solution.bound == INFINITY else proved)
        owner = _owners(allowed, solution.value, form.subchannels)
        missing = _insufficient(form, owner, deadline)
        if not missing:
            return Answer(owner, proved)
        insufficient += missing
    return Answer()


def _slack_of_deadline(form: FixedDensityLink, deadline: float, earlier: float) -> float:
    """Return a slack at the deadline that no plan reaches, given that an earlier deadline is refuted.

    Fills of at least s at τ meet every τ' with (τ - a_k)/(τ' - a_k) <= s for all k.
    """
    spare = np.maximum(earlier - form.offset_s, (deadline - form.offset_s) / MOST_SLACK)
    return float(((deadline - form.offset_s) / spare).max())


def _deadline_of_slack(form: FixedDensityLink, deadline: float, most: float) -> float:
    """Return the latest deadline that is refuted because no plan has slack above ``most`` at the given one.

    A plan in time for τ' has fills of at least (τ - a_k)/(τ' - a_k) at τ.
    """
    if not 0 < most < INFINITY:
        return NOTHING
    return float((form.offset_s + (deadline - form.offset_s) / (most * (1 + LENIENT))).min())


def _program(
    demand: FillDemand, allowed: Candidates, most: float, insufficient: list[tuple[int, IntArray]]
) -> MixedIntegerProgram:
    """Return the program for the largest slack s <= ``most``, its last variable, among the allowed assignments."""
    from scipy.sparse import csr_array, hstack, vstack

    client, subchannel = allowed.client, allowed.subchannel
    fill = np.minimum(demand.fill[client, subchannel], most)
    clients, count = len(demand.cap), len(client)
    variable = np.arange(count)

    def summed(coefficient: FloatArray, row: IntArray, rows: int) -> csr_array:
        return csr_array((coefficient, (row, variable)), shape=(rows, count))

    ones = np.ones(count)
    outside = [((client == k) & ~np.isin(subchannel, held)).astype(float) for k, held in insufficient]
    rows = [
        summed(fill, client, clients),
        summed(ones, subchannel, demand.subchannels),
        summed(demand.load[subchannel] / demand.cap[client], client, clients),
        summed(ones, client, clients),
        csr_array(np.reshape(outside, (len(outside), count))),
    ]
    low = [
        np.zeros(clients),
        *(np.full(r.shape[0], -INFINITY) for r in rows[1:3]),
        demand.fewest,
        np.ones(len(outside)),
    ]
    high = [np.full(clients, INFINITY), np.ones(demand.subchannels), np.full(clients, 1 + ROUNDING)]
    high += [np.full(r.shape[0], INFINITY) for r in rows[3:]]
    assigned = vstack(rows, format="csr")
    slack = csr_array((-np.ones(clients), (np.arange(clients), np.zeros(clients, int))), shape=(assigned.shape[0], 1))
    return MixedIntegerProgram(
        cost=np.append(np.zeros(count), -1.0),
        matrix=hstack([assigned, slack], format="csr"),
        row_low=np.concatenate(low),
        row_high=np.concatenate(high),
        low=np.append(np.zeros(count), 1 - LENIENT),
        high=np.append(ones, most),
        whole=np.append(np.ones(count, dtype=bool), False),
    )


def _owners(allowed: Candidates, x: FloatArray, subchannels: int) -> IntArray:
    """Return the owners [M] of a point of the program."""
    owner = np.full(subchannels, NOBODY)
    chosen = x[:-1] > 0.5
    owner[allowed.subchannel[chosen]] = allowed.client[chosen]
    return owner


def _insufficient(form: FixedDensityLink, owner: IntArray, deadline: float) -> list[tuple[int, IntArray]]:
    """Return the clients that are not in time, each with its subchannels."""
    late = np.flatnonzero(form.delays(owner) > deadline)
    return [(int(client), np.flatnonzero(owner == client)) for client in late]
