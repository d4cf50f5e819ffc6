"""FedsLLM with a cut for every client, as a multiple choice (ours; exact for flat gain).

**One rank is enough.** Take any plan with ranks r_k and let E* = max_k E(r_k). Give everybody the smallest candidate
r* with E(r*) <= E*. Each r_k is such a candidate, so r* <= r_k. With cuts, owners and densities kept, FLOPs, bits and
memory of the clients and of the server cannot grow, and neither can the rounds. So some optimum has a common rank, and
that is a *level*: every smaller candidate needs more rounds.

With the rank fixed, a client's cut decides its forward and backward time, its payloads on both links and the server's
work for it, which adds up over clients. Each rank that is a level makes a menu, its options are the cuts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Choice, Chosen, Formulation, Load, Menu, MultipleChoice, Picked, Tail
from rasolve.forms.link import SMALLEST
from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.fedsllm import choice, delay
from rasolve.problems.fedsllm.decision import FedsLLMDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def levels(problem: FedsLLM) -> tuple[int, ...]:
    """Return the candidate ranks that an optimum may have: those that need fewer rounds than every smaller one."""
    found: list[int] = []
    for rank in problem.ranks:
        if not found or problem.rounds(rank) < problem.rounds(found[-1]):
            found.append(rank)
    return tuple(found)


def level_of(problem: FedsLLM, ranks: IntArray) -> int:
    """Return the common rank that costs no more than these: the smallest candidate with as few rounds."""
    slowest = max(map(problem.rounds, set(ranks.tolist())))
    return next(rank for rank in problem.ranks if problem.rounds(rank) <= slowest)


def fits(problem: FedsLLM, rank: IntArray) -> BoolArray:
    """Return which candidate cuts [K, J] fit the clients' memory at ranks [K]."""
    cut, ranks = _every_cut(problem, rank)
    if problem.client_memory_bytes is None:
        return np.ones(cut.T.shape, dtype=bool)
    return np.asarray(delay.client_memory_bytes(problem, cut, ranks) <= problem.client_memory_bytes).T


def feasible_ranks(problem: FedsLLM) -> list[int]:
    """Return the candidate ranks at which every client has a cut that fits; none without a subchannel for everybody."""
    if min(problem.dimension("M"), problem.dimension("N")) < problem.clients:
        return []
    return [rank for rank in problem.ranks if fits(problem, choice.common(problem, rank)).any(axis=1).all()]


def _every_cut(problem: FedsLLM, rank: IntArray) -> tuple[IntArray, IntArray]:
    """Return cuts and ranks [J, K]: in each row all clients at one of the candidate cuts."""
    cuts = np.asarray(problem.candidate_cuts, dtype=np.int64)[:, None]
    return np.broadcast_to(cuts, (len(cuts), problem.clients)), np.broadcast_to(rank, (len(cuts), problem.clients))


def menu(problem: FedsLLM, rank: int) -> Menu:
    """Return the cuts at a common rank: the server's work adds up, tails and shared links count by their largest."""
    ranks, unlimited = choice.common(problem, rank), np.full(problem.clients, np.inf)
    cut, every_rank = _every_cut(problem, ranks)
    stage = delay.stages(problem, cut, every_rank, unlimited, unlimited)
    bare = _menu(problem, ranks, stage)
    rounds = problem.rounds(rank)
    first = int(cut[0, 0])
    main = Load(
        weight=rounds * problem.local_steps,
        link=choice.main_link(problem, first, rank),
        offset_s=stage["client_forward_s"].T,
        payload_bits=delay.upload_bits(problem, cut).T,
    )
    fed = Load(
        weight=rounds,
        link=choice.fed_link(problem),
        offset_s=np.zeros(cut.T.shape),
        payload_bits=np.maximum(delay.adapter_bits(problem, cut, every_rank), SMALLEST).T,
    )
    return replace(bare, label=rank, loads=(main, fed))


def kept_menu(problem: FedsLLM, d: FedsLLMDecision, ranks: IntArray) -> Menu:
    """Return the cuts at ranks [K] with the spectrum of `d`, and so its rates, kept: links are tails like others."""
    cut, every_rank = _every_cut(problem, ranks)
    stage = delay.stages(problem, cut, every_rank, *choice.rates(problem, d))
    bare = _menu(problem, ranks, stage)
    rounds = float(delay.rounds(problem, ranks))
    until_server = Tail(rounds * problem.local_steps, (stage["client_forward_s"] + stage["upload_s"]).T)
    return replace(bare, tails=(*bare.tails, until_server, Tail(rounds, stage["adapter_upload_s"].T)))


