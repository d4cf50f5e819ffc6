"""The choice of cut and rank: for each pair the two links decouple (ours; exact)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Alternative, Choice, Chosen, FdmaAllocation, FdmaShares, Formulation
from rasolve.numerics import FloatArray
from rasolve.problems.fedsllm.choice import MEGABIT, common, loads, pairs, weighed
from rasolve.problems.fedsllm_fdma.decision import FedsLLMFdmaDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma


def main_links(problem: FedsLLMFdma, offset_s: FloatArray, payload_bits: FloatArray) -> FdmaShares:
    """Return the main link as a batch: activations [n, K] follow the clients' forward passes [n, K]."""
    return FdmaShares(
        offset_s=offset_s,
        payload_bits=payload_bits,
        gain=problem.main_gain,
        noise_w_per_hz=np.asarray(problem.noise_w_per_hz),
        client_power_w=problem.client_power_w,
        total_bandwidth_hz=np.asarray(problem.main_bandwidth_hz),
        total_power_w=np.asarray(problem.main_total_power_w),
    )


def fed_link(problem: FedsLLMFdma) -> FdmaShares:
    """Return the federated link for one megabit from each client.

    All adapters are equally large and nothing precedes them, so the link's delay is proportional to their size: one
    solution serves every cut and rank.
    """
    return FdmaShares(
        offset_s=np.zeros(problem.clients),
        payload_bits=np.full(problem.clients, MEGABIT),
        gain=problem.fed_gain,
        noise_w_per_hz=np.asarray(problem.noise_w_per_hz),
        client_power_w=problem.client_power_w,
        total_bandwidth_hz=np.asarray(problem.fed_bandwidth_hz),
        total_power_w=np.asarray(problem.fed_total_power_w),
    )


Limited = Callable[[FdmaShares], FdmaShares]


def as_it_is(link: FdmaShares) -> FdmaShares:
    """Return the link itself."""
    return link


def alternatives(problem: FedsLLMFdma, limited: Limited = as_it_is) -> tuple[Alternative, ...]:
    """Return one alternative for each pair that fits, all main links checked and bounded together.

    Each link may be ``limited`` further.
    """
    fitting = pairs(problem)
    if not fitting:
        return ()
    due = loads(problem, fitting)
    links = limited(main_links(problem, due.forward_s, due.upload_bits))
    return weighed(fitting, due, links.apart(), links.lower_bounds(), limited(fed_link(problem)))


def lower_bound(problem: FedsLLMFdma) -> float:
    """Return the least bound of all pairs; inf where none fits."""
    return min((a.bound for a in alternatives(problem)), default=float("inf"))


def formulate(problem: FedsLLMFdma) -> Formulation:
    """Return the choice over cut and rank; its bound is the problem's."""
    return lifted(problem, alternatives(problem))


def lifted(problem: FedsLLMFdma, among: tuple[Alternative, ...]) -> Formulation:
    """Return the choice among alternatives of the problem, with the way back."""

    def lift(chosen: Chosen) -> FedsLLMFdmaDecision:
        return decision(problem, chosen.label, *chosen.value)

    def lower(d: FedsLLMFdmaDecision) -> Chosen:
        main, fed = allocations(d)
        return Chosen((int(d.cut[0]), int(d.rank[0])), (main, fed))

    def lift_multipliers(multipliers: dict[str, Any]) -> dict[str, float]:
        main, fed = multipliers["terms"]
        return {
            "main_bandwidth_hz": float(main["total_bandwidth_hz"]),
            "main_total_power_w": float(main["total_power_w"]),
            "fed_bandwidth_hz": float(fed["total_bandwidth_hz"]),
            "fed_total_power_w": float(fed["total_power_w"]),
        }

    return Formulation(Choice(among), lift, lambda bound: bound, lower, lift_multipliers)


def decision(
    problem: FedsLLMFdma, pair: tuple[int, int], main: FdmaAllocation, fed: FdmaAllocation
) -> FedsLLMFdmaDecision:
    """Return the decision with a common cut and rank and the two links' allocations."""
    cut, rank = pair
    return FedsLLMFdmaDecision(
        main_bandwidth_hz=main.bandwidth_hz,
        main_power_w=main.power_w,
        fed_bandwidth_hz=fed.bandwidth_hz,
        fed_power_w=fed.power_w,
        cut=common(problem, cut),
        rank=common(problem, rank),
    )


def allocations(d: FedsLLMFdmaDecision) -> tuple[FdmaAllocation, FdmaAllocation]:
    """Return the allocations of the main and of the federated link."""
    return FdmaAllocation(d.main_bandwidth_hz, d.main_power_w), FdmaAllocation(d.fed_bandwidth_hz, d.fed_power_w)
