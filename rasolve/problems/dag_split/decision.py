"""The decision of DagSplit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import IntArray
from rasolve.problems.base import Decision

TIERS = ("the device", "the server", "the cloud")
"""Where a layer may be, by its tier; with three tiers the server is one at the edge."""


@dataclass(frozen=True, eq=False)
class DagSplitDecision(Decision):
    """The tier [V] of every layer: 0 device, 1 server, 2 cloud."""

    tier: IntArray

    def summary(self) -> tuple[str, ...]:
        """Return how many layers are where."""
        counts = np.bincount(self.tier, minlength=2)
        where = ", ".join(f"{count} on {tier}" for count, tier in zip(counts, TIERS, strict=False))
        return (f"tier       of {len(self.tier)} layers {where}",)
