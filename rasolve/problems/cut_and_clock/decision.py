"""The decision of CutAndClock: a cut and a server clock for every round and device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Decision

SHOWN = 6
"""Cuts that a summary lists, the most frequent first."""


@dataclass(frozen=True, eq=False)
class CutAndClockDecision(Decision):
    """Cut and server clock [Hz] of every round and device, shape [N, M]; at cut J the clock is not used."""

    cut: IntArray
    clock_hz: FloatArray

    def summary(self) -> tuple[str, ...]:
        """Return how often each cut is taken, and the range of the clock where the server works."""
        cuts, times = np.unique(self.cut, return_counts=True)
        often = np.argsort(-times, kind="stable")[:SHOWN]
        listed = ", ".join(f"{cuts[i]} in {100 * times[i] / self.cut.size:.3g} %" for i in often)
        more = f", {len(cuts) - SHOWN} more" if len(cuts) > SHOWN else ""
        low, middle, high = (q / 1e9 for q in np.quantile(self.clock_hz, (0, 0.5, 1)))
        return f"cut        {listed}{more}", f"clock      {low:.4g} to {high:.4g} GHz, median {middle:.4g}"
