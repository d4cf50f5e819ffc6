"""Delay by stage and peak memory of FedsLLM, vectorised over clients, which may have their own cuts and ranks.

    T       = E(r) · ( I·T_local + T_fed )                                                            (published)
    T_local = max_k ( T_k^F + T_k^up ) + T_s + max_k ( T_k^down + T_k^B )                         (reconstructed)
    T_k^F   = b·(forward FLOPs of embedding and blocks 1..c, LoRA at rank r included) / speed_k
    T_k^B   = b·(backward FLOPs of blocks 1..c, LoRA at rank r included) / speed_k
    T_k^up  = b·(activation_bits[c] + label_bits) / R_k,   T_k^down = b·activation_bits[c] / downlink_k, or 0
    T_s     = Σ_k b·(forward + backward FLOPs of blocks c+1..J and of the head, LoRA included) / server speed
    T_fed   = max_k adapter_bits(c, r) / R_k^fed + max_k adapter_bits(c, r) / fed_downlink_k, or + 0

Memory is that of split training (`rasolve.scenario.memory`). With unequal ranks E is the largest E(r_k), and the
server's adapters have the largest rank (ours). The server reaches the federated server by wire, which takes no time
here. Inputs ``cut`` and ``rank`` are [..., K]: leading dimensions are alternatives looked at together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario import memory
from rasolve.scenario.workload import up_to_cut

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated


def client_forward_flops(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the FLOPs [..., K] of one mini-batch's forward pass on the clients."""
    p = problem.profile
    blocks = up_to_cut(p.forward_flops)[cut] + rank * up_to_cut(p.adapter_forward_flops)[cut]
    return np.asarray(problem.batch_size * (p.embedding_forward_flops + blocks))


def client_backward_flops(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the FLOPs [..., K] of one mini-batch's backward pass on the clients."""
    p = problem.profile
    return np.asarray(
        problem.batch_size * (up_to_cut(p.backward_flops)[cut] + rank * up_to_cut(p.adapter_backward_flops)[cut])
    )


def server_flops(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the FLOPs [..., K] that the server spends on each client's mini-batch, forward and backward.

    Its adapters have the largest rank, whatever the client's own.
    """
    p = problem.profile
    largest = rank.max(axis=-1, keepdims=True)
    both, adapters = p.forward_flops + p.backward_flops, p.adapter_forward_flops + p.adapter_backward_flops
    rest = both.sum() - up_to_cut(both)[cut] + largest * (adapters.sum() - up_to_cut(adapters)[cut])
    return np.asarray(problem.batch_size * (rest + p.head_forward_flops + p.head_backward_flops))


def upload_bits(problem: SplitFederated, cut: IntArray) -> FloatArray:
    """Return the bits [..., K] of one mini-batch's cut activations and counted labels."""
    return np.asarray(problem.batch_size * (problem.profile.activation_bits[cut] + problem.label_bits))


def adapter_bits(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the bits [..., K] of the clients' adapters."""
    return problem.profile.adapter_bits(cut, rank)


def server_adapter_bits(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the bits [...] of the server's adapters that clients train too: blocks min c + 1..max c, largest rank."""
    profile, largest = problem.profile, rank.max(axis=-1)
    return profile.adapter_bits(cut.max(axis=-1), largest) - profile.adapter_bits(cut.min(axis=-1), largest)


def client_memory_bytes(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the clients' peak memory [..., K, bytes]."""
    return memory.client_bytes(problem.profile, problem.batch_size, cut, rank)


def server_memory_bytes(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the main server's peak memory [..., bytes]."""
    return memory.server_bytes(problem.profile, problem.batch_size, cut, rank)


def gradient_s(problem: SplitFederated, cut: IntArray) -> FloatArray:
    """Return when each client has its gradient [..., K, s], counted from its sending; 0 without a downlink model."""
    if problem.main_downlink_bps is None:
        return np.zeros(cut.shape)
    return np.asarray(problem.batch_size * problem.profile.activation_bits[cut] / problem.main_downlink_bps)


def broadcast_s(problem: SplitFederated, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return how long each client takes to receive the aggregated adapters [..., K, s]; 0 without a downlink model."""
    if problem.fed_downlink_bps is None:
        return np.zeros(cut.shape)
    return np.asarray(adapter_bits(problem, cut, rank) / problem.fed_downlink_bps)


def stages(
    problem: SplitFederated, cut: IntArray, rank: IntArray, main_bps: FloatArray, fed_bps: FloatArray
) -> dict[str, FloatArray]:
    """Return every stage's seconds at the given cuts, ranks and rates: [..., K] for clients, [...] for the server."""
    with np.errstate(divide="ignore"):
        return {
            "client_forward_s": client_forward_flops(problem, cut, rank) / problem.client_flops_per_s,
            "upload_s": upload_bits(problem, cut) / main_bps,
            "server_s": server_flops(problem, cut, rank).sum(axis=-1) / problem.server_flops_per_s,
            "gradient_s": gradient_s(problem, cut),
            "client_backward_s": client_backward_flops(problem, cut, rank) / problem.client_flops_per_s,
            "adapter_upload_s": adapter_bits(problem, cut, rank) / fed_bps,
            "broadcast_s": broadcast_s(problem, cut, rank),
        }


def step_s(stage: dict[str, FloatArray]) -> FloatArray:
    """Return T_local [...], the seconds of one local step."""
    until_server = (stage["client_forward_s"] + stage["upload_s"]).max(axis=-1)
    return np.asarray(until_server + stage["server_s"] + after_server_s(stage))


def after_server_s(stage: dict[str, FloatArray]) -> FloatArray:
    """Return the seconds [...] from the end of the server's pass to the last client's end of a local step."""
    return np.asarray((stage["gradient_s"] + stage["client_backward_s"]).max(axis=-1))


def round_s(problem: SplitFederated, stage: dict[str, FloatArray]) -> FloatArray:
    """Return I·T_local + T_fed [...], the seconds of one round."""
    aggregation = stage["adapter_upload_s"].max(axis=-1) + stage["broadcast_s"].max(axis=-1)
    return np.asarray(problem.local_steps * step_s(stage) + aggregation)


def rounds(problem: SplitFederated, rank: IntArray) -> FloatArray:
    """Return E [...], the rounds to the target: those of the slowest rank among the clients."""
    distinct, where = np.unique(rank, return_inverse=True)
    table = np.asarray([problem.rounds(int(r)) for r in distinct])
    return np.asarray(table[where].reshape(rank.shape).max(axis=-1))
