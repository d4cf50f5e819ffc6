"""`FixedDensityLink`: an OFDMA link whose power spectral densities are given, so that only owners are to be found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from rasolve.forms.fill import FillDemand
from rasolve.forms.link import NOBODY, Link, check_numbers, check_offsets, check_range, total_by_owner
from rasolve.forms.starts import places
from rasolve.numerics import ROUNDING, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class FixedDensityLink(Link):
    """min over owners of max_k (offset_k + payload_k / Σ_{i owned by k} rate_{k,i}), for K clients and M subchannels.

    Per client Σ_{i owned by k} power_i <= client_power_k; a subchannel may be left to nobody. Its value is the owners
    [M], -1 for nobody. Shapes: offset_s, payload_bits and client_power_w [K], rate_bps [K, M], power_w [M]; SI units.
    The min-max delay of arXiv 2504.14667 with its densities fixed (ours); made by `OfdmaLink.at_density`.
    """

    name: ClassVar[str] = "FixedDensityLink"
    says: ClassVar[str] = "subchannels at given power densities to clients, the last one to finish as early as possible"

    offset_s: FloatArray
    payload_bits: FloatArray
    rate_bps: FloatArray
    power_w: FloatArray
    client_power_w: FloatArray

    def __post_init__(self) -> None:
        check_numbers(self, ("offset_s", "payload_bits", "rate_bps", "power_w", "client_power_w"), self._shapes)
        check_offsets(self, self.offset_s)
        for name in ("payload_bits", "rate_bps", "power_w", "client_power_w"):
            check_range(self, name, getattr(self, name), or_zero=name in ("rate_bps", "power_w"))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        clients, subchannels = self.offset_s.size, self.power_w.size
        return {
            "offset_s": (clients,),
            "payload_bits": (clients,),
            "rate_bps": (clients, subchannels),
            "power_w": (subchannels,),
            "client_power_w": (clients,),
        }

    @property
    def subchannels(self) -> int:
        """M."""
        return len(self.power_w)

    @cached_property
    def affordable_bps(self) -> FloatArray:
        """Rates [K, M], 0 where a subchannel's power alone is beyond the client's cap."""
        affordable = self.power_w <= self.client_power_w[:, None] * (1 + ROUNDING)
        return np.asarray(np.where(affordable, self.rate_bps, 0.0))

    @cached_property
    def serving(self) -> IntArray | None:
        """One subchannel for each client [K], so that all have some rate, or None when there is no such matching."""
        from scipy.optimize import linear_sum_assignment

        if self.subchannels < self.clients:
            return None
        client, subchannel = linear_sum_assignment(self.affordable_bps > 0, maximize=True)
        found = np.asarray(subchannel, dtype=np.int64)
        return found if (self.affordable_bps[client, found] > 0).all() else None

    def delays(self, owner: IntArray) -> FloatArray:
        """Return when each client finishes [K, s]; inf for one without rate."""
        rate = self.rate_bps[owner, np.arange(self.subchannels)]
        with np.errstate(divide="ignore"):
            return np.asarray(self.offset_s + self.payload_bits / total_by_owner(owner, rate, self.clients))

    def objective(self, owner: IntArray) -> float:
        """Return when the last client finishes [s]."""
        return float(self.delays(owner).max())

    def judge(self, value: IntArray) -> float:
        """Return the objective, or inf where a cap is exceeded by more than rounding."""
        load = total_by_owner(value, self.power_w, self.clients)
        return self.objective(value) if np.all(load <= self.client_power_w * (1 + ROUNDING)) else np.inf

    def as_start(self, value: Any) -> IntArray:
        return places("owner", value, (self.subchannels,), NOBODY, self.clients - 1)

    def owners(self, value: IntArray) -> IntArray:
        return value

    def served(self, owner: IntArray) -> tuple[Any, float]:
        return owner, self.judge(owner)

    def lower_bound(self) -> float:
        """Return a bound on the objective: each client alone with all but the K-1 subchannels that serve it least."""
        if self.serving is None:
            return float("inf")
        rate = np.sort(self.affordable_bps, axis=1)[:, self.clients - 1 :].sum(axis=1)
        return float((self.offset_s + self.payload_bits / rate).max())

    def demand(self, deadline: float) -> FillDemand:
        needed = self.payload_bits / (deadline - self.offset_s)
        unit = self.power_w.sum() or 1.0
        return FillDemand(self.affordable_bps / needed[:, None], self.power_w / unit, self.client_power_w / unit)
