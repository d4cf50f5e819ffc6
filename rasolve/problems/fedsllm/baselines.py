"""The rules that FedsLLM is compared with (reconstructed: the paper names them, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Blocks, Choice, Formulation, OfdmaLink, Spectrum
from rasolve.numerics import IntArray
from rasolve.problems.base import Baseline
from rasolve.problems.fedsllm import blocks, choice, per_client

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def baselines(problem: FedsLLM) -> dict[str, Baseline]:
    """Return the baselines a to d and equal shares.

    Random subchannels: one to each client first, the rest at random. Random power: a uniform density scaled to the
    tightest cap. "The rest optimised": by alternating optimization. With `per_client`, cuts are drawn and chosen for
    every client, ranks for all.
    """
    rules = (
        Baseline(
            "a", "random subchannels, uniform power, random cut, random rank", lambda rng: _all_random(problem, rng)
        ),
        Baseline(
            "b", "random subchannels, uniform power, best cut and rank", lambda rng: _random_spectrum(problem, rng)
        ),
        Baseline("c", "random cut, the rest optimised", lambda rng: _random_cut(problem, rng), solver="alternating"),
        Baseline("d", "random rank, the rest optimised", lambda rng: _random_rank(problem, rng), solver="alternating"),
        Baseline("equal", "equal shares of subchannels and power, best cut and rank", lambda _: _equal_shares(problem)),
    )
    return {rule.name: rule for rule in rules}


def _randomly_owned(rng: np.random.Generator, link: OfdmaLink) -> Spectrum:
    """Return random owners, everybody served, at a uniform density."""
    first = rng.permutation(link.clients)
    rest = rng.integers(0, link.clients, size=link.subchannels - link.clients)
    return blocks.uniform(link, rng.permutation(np.concatenate([first, rest])))


def _random_links(problem: FedsLLM, rng: np.random.Generator) -> tuple[Spectrum, Spectrum]:
    main = choice.main_link(problem, problem.candidate_cuts[0], problem.ranks[0])
    return _randomly_owned(rng, main), _randomly_owned(rng, choice.fed_link(problem))


def _nothing() -> Formulation:
    return Formulation(Choice(()), lift=lambda chosen: chosen)


def _feasible(problem: FedsLLM) -> bool:
    return problem.lower_bound() < float("inf")


def _drawn(problem: FedsLLM, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return a random feasible cut and rank, [K] each: common to all clients or, with `per_client`, a cut for each."""
    if problem.per_client:
        return per_client.drawn(problem, rng)
    pairs = choice.pairs(problem)
    cut, rank = pairs[rng.integers(len(pairs))]
    return choice.common(problem, cut), choice.common(problem, rank)


def _best_at(problem: FedsLLM, main: Spectrum, fed: Spectrum) -> Formulation:
    """Return the choice of cut and rank with both spectra kept."""
    start = choice.decision(problem, problem.candidate_cuts[0], problem.ranks[0], main, fed)
    if problem.per_client:
        return per_client.best_cuts(problem, start)
    return blocks.spectrum_kept(problem, start, choice.pairs(problem))


def _all_random(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    if not _feasible(problem):
        return _nothing()
    cut, rank = _drawn(problem, rng)
    return blocks.kept(problem, choice.decision(problem, cut, rank, *_random_links(problem, rng)))


def _random_spectrum(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    return _best_at(problem, *_random_links(problem, rng)) if _feasible(problem) else _nothing()


def _random_cut(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    if not _feasible(problem):
        return _heuristic(problem)
    if problem.per_client:
        cut, rank = per_client.drawn(problem, rng)
        formulation = blocks.from_start(problem, blocks.shared_equally(problem, cut, int(rank[0])), kept=("cut",))
        return Formulation(formulation.form, formulation.lift)
    cuts = sorted({cut for cut, _ in choice.pairs(problem)})
    return _heuristic(problem.replace(cuts=(int(rng.choice(cuts)),)))


def _random_rank(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    if not _feasible(problem):
        return _heuristic(problem)
    if problem.per_client:
        ranks = per_client.feasible_ranks(problem)
    else:
        ranks = sorted({rank for _, rank in choice.pairs(problem)})
    return _heuristic(problem.replace(ranks=(int(rng.choice(ranks)),)))


def _heuristic(restricted: FedsLLM) -> Formulation:
    """Return the blocks of a restricted problem, whose bound says nothing about the whole one.

    Nothing being feasible is for the blocks' solver to say.
    """
    formulation = restricted.formulate(Blocks)
    return Formulation(formulation.form, formulation.lift)


def _equal_shares(problem: FedsLLM) -> Formulation:
    if not _feasible(problem):
        return _nothing()
    main, fed = choice.main_link(problem, problem.candidate_cuts[0], problem.ranks[0]), choice.fed_link(problem)
    return _best_at(problem, blocks.equal_shares(main), blocks.equal_shares(fed))
