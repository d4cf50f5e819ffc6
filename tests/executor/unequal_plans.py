"""Plans of FedsLLM decisions in which every client has its own cut and rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from executor_plans import TINY

import rasolve as ra
from rasolve.plan import SplitFederatedPlan

CLIENTS = {
    1: {"cut": (2,), "rank": (4,), "data_sizes": (4.0,)},
    2: {"cut": (3, 1), "rank": (1, 4), "data_sizes": (3.0, 1.0)},
    3: {"cut": (1, 3, 2), "rank": (1, 4, 2), "data_sizes": (3.0, 1.0, 2.0)},
    4: {"cut": (2, 1, 2, 3), "rank": (2, 6, 1, 2), "data_sizes": (1.0, 5.0, 2.0, 2.0)},
}
"""Cuts, ranks and data sizes for K clients."""


def unequal_plan(
    cut: Sequence[int], rank: Sequence[int], data_sizes: Sequence[float], parameter_bits: int = 64, local_steps: int = 2
) -> SplitFederatedPlan:
    """Return the plan, with its predictions, that FedsLLM writes for a decision with these cuts and ranks."""
    clients = len(cut)
    sampled = ra.FedsLLM.sample(clients=clients, subchannels=2 * clients, seed=0)
    problem = sampled.replace(
        profile=TINY.profile(parameter_bits), batch_size=2, local_steps=local_steps, data_sizes=data_sizes
    )
    owner = np.arange(2 * clients) % clients
    density = np.full(2 * clients, 1e-9)
    decision = ra.FedsLLM.Decision(owner, owner, density, density, np.asarray(cut), np.asarray(rank))
    return problem.plan(decision, "by hand")
