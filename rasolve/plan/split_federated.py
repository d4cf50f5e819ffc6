"""The plan of split federated LoRA fine-tuning: every client's cut and rank."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan.base import Plan, Stage, obstacle_of, reject_cut_beyond
from rasolve.scenario.workload import Architecture


class SplitFederatedPlan(Plan):
    """A plan for K clients, each with its lower blocks and their adapters, and one server.

    Arrays have shape [K]; rates in bit/s, speeds in FLOP/s. Without downlink rates what comes down takes no time;
    labels take time where the prediction has seconds for them. ``model`` is absent when the problem's profile was not
    made from a known architecture; such a plan can be read but not run.
    """

    protocol: Literal["split_federated"]
    model: Architecture | None
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    rank: Annotated[IntArray, Array(("K",), at_least=1, integer=True)]
    data_sizes: Annotated[FloatArray, Array(("K",), above=0)]
    client_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    server_flops_per_s: float = Field(gt=0)
    uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    fed_uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    fed_downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None

    def model_post_init(self, context: object) -> None:
        """Reject cuts beyond the model's last block."""
        super().model_post_init(context)
        reject_cut_beyond(self.model, self.cut)

    @property
    def clients(self) -> int:
        """K, the number of clients."""
        return self.dimension("K")

    @property
    def model_name(self) -> str | None:
        """The name of the model to train."""
        return None if self.model is None else self.model.name

    @property
    def split(self) -> dict[str, Any]:
        """The clients' cuts and ranks."""
        return {"cut": self.cut.tolist(), "rank": self.rank.tolist()}

    @property
    def says(self) -> str:
        """The clients' cuts and ranks, each once."""
        return ", ".join(f"{name} {' '.join(map(str, np.unique(values)))}" for name, values in self.split.items())

    @property
    def speeds(self) -> dict[str, float]:
        """The speed [FLOP/s] of every client and of the server."""
        clients = {f"client {k}": float(speed) for k, speed in enumerate(self.client_flops_per_s, start=1)}
        return {**clients, "server": self.server_flops_per_s}

    @property
    def rates(self) -> dict[Stage, FloatArray]:
        """The rates [K] in bit/s of what goes up and, where the plan has them, of what comes down."""
        labels_count = any(each.stage == Stage.LABELS for each in self.predicted("seconds"))
        known = {
            Stage.ACTIVATIONS: self.uplink_bps,
            Stage.LABELS: self.uplink_bps if labels_count else None,
            Stage.GRADIENTS: self.downlink_bps,
            Stage.ADAPTERS_UP: self.fed_uplink_bps,
            Stage.ADAPTERS_DOWN: self.fed_downlink_bps,
        }
        return {stage: rate for stage, rate in known.items() if rate is not None}

    @property
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""
        return obstacle_of(self.model, self.parameter_bits)
