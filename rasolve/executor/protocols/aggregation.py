"""Averages of one block's adapters over parties whose ranks may differ, and what of them fits a smaller rank."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rasolve.executor.lora import RANK_AXES
from rasolve.numerics import FloatArray


def average_block(versions: Sequence[Sequence[Tensor]], sizes: FloatArray) -> list[Tensor]:
    """Return one block's factors averaged over P parties by data size, padded to the largest rank among them (ours).

    ``versions`` holds each party's factors of the block, A [r_p, in] and B [out, r_p] in turn; ``sizes`` [P] are the
    data behind them. Parties start from the same components, so component i is the same of all that have it. A party
    of a smaller rank is padded: with zeros in B, so that the padded product is exactly the party's own, and therefore
    with anything in A. That is the mean of the parties that have the component: zeros there would shrink the
    component's product by the square of their share instead of by the share that Σ_p (D_p/D)·B_p·A_p asks for.
    With equal ranks this is Σ_p (D_p/D)·A_p and likewise B.
    """
    averages = []
    for i, factors in enumerate(zip(*versions, strict=True)):
        axis = RANK_AXES[i % 2]
        ranks = [factor.shape[axis] for factor in factors]
        parts, low = [], 0
        for high in sorted(set(ranks)):
            holders = [p for p, rank in enumerate(ranks) if rank >= high]
            whole = sizes[holders].sum() if axis == 0 else sizes.sum()
            components = [factors[p].narrow(axis, low, high - low) for p in holders]
            parts.append(weighted_mean(components, [float(share) for share in sizes[holders] / whole]))
            low = high
        averages.append(torch.cat(parts, dim=axis))
    return averages


def leading(factors: Sequence[Tensor], rank: int) -> list[Tensor]:
    """Return the leading `rank` components of one block's factors, A [R, in] and B [out, R] in turn (ours).

    Components keep their place from round to round, so Adam's moments, which stay with their owner, still belong to
    them. The best approximation of rank r, from the singular vectors of the averaged product, was rejected: it gives
    the components other places and signs in every round, it does not reduce to the published average where all ranks
    are equal, and near-equal singular values make it depend on rounding.
    """
    return [factor.narrow(RANK_AXES[i % 2], 0, rank) for i, factor in enumerate(factors)]


def weighted_mean(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Return Σ_k weights[k]·tensors[k]."""
    return torch.stack([weight * tensor for weight, tensor in zip(weights, tensors, strict=True)]).sum(0)
