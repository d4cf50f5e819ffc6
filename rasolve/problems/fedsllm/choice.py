"""FedsLLM as a choice of cut and rank: for each pair the two links decouple (ours; exact for flat gain)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Alternative, Choice, Chosen, FdmaShares, Formulation, OfdmaLink, Spectrum, Sum, Term, ofdma
from rasolve.forms.link import SMALLEST
from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.fedsllm import delay
from rasolve.problems.fedsllm.decision import FedsLLMDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated
    from rasolve.problems.fedsllm.problem import FedsLLM

Link = OfdmaLink | FdmaShares

MEGABIT = 1e6
"""Bits from each client for which the federated link is solved, once for all adapter sizes."""


def common(problem: SplitFederated, value: IntArray | int) -> IntArray:
    """Return the same cut or rank for all clients, or each client's own, [K]."""
    return np.full(problem.clients, value, dtype=np.int64)


def main_link(problem: FedsLLM, cut: IntArray | int, rank: IntArray | int) -> OfdmaLink:
    """Return the main link at cuts and ranks, common or [K]: activations follow the client's forward pass."""
    cuts, ranks = common(problem, cut), common(problem, rank)
    forward_s = delay.client_forward_flops(problem, cuts, ranks) / problem.client_flops_per_s
    return _main_link(problem, forward_s, delay.upload_bits(problem, cuts))


def _main_link(problem: FedsLLM, offset_s: FloatArray, payload_bits: FloatArray) -> OfdmaLink:
    return OfdmaLink(
        offset_s=offset_s,
        payload_bits=payload_bits,
        gain=problem.main_gain,
        width_hz=problem.main_subchannel_hz,
        noise_w_per_hz=problem.noise_w_per_hz,
        client_power_w=problem.client_power_w,
        total_power_w=problem.main_total_power_w,
    )


def fed_link(problem: FedsLLM, bits: FloatArray | float = MEGABIT) -> OfdmaLink:
    """Return the federated link for so many bits from each client, common or [K], by default one megabit.

    Where all adapters are equally large, the link's delay is proportional to their size, since nothing precedes them:
    one solution, for one megabit, serves every common cut and rank.
    """
    return OfdmaLink(
        offset_s=np.zeros(problem.clients),
        payload_bits=np.full(problem.clients, np.maximum(bits, SMALLEST)),
        gain=problem.fed_gain,
        width_hz=problem.fed_subchannel_hz,
        noise_w_per_hz=problem.noise_w_per_hz,
        client_power_w=problem.client_power_w,
        total_power_w=problem.fed_total_power_w,
    )


def pairs(problem: SplitFederated) -> list[tuple[int, int]]:
    """Return the candidate (cut, rank) pairs that fit every client's memory."""
    everything = [(cut, rank) for cut in problem.candidate_cuts for rank in problem.ranks]
    fits = fitting(problem, *common_to_all(problem, everything)).tolist()
    return [pair for pair, fit in zip(everything, fits, strict=True) if fit]


def fitting(problem: SplitFederated, cut: IntArray, rank: IntArray) -> BoolArray:
    """Return which rows of cuts and ranks [n, K] fit every client's memory."""
    if problem.client_memory_bytes is None:
        return np.ones(len(cut), dtype=bool)
    needed = delay.client_memory_bytes(problem, cut, rank)
    return np.asarray(np.all(needed <= problem.client_memory_bytes, axis=-1))


