"""The rules that FedsLLM is compared with (reconstructed: the paper names them, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Blocks, Choice, Formulation, OfdmaLink, Spectrum
from rasolve.problems.base import Baseline
from rasolve.problems.fedsllm import blocks, choice

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def baselines(problem: FedsLLM) -> dict[str, Baseline]:
    """Return the baselines a to d and equal shares.

    Random subchannels: one to each client first, the rest at random. Random power: a uniform density scaled to the
    tightest cap. "The rest optimised": by alternating optimization.
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


def _spectrum_kept(problem: FedsLLM, main: Spectrum, fed: Spectrum, pairs: list[tuple[int, int]]) -> Formulation:
    cut, rank = pairs[0]
    return blocks.spectrum_kept(problem, choice.decision(problem, cut, rank, main, fed), pairs)


def _random_links(problem: FedsLLM, rng: np.random.Generator, pair: tuple[int, int]) -> tuple[Spectrum, Spectrum]:
    return _randomly_owned(rng, choice.main_link(problem, *pair)), _randomly_owned(rng, choice.fed_link(problem))


def _nothing() -> Formulation:
    return Formulation(Choice(()), lift=lambda chosen: chosen)


def _feasible_pairs(problem: FedsLLM) -> list[tuple[int, int]]:
    return choice.pairs(problem) if problem.lower_bound() < float("inf") else []


def _all_random(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    pairs = _feasible_pairs(problem)
    if not pairs:
        return _nothing()
    pair = pairs[rng.integers(len(pairs))]
    return _spectrum_kept(problem, *_random_links(problem, rng, pair), [pair])


def _random_spectrum(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    pairs = _feasible_pairs(problem)
    if not pairs:
        return _nothing()
    return _spectrum_kept(problem, *_random_links(problem, rng, pairs[0]), pairs)


def _random_cut(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    cuts = sorted({cut for cut, _ in _feasible_pairs(problem)})
    return _heuristic(problem.replace(cuts=(int(rng.choice(cuts)),)) if cuts else problem)


def _random_rank(problem: FedsLLM, rng: np.random.Generator) -> Formulation:
    ranks = sorted({rank for _, rank in _feasible_pairs(problem)})
    return _heuristic(problem.replace(ranks=(int(rng.choice(ranks)),)) if ranks else problem)


def _heuristic(restricted: FedsLLM) -> Formulation:
    """Return the blocks of a restricted problem, whose bound says nothing about the whole one.

    Nothing being feasible is for the blocks' solver to say.
    """
    formulation = restricted.formulate(Blocks)
    return Formulation(formulation.form, formulation.lift)


def _equal_shares(problem: FedsLLM) -> Formulation:
    pairs = _feasible_pairs(problem)
    if not pairs:
        return _nothing()
    main, fed = (blocks.equal_shares(link) for link in (choice.main_link(problem, *pairs[0]), choice.fed_link(problem)))
    return _spectrum_kept(problem, main, fed, pairs)
