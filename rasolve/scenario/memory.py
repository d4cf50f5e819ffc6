"""Peak memory of every party of split training (ours; the executor accounts for the same).

    M_k = W(embedding, blocks 1..c) + 4·G(1..c) + x + max( b·S(1..c), G(1..c) )
    M_s = W(blocks c+1..J, head) + 4·G(c+1..J) + Σ_k x + max( b·S(c+1..J, head) - x', G(c+1..J) + x' )

W are frozen weights; G the adapters at rank r, of which weight, gradient and Adam's two moments are kept; S what is
saved for backward, the adapters' share included; b the mini-batch; x = b·activation_bytes[c]; x' = x for c > 0, else 0.

The first of each maximum is the peak at the end of a forward pass. The second, at the end of a backward pass, when
saved tensors are gone and the last gradients stand beside those collected, matters only where little is saved.
A client holds its cut activation until it is sent, and the gradient that comes back in its place. The server starts
when every activation has arrived and serves one client after another: of each it holds the activation and then the
gradient, and of the one being served both. The activation being served is also what the first module above the cut
saves, and is counted once; the lowest block, at c = 0, saves none and returns no gradient. What an operator takes and
gives back within one call, and the mini-batch itself, are left out.
"""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario.workload import ADAM_COPIES, Profile, up_to_cut


def client_bytes(profile: Profile, batch_size: int, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the peak memory [..., K] of every client at its cut and rank [..., K]."""
    weights = profile.embedding_bytes + up_to_cut(profile.weight_bytes)[cut]
    adapters = profile.adapter_bits(cut, rank) / 8
    saved = up_to_cut(profile.saved_activation_bytes)[cut] + rank * up_to_cut(profile.adapter_saved_bytes)[cut]
    crossing = _crossing_bytes(profile, batch_size, cut)
    return np.asarray(weights + ADAM_COPIES * adapters + crossing + np.maximum(batch_size * saved, adapters))


def server_bytes(profile: Profile, batch_size: int, cut: IntArray, rank: IntArray) -> FloatArray:
    """Return the peak memory [...] of the server of clients with cuts and ranks [..., K].

    It holds the blocks above the lowest cut, with adapters of the largest rank.
    """
    lowest, largest = cut.min(axis=-1), rank.max(axis=-1)
    weights = _above(profile.weight_bytes)[lowest] + profile.head_bytes
    adapters = largest * _above(profile.adapter_params)[lowest] * profile.parameter_bits / 8
    saved = _above(profile.saved_activation_bytes)[cut] + largest[..., None] * _above(profile.adapter_saved_bytes)[cut]
    crossing = _crossing_bytes(profile, batch_size, cut)
    returned = np.where(cut > 0, crossing, 0.0)
    forward = batch_size * (saved + profile.head_saved_bytes) - returned
    backward = returned + adapters[..., None]
    serving = np.maximum(forward, backward).max(axis=-1)
    return np.asarray(weights + ADAM_COPIES * adapters + crossing.sum(axis=-1) + serving)


def _crossing_bytes(profile: Profile, batch_size: int, cut: IntArray) -> FloatArray:
    """Return the bytes [..., K] of one mini-batch's cut activation, and of its gradient."""
    return np.asarray(batch_size * profile.activation_bits[cut] / 8)


def _above(per_block: FloatArray) -> FloatArray:
    """Return Σ_{j>c} for every cut c = 0..J."""
    return np.asarray(per_block.sum() - up_to_cut(per_block))