def _menu(problem: FedsLLM, ranks: IntArray, stage: dict[str, FloatArray]) -> Menu:
    """Return what no spectrum changes, of stages [J, K] at every cut: the server's work and what comes after it."""
    rounds, steps = float(delay.rounds(problem, ranks)), problem.local_steps
    cut, every_rank = _every_cut(problem, ranks)
    server_s = delay.server_flops(problem, cut, every_rank) / problem.server_flops_per_s
    tails = [Tail(rounds * steps, (stage["gradient_s"] + stage["client_backward_s"]).T)]
    if problem.fed_downlink_bps is not None:
        tails.append(Tail(rounds, stage["broadcast_s"].T))
    return Menu(tuple(ranks.tolist()), rounds * steps * server_s.T, fits(problem, ranks), tuple(tails))


def formulate(problem: FedsLLM) -> Formulation:
    """Return the multiple choice with one menu for each rank that is a level; its bound is the problem's."""

    def lift(picked: Picked) -> FedsLLMDecision:
        cuts = np.asarray(problem.candidate_cuts, dtype=np.int64)
        return choice.decision(problem, cuts[picked.option], picked.label, *picked.spectra)

    def lower(d: FedsLLMDecision) -> Picked | None:
        if not np.isin(d.cut, problem.candidate_cuts).all() or not np.isin(d.rank, problem.ranks).all():
            return None
        return Picked(level_of(problem, d.rank), np.searchsorted(problem.candidate_cuts, d.cut), choice.spectra(d))

    form = MultipleChoice(tuple(menu(problem, rank) for rank in levels(problem)))
    return Formulation(
        form, lift, lift_bound=lambda bound: bound, lower=lower, lift_multipliers=choice.multipliers_of_links
    )


def lower_bound(problem: FedsLLM) -> float:
    """Return the least of the menus' bounds."""
    return min(menu(problem, rank).lower_bound() for rank in levels(problem))


def best_cuts(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    """Return the choice of a common rank and of a cut for every client, the spectrum of `d` kept."""
    menus = [kept_menu(problem, d, choice.common(problem, rank)) for rank in levels(problem)]
    return Formulation(MultipleChoice(tuple(menus)), lambda picked: _at(problem, d, picked))


def cut_block(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    """Return the choice of all clients' cuts together, ranks and spectrum kept."""
    return Formulation(MultipleChoice((kept_menu(problem, d, d.rank),)), lambda picked: _at(problem, d, picked))


def rank_block(problem: FedsLLM, d: FedsLLMDecision) -> Formulation:
    """Return the choice of a common rank, cuts and spectrum kept."""
    ranks = np.asarray(problem.ranks, dtype=np.int64)[:, None]
    cut, rank = (np.broadcast_to(value, (len(ranks), problem.clients)) for value in (d.cut, ranks))
    fitting = choice.fitting(problem, cut, rank)
    labels = ranks[fitting, 0].tolist()
    found = choice.tabulated(problem, labels, cut[fitting], rank[fitting], *choice.rates(problem, d))

    def lift(chosen: Chosen) -> FedsLLMDecision:
        return replace(d, rank=choice.common(problem, chosen.label))

    return Formulation(Choice(found), lift)


def _at(problem: FedsLLM, d: FedsLLMDecision, picked: Picked) -> FedsLLMDecision:
    """Return the decision at the picked cuts and the ranks that the menu is for."""
    cuts = np.asarray(problem.candidate_cuts, dtype=np.int64)
    return replace(d, cut=cuts[picked.option], rank=choice.common(problem, picked.label))


def nearest_cuts(problem: FedsLLM, rank: int, cut: int) -> IntArray:
    """Return each client's cut [K] that fits at a common rank and is nearest to `cut`; every client must have one."""
    cuts = np.asarray(problem.candidate_cuts, dtype=np.int64)
    away = np.where(fits(problem, choice.common(problem, rank)), np.abs(cuts - cut), np.inf)
    return np.asarray(cuts[away.argmin(axis=1)])


def drawn(problem: FedsLLM, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return a random common rank and for every client a random cut that fits at it, as cuts and ranks [K]."""
    rank = choice.common(problem, int(rng.choice(feasible_ranks(problem))))
    cuts = np.asarray(problem.candidate_cuts, dtype=np.int64)
    option = [rng.choice(np.flatnonzero(fitting)) for fitting in fits(problem, rank)]
    return cuts[option], rank
