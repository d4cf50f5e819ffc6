"""FedsLLM as a choice of cut and rank: for each pair the two links decouple (ours; exact for flat gain)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.documents import FloatArray, IntArray
from rasolve.forms import Alternative, Choice, Chosen, Formulation, OfdmaLink, Spectrum, Sum, Term
from rasolve.problems.fedsllm import delay
from rasolve.problems.fedsllm.decision import FedsLLMDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def common(problem: FedsLLM, value: int) -> IntArray:
    """Return the same cut or rank for all clients [K]."""
    return np.full(problem.clients, value, dtype=np.int64)


def main_link(problem: FedsLLM, cut: int, rank: int) -> OfdmaLink:
    """Return the main link at a common cut and rank: activations follow the client's forward pass."""
    forward = delay.client_forward_flops(problem, common(problem, cut), common(problem, rank))
    return OfdmaLink(
        offset_s=forward / problem.client_flops_per_s,
        payload_bits=delay.upload_bits(problem, common(problem, cut)),
        gain=problem.main_gain,
        width_hz=problem.main_subchannel_hz,
        noise_w_per_hz=problem.noise_w_per_hz,
        client_power_w=problem.client_power_w,
        total_power_w=problem.main_total_power_w,
    )


def fed_link(problem: FedsLLM) -> OfdmaLink:
    """Return the federated link for one megabit from each client.

    All adapters are equally large and nothing precedes them, so the link's delay is proportional to their size: one
    solution serves every cut and rank.
    """
    return OfdmaLink(
        offset_s=np.zeros(problem.clients),
        payload_bits=np.full(problem.clients, MEGABIT),
        gain=problem.fed_gain,
        width_hz=problem.fed_subchannel_hz,
        noise_w_per_hz=problem.noise_w_per_hz,
        client_power_w=problem.client_power_w,
        total_power_w=problem.fed_total_power_w,
    )


MEGABIT = 1e6


def fits(problem: FedsLLM, cut: int, rank: int) -> bool:
    """Return whether every client has the memory for this common cut and rank."""
    if problem.client_memory_bytes is None:
        return True
    needed = delay.client_memory_bytes(problem, common(problem, cut), common(problem, rank))
    return bool((needed <= problem.client_memory_bytes).all())


def pairs(problem: FedsLLM) -> list[tuple[int, int]]:
    """Return the candidate (cut, rank) pairs that fit the clients' memory."""
    return [(c, r) for c in problem.candidate_cuts for r in problem.ranks if fits(problem, c, r)]


def alternatives(problem: FedsLLM) -> tuple[Alternative, ...]:
    """Return one alternative for each pair that fits: E·(I·main + bits·fed) plus what no spectrum changes."""
    fed = fed_link(problem)
    fed_bound = fed.lower_bound()
    unlimited = np.full(problem.clients, np.inf)
    found = []
    for cut, rank in pairs(problem):
        cuts, ranks = common(problem, cut), common(problem, rank)
        stage = delay.stages(problem, cuts, ranks, unlimited, unlimited)
        rounds = delay.rounds(problem, ranks)
        after_upload = stage["server_s"] + (stage["gradient_s"] + stage["client_backward_s"]).max()
        constant = rounds * float(problem.local_steps * after_upload + stage["broadcast_s"].max())
        main = main_link(problem, cut, rank)
        megabits = float(delay.adapter_bits(problem, cuts, ranks)[0]) / MEGABIT
        terms = (
            Term(rounds * problem.local_steps, main, main.lower_bound()),
            Term(rounds * megabits, fed, fed_bound),
        )
        bound = constant + sum(term.weight * term.bound for term in terms)
        found.append(Alternative((cut, rank), bound, Sum(terms, constant)))
    return tuple(found)


def formulate(problem: FedsLLM) -> Formulation:
    """Return the choice over cut and rank; its bound is the problem's."""

    def lift(chosen: Chosen) -> FedsLLMDecision:
        (cut, rank), (main, fed) = chosen.label, chosen.value
        return decision(problem, cut, rank, main, fed)

    return Formulation(Choice(alternatives(problem)), lift, lift_bound=lambda bound: bound)


def decision(problem: FedsLLM, cut: int, rank: int, main: Spectrum, fed: Spectrum) -> FedsLLMDecision:
    """Return the decision with a common cut and rank and the two links' spectra."""
    return FedsLLMDecision(
        main_owner=main.owner,
        fed_owner=fed.owner,
        main_psd_w_per_hz=main.psd_w_per_hz,
        fed_psd_w_per_hz=fed.psd_w_per_hz,
        cut=common(problem, cut),
        rank=common(problem, rank),
    )


def rates(problem: FedsLLM, decision: FedsLLMDecision) -> tuple[FloatArray, FloatArray]:
    """Return the clients' rates on the main and on the federated link [K, bit/s]."""
    main = main_link(problem, int(decision.cut[0]), int(decision.rank[0]))
    fed = fed_link(problem)
    return (
        main.rates(Spectrum(decision.main_owner, decision.main_psd_w_per_hz)),
        fed.rates(Spectrum(decision.fed_owner, decision.fed_psd_w_per_hz)),
    )
