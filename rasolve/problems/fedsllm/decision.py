"""The decision of FedsLLM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Decision


@dataclass(frozen=True, eq=False)
class FedsLLMDecision(Decision):
    """Owners of subchannels [M] and [N], their power spectral densities [W/Hz], and each client's cut and rank [K]."""

    main_owner: IntArray
    fed_owner: IntArray
    main_psd_w_per_hz: FloatArray
    fed_psd_w_per_hz: FloatArray
    cut: IntArray
    rank: IntArray

    def summary(self) -> tuple[str, ...]:
        """Return cut and rank, one for all or each client's own, and how many subchannels each client holds."""
        held = (np.bincount(owner, minlength=len(self.cut)) for owner in (self.main_owner, self.fed_owner))
        main, fed = (_listed(counts) for counts in held)
        return (
            f"cut        {_common(self.cut)} of the blocks on the clients",
            f"rank       {_common(self.rank)}",
            f"main       subchannels per client: {main}",
            f"federated  subchannels per client: {fed}",
        )


def _common(values: IntArray) -> str:
    return str(values[0]) if np.ptp(values) == 0 else f"per client: {_listed(values)}"


def _listed(values: IntArray) -> str:
    shown = " ".join(map(str, values[:12]))
    return shown if len(values) <= 12 else f"{shown} ... ({len(values)} in all)"
