"""The decision of FedsLLM with continuous bandwidth and power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Decision
from rasolve.scenario.units import prefix


@dataclass(frozen=True, eq=False)
class FedsLLMFdmaDecision(Decision):
    """Each client's bandwidth [K, Hz] and transmit power [K, W] on the two links, its cut and its rank [K]."""

    main_bandwidth_hz: FloatArray
    main_power_w: FloatArray
    fed_bandwidth_hz: FloatArray
    fed_power_w: FloatArray
    cut: IntArray
    rank: IntArray

    def summary(self) -> tuple[str, ...]:
        """Return cut, rank, and each client's bandwidth and power."""
        return (
            f"cut        {' '.join(map(str, np.unique(self.cut)))} of the blocks on the clients",
            f"rank       {' '.join(map(str, np.unique(self.rank)))}",
            f"main       {_listed(self.main_bandwidth_hz, 'Hz')}; {_listed(self.main_power_w, 'W')}",
            f"federated  {_listed(self.fed_bandwidth_hz, 'Hz')}; {_listed(self.fed_power_w, 'W')}",
        )


def _listed(values: FloatArray, unit: str) -> str:
    scale, name = prefix(float(values.max(initial=0.0)), unit)
    shown = " ".join(f"{value / scale:.3g}" for value in values[:12])
    return f"{shown} {name}" if len(values) <= 12 else f"{shown} ... {name} ({len(values)} in all)"