def common_to_all(problem: SplitFederated, pairs: list[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    """Return cuts and ranks [pairs, K], the same for all clients."""
    cut, rank = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T
    shape = (len(pairs), problem.clients)
    return np.broadcast_to(cut[:, None], shape), np.broadcast_to(rank[:, None], shape)


def alternatives(problem: FedsLLM) -> tuple[Alternative, ...]:
    """Return one alternative for each pair that fits: E·(I·main + megabits·fed) plus what no spectrum changes."""
    fitting_pairs = pairs(problem)
    if not fitting_pairs or min(problem.dimension("M"), problem.dimension("N")) < problem.clients:
        return ()
    due = loads(problem, fitting_pairs)
    links = _main_link(problem, due.forward_s[0], due.upload_bits[0]).loaded(due.forward_s, due.upload_bits)
    main_bound = (due.forward_s + due.upload_bits / links[0].alone_rates()).max(axis=-1)
    return weighed(fitting_pairs, due, links, main_bound, fed_link(problem))


@dataclass(frozen=True, eq=False)
class Loads:
    """What pairs of cut and rank ask of the links: total = constant + main_weight·main + fed_weight·fed, for n pairs.

    ``forward_s`` and ``upload_bits`` [n, K] are when clients are ready to send on the main link, and how much; the
    federated link counts by the megabit. ``constant`` [n, s] is what no link changes.
    """

    forward_s: FloatArray
    upload_bits: FloatArray
    constant: FloatArray
    main_weight: FloatArray
    fed_weight: FloatArray


def loads(problem: SplitFederated, pairs: list[tuple[int, int]]) -> Loads:
    """Return what the pairs ask of the links: E·(I·main + megabits·fed) plus the rest."""
    cut, rank = common_to_all(problem, pairs)
    unlimited = np.full(problem.clients, np.inf)
    stage = delay.stages(problem, cut, rank, unlimited, unlimited)
    rounds = delay.rounds(problem, rank)
    after_upload = problem.local_steps * (stage["server_s"] + delay.after_server_s(stage))
    return Loads(
        forward_s=stage["client_forward_s"],
        upload_bits=delay.upload_bits(problem, cut),
        constant=rounds * (after_upload + stage["broadcast_s"].max(axis=-1)),
        main_weight=rounds * problem.local_steps,
        fed_weight=rounds * delay.adapter_bits(problem, cut, rank)[:, 0] / MEGABIT,
    )


def weighed(
    pairs: list[tuple[int, int]], due: Loads, main: Sequence[Link], main_bound: FloatArray, fed: Link
) -> tuple[Alternative, ...]:
    """Return one alternative for each pair: its main link [n] with a bound [n, s], and the federated link of all."""
    fed_bound = fed.lower_bound()
    bound = due.constant + due.main_weight * main_bound + due.fed_weight * fed_bound

    def alternative(i: int) -> Alternative:
        step = Term(float(due.main_weight[i]), main[i], float(main_bound[i]))
        upload = Term(float(due.fed_weight[i]), fed, fed_bound)
        return Alternative(pairs[i], float(bound[i]), Sum((step, upload), float(due.constant[i])))

    return tuple(map(alternative, range(len(pairs))))


def tabulated(
    problem: SplitFederated,
    labels: Sequence[Any],
    cut: IntArray,
    rank: IntArray,
    main_bps: FloatArray,
    fed_bps: FloatArray,
) -> tuple[Alternative, ...]:
    """Return one alternative for each row of cuts and ranks [n, K] with the rates [K] kept: its exact total delay."""
    if not len(labels):
        return ()
    total = delay.rounds(problem, rank) * delay.round_s(problem, delay.stages(problem, cut, rank, main_bps, fed_bps))
    return tuple(Alternative(label, float(value)) for label, value in zip(labels, total, strict=True))


def formulate(problem: FedsLLM) -> Formulation:
    """Return the choice over cut and rank; its bound is the problem's."""

    def lift(chosen: Chosen) -> FedsLLMDecision:
        (cut, rank), (main, fed) = chosen.label, chosen.value
        return decision(problem, cut, rank, main, fed)

    def lower(decision: FedsLLMDecision) -> Chosen:
        return Chosen((int(decision.cut[0]), int(decision.rank[0])), spectra(decision))

    return Formulation(Choice(alternatives(problem)), lift, lambda bound: bound, lower, multipliers_of_links)


def multipliers_of_links(multipliers: dict[str, Any]) -> dict[str, float]:
    """Return the multipliers of the two links, named by link."""
    links = zip(("main", "fed"), multipliers["terms"], strict=True)
    return {f"{link}_{name}": worth for link, named in links for name, worth in named.items()}


def decision(
    problem: FedsLLM, cut: IntArray | int, rank: IntArray | int, main: Spectrum, fed: Spectrum
) -> FedsLLMDecision:
    """Return the decision with cuts and ranks, common or [K], and the two links' spectra."""
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
    main, fed = spectra(decision)
    return (
        ofdma.rates(main, problem.main_gain, problem.main_subchannel_hz, problem.noise_w_per_hz),
        ofdma.rates(fed, problem.fed_gain, problem.fed_subchannel_hz, problem.noise_w_per_hz),
    )


def spectra(decision: FedsLLMDecision) -> tuple[Spectrum, Spectrum]:
    """Return the spectra of the main and of the federated link."""
    return (
        Spectrum(decision.main_owner, decision.main_psd_w_per_hz),
        Spectrum(decision.fed_owner, decision.fed_psd_w_per_hz),
    )
