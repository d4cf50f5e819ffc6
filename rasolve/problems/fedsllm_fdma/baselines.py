"""The rules to compare with: those of FedsLLM carried over (reconstructed), and simple shares (ours)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Choice, FdmaAllocation, FdmaShares, Formulation
from rasolve.problems.base import Baseline
from rasolve.problems.fedsllm.choice import pairs
from rasolve.problems.fedsllm_fdma import choice
from rasolve.problems.fedsllm_fdma.blocks import equal_shares, links, shares_kept

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma

FIRST = 0.25
"""Part of the band that a random split shares equally."""

Rule = Callable[[FdmaShares], FdmaAllocation]


def baselines(problem: FedsLLMFdma) -> dict[str, Baseline]:
    """Return a to d as in FedsLLM, its random subchannels being a random split of the band, and two simple shares.

    Random split: a quarter of an equal share to each client first, as one of four subchannels would be, the rest at
    random, all splits of it alike. Uniform power: equal powers, the largest within every cap and the total. Full power:
    everybody's cap, scaled down to the total.
    """
    rules = (
        Baseline("a", "random bandwidth split, uniform power, random cut, random rank", lambda rng: _a(problem, rng)),
        Baseline("b", "random bandwidth split, uniform power, best cut and rank", lambda rng: _b(problem, rng)),
        Baseline("c", "random cut, the rest optimal", lambda rng: _random_cut(problem, rng)),
        Baseline("d", "random rank, the rest optimal", lambda rng: _random_rank(problem, rng)),
        Baseline("equal", "equal bandwidth and power, best cut and rank", lambda _: _shared(problem, equal_shares)),
        Baseline("full_power", "everybody at full power, the rest optimal", lambda _: _full_power(problem)),
    )
    return {rule.name: rule for rule in rules}


def _randomly_split(rng: np.random.Generator) -> Rule:
    """Return the rule of a random split of the band at uniform power."""

    def rule(link: FdmaShares) -> FdmaAllocation:
        power = min(float(link.client_power_w.min()), float(link.total_power_w) / link.clients)
        share = FIRST / link.clients + (1 - FIRST) * rng.dirichlet(np.ones(link.clients))
        return FdmaAllocation(share * link.total_bandwidth_hz, np.full(link.clients, power))

    return rule


def _shared(problem: FedsLLMFdma, rule: Rule, among: list[tuple[int, int]] | None = None) -> Formulation:
    """Return the choice among pairs, all that fit by default, with both links shared by a rule."""
    candidates = pairs(problem) if among is None else among
    if not candidates:
        return Formulation(Choice(()), lift=lambda chosen: chosen)
    main, fed = (rule(link) for link in links(problem, candidates[0]))
    return shares_kept(problem, choice.decision(problem, candidates[0], main, fed), candidates)


def _a(problem: FedsLLMFdma, rng: np.random.Generator) -> Formulation:
    fitting = pairs(problem)
    picked = [fitting[rng.integers(len(fitting))]] if fitting else []
    return _shared(problem, _randomly_split(rng), picked)


def _b(problem: FedsLLMFdma, rng: np.random.Generator) -> Formulation:
    return _shared(problem, _randomly_split(rng))


def _random_cut(problem: FedsLLMFdma, rng: np.random.Generator) -> Formulation:
    cuts = sorted({cut for cut, _ in pairs(problem)})
    return _restricted(problem.replace(cuts=(int(rng.choice(cuts)),)) if cuts else problem)


def _random_rank(problem: FedsLLMFdma, rng: np.random.Generator) -> Formulation:
    ranks = sorted({rank for _, rank in pairs(problem)})
    return _restricted(problem.replace(ranks=(int(rng.choice(ranks)),)) if ranks else problem)


def _full_power(problem: FedsLLMFdma) -> Formulation:
    """Return the choice with caps so low that all together just spend the total: then power is no choice."""

    def limited(link: FdmaShares) -> FdmaShares:
        quieter = np.minimum(1.0, link.total_power_w / link.client_power_w.sum(axis=-1))
        return replace(link, client_power_w=link.client_power_w * quieter[..., None])

    return _unbounded(choice.lifted(problem, choice.alternatives(problem, limited)))


def _restricted(restricted: FedsLLMFdma) -> Formulation:
    return _unbounded(restricted.formulate(Choice))


def _unbounded(formulation: Formulation) -> Formulation:
    """Return the choice of a restricted problem, whose bound says nothing about the whole one."""
    return Formulation(formulation.form, formulation.lift)
