"""FedsLLM in the blocks of the published alternating optimization: subchannels, power, cut, rank."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import (
    Block,
    Blocks,
    Choice,
    Chosen,
    Formulation,
    OfdmaLink,
    Shares,
    Spectrum,
    Sum,
    Term,
)
from rasolve.forms.link import total_by_owner
from rasolve.forms.power import owned
from rasolve.numerics import IntArray
from rasolve.problems.fedsllm import choice, delay, per_client
from rasolve.problems.fedsllm.decision import FedsLLMDecision
from rasolve.problems.fedsllm.judgement import check, evaluate

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def formulate(problem: FedsLLM) -> Formulation:
    """Return the published blocks, started from equal shares at the middle candidate cut and rank (start: ours).

    With `per_client` the cut block takes all clients' cuts together, and the rank block a common rank, since no other
    can be better (ours).
    """
    return from_start(problem, _start(problem))


def from_start(problem: FedsLLM, start: FedsLLMDecision | None, kept: tuple[str, ...] = ()) -> Formulation:
    """Return the blocks from a start, without those that are `kept` as the start has them."""
    blocks = (
        Block("main subchannels", lambda d: _main_subchannels(problem, d), solver="greedy"),
        Block("federated subchannels", lambda d: _fed_subchannels(problem, d), solver="greedy"),
        Block("power", lambda d: _power(problem, d)),
        Block("cut", lambda d: _cut(problem, d)),
        Block("rank", lambda d: _rank(problem, d)),
    )
    form = Blocks(
        blocks=tuple(block for block in blocks if block.name not in kept),
        objective=lambda d: evaluate(problem, d).objective if check(problem, d).feasible else float("inf"),
        start=start,
        bound=problem.lower_bound(),
    )
    return Formulation(form, lift=lambda d: d, lift_bound=lambda bound: bound, lower=lambda d: d)


def equal_shares(link: OfdmaLink) -> Spectrum:
    """Return equally many subchannels for each client, in order, at the largest uniform density within all limits."""
    return uniform(link, np.sort(np.arange(link.subchannels) % link.clients))


def uniform(link: OfdmaLink, owner: IntArray) -> Spectrum:
    """Return the given owners at one density for all subchannels, the largest within every cap and the total."""
    held_hz = total_by_owner(owner, link.width_hz, link.clients)
    with np.errstate(divide="ignore"):
        psd = min((link.client_power_w / held_hz).min(), link.total_power_w / link.width_hz.sum())
    return Spectrum(owner, np.full(link.subchannels, psd))


def _start(problem: FedsLLM) -> FedsLLMDecision | None:
    if problem.lower_bound() == float("inf"):
        return None
    if problem.per_client:
        rank = _middle(per_client.feasible_ranks(problem))
        return shared_equally(
            problem, per_client.nearest_cuts(problem, rank, _middle(list(problem.candidate_cuts))), rank
        )
    pairs = choice.pairs(problem)
    cut = _middle([cut for cut, _ in pairs])
    return shared_equally(problem, cut, _middle([rank for at, rank in pairs if at == cut]))


def shared_equally(problem: FedsLLM, cut: IntArray | int, rank: int) -> FedsLLMDecision:
    """Return the decision with equal shares of both links at cuts, common or [K], and a common rank."""
    main, fed = equal_shares(choice.main_link(problem, cut, rank)), equal_shares(choice.fed_link(problem))
    return choice.decision(problem, cut, rank, main, fed)


def _middle(candidates: list[int]) -> int:
    distinct = sorted(set(candidates))
    return distinct[len(distinct) // 2]


def _main_link(problem: FedsLLM, d: FedsLLMDecision) -> OfdmaLink:
    return choice.main_link(problem, d.cut, d.rank)


def _fed_link(problem: FedsLLM, d: FedsLLMDecision) -> OfdmaLink:
    if problem.per_client:
        return choice.fed_link(problem, delay.adapter_bits(problem, d.cut, d.rank))
    return choice.fed_link(problem)


def _main_subchannels(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    def lift(spectrum: Spectrum) -> FedsLLMDecision:
        return replace(d, main_owner=spectrum.owner, main_psd_w_per_hz=spectrum.psd_w_per_hz)

    return Formulation(_main_link(problem, d), lift)


def _fed_subchannels(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    def lift(spectrum: Spectrum) -> FedsLLMDecision:
        return replace(d, fed_owner=spectrum.owner, fed_psd_w_per_hz=spectrum.psd_w_per_hz)

    return Formulation(_fed_link(problem, d), lift)


def _power(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    """Convex power control with the owners kept (published step, solved exactly by one deadline for each link)."""
    main = owned(_main_link(problem, d), d.main_owner)
    fed = owned(_fed_link(problem, d), d.fed_owner)

    def lift(shares: tuple[Shares, Shares]) -> FedsLLMDecision:
        return replace(
            d,
            main_psd_w_per_hz=main.spectrum(float(shares[0].deadline)).psd_w_per_hz,
            fed_psd_w_per_hz=fed.spectrum(float(shares[1].deadline)).psd_w_per_hz,
        )

    return Formulation(Sum((Term(1.0, main.shares), Term(1.0, fed.shares))), lift)


def _cut(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    if problem.per_client:
        return per_client.cut_block(problem, d)
    return spectrum_kept(problem, d, [pair for pair in choice.pairs(problem) if pair[1] == d.rank[0]])


def _rank(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    if problem.per_client:
        return per_client.rank_block(problem, d)
    return spectrum_kept(problem, d, [pair for pair in choice.pairs(problem) if pair[0] == d.cut[0]])


def kept(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    """Return the choice of nothing but a decision as it stands."""
    rates = choice.rates(problem, d)
    return Formulation(Choice(choice.tabulated(problem, ["kept"], d.cut[None], d.rank[None], *rates)), lambda _: d)


def spectrum_kept(problem: FedsLLM, d: FedsLLMDecision, pairs: list[tuple[int, int]]) -> Formulation:
    """Return the choice among (cut, rank) pairs with the spectrum of `d`, and so its rates, kept."""

    def lift(chosen: Chosen) -> FedsLLMDecision:
        cut, rank = chosen.label
        return replace(d, cut=choice.common(problem, cut), rank=choice.common(problem, rank))

    cuts, ranks = choice.common_to_all(problem, pairs)
    return Formulation(Choice(choice.tabulated(problem, pairs, cuts, ranks, *choice.rates(problem, d))), lift)
