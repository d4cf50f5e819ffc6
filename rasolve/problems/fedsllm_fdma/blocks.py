"""The problem in blocks: bandwidth, power, cut, rank, each with the others fixed (ours, after the published scheme).

Coordinate steps on a min-max stall. Where all clients end together and both budgets are spent, no bandwidth alone and
no power alone makes the last client faster without another becoming last: every step is optimal for its block, and yet
a client with a good channel could give bandwidth and take power, one with a poor channel the reverse. So the descent
ends after about one round, above the optimum; the gap to the bound is reported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import (
    Block,
    Blocks,
    Choice,
    Chosen,
    FdmaAllocation,
    FdmaShares,
    Formulation,
    MinMaxShares,
    Shares,
    Sum,
    Term,
)
from rasolve.numerics import FloatArray
from rasolve.problems.fedsllm.choice import common, common_to_all, loads, pairs, tabulated
from rasolve.problems.fedsllm_fdma.choice import allocations, decision, fed_link, lower_bound, main_links
from rasolve.problems.fedsllm_fdma.decision import FedsLLMFdmaDecision
from rasolve.problems.fedsllm_fdma.judgement import check, evaluate, rates
from rasolve.scenario.radio import bandwidth_for_rate, power_for_rate

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma


def formulate(problem: FedsLLMFdma) -> Formulation:
    """Return the blocks, started from equal shares at the middle candidate cut and rank."""
    form = Blocks(
        blocks=(
            Block("bandwidth", lambda d: _bandwidth(problem, d)),
            Block("power", lambda d: _power(problem, d)),
            Block("cut", lambda d: shares_kept(problem, d, [p for p in pairs(problem) if p[1] == d.rank[0]])),
            Block("rank", lambda d: shares_kept(problem, d, [p for p in pairs(problem) if p[0] == d.cut[0]])),
        ),
        objective=lambda d: evaluate(problem, d).objective if check(problem, d).feasible else float("inf"),
        start=_start(problem),
        bound=lower_bound(problem),
    )
    return Formulation(form, lift=lambda d: d, lift_bound=lambda bound: bound, lower=lambda d: d)


def equal_shares(link: FdmaShares) -> FdmaAllocation:
    """Return the same bandwidth for each client, and the same power or what its cap allows."""
    share = np.full(link.clients, 1.0 / link.clients)
    return FdmaAllocation(share * link.total_bandwidth_hz, np.minimum(share * link.total_power_w, link.client_power_w))


def links(problem: FedsLLMFdma, pair: tuple[int, int]) -> tuple[FdmaShares, FdmaShares]:
    """Return the main link at a common cut and rank, and the federated link."""
    due = loads(problem, [pair])
    return main_links(problem, due.forward_s[0], due.upload_bits[0]), fed_link(problem)


def _start(problem: FedsLLMFdma) -> FedsLLMFdmaDecision | None:
    fitting = pairs(problem)
    if not fitting:
        return None
    pair = sorted(fitting)[len(fitting) // 2]
    return decision(problem, pair, *map(equal_shares, links(problem, pair)))


def _of(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> tuple[FdmaShares, FdmaShares]:
    return links(problem, (int(d.cut[0]), int(d.rank[0])))


def _owed(link: FdmaShares, deadline: FloatArray) -> FloatArray:
    """Return the rate [..., K, bit/s] that each client owes a deadline [..., s]."""
    with np.errstate(divide="ignore"):
        return np.asarray(link.payload_bits / (deadline[..., None] - link.offset_s))


def _bandwidth(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> Formulation:
    """Bandwidth with the powers kept: a deadline that each link's band can just meet."""

    def step(link: FdmaShares, kept: FdmaAllocation) -> Term:
        def need(deadline: FloatArray) -> FloatArray:
            return bandwidth_for_rate(_owed(link, deadline), kept.power_w, link.gain, link.noise_w_per_hz)

        band = link.total_bandwidth_hz
        return Term(1.0, MinMaxShares(need, link.offset_s.max(), band, np.full(link.clients, band)))

    def lift(shares: tuple[Shares, Shares]) -> FedsLLMFdmaDecision:
        return replace(d, main_bandwidth_hz=shares[0].share, fed_bandwidth_hz=shares[1].share)

    return Formulation(Sum(tuple(map(step, _of(problem, d), allocations(d)))), lift)


def _power(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> Formulation:
    """Power with the bandwidths kept: a deadline that each link's total and the caps can just meet."""

    def step(link: FdmaShares, kept: FdmaAllocation) -> Term:
        def need(deadline: FloatArray) -> FloatArray:
            return power_for_rate(_owed(link, deadline), kept.bandwidth_hz, link.gain, link.noise_w_per_hz)

        return Term(1.0, MinMaxShares(need, link.offset_s.max(), link.total_power_w, link.client_power_w))

    def lift(shares: tuple[Shares, Shares]) -> FedsLLMFdmaDecision:
        return replace(d, main_power_w=shares[0].share, fed_power_w=shares[1].share)

    return Formulation(Sum(tuple(map(step, _of(problem, d), allocations(d)))), lift)


def shares_kept(problem: FedsLLMFdma, d: FedsLLMFdmaDecision, pairs: list[tuple[int, int]]) -> Formulation:
    """Return the choice among (cut, rank) pairs with the shares of `d`, and so its rates, kept."""

    def lift(chosen: Chosen) -> FedsLLMFdmaDecision:
        cut, rank = chosen.label
        return replace(d, cut=common(problem, cut), rank=common(problem, rank))

    return Formulation(Choice(tabulated(problem, pairs, *common_to_all(problem, pairs), *rates(problem, d))), lift)
