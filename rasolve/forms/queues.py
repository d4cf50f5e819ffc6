"""Virtual queues: what costs have built up beyond their target (Neely's drift plus penalty, textbook)."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray


def queue_path(cost: FloatArray, target: FloatArray) -> FloatArray:
    """Return q [T+1, B] of q(t+1) = max(q(t) + cost(t) - target, 0), q(1) = 0, for costs [T, B] and targets [B].

    The mean cost is at most target + q(T+1)/T, whatever the costs: each step adds at least cost(t) - target.
    """
    total = np.concatenate([np.zeros((1, cost.shape[1])), np.cumsum(cost - target, axis=0)])
    return np.asarray(total - np.minimum.accumulate(total, axis=0))
