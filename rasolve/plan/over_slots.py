"""The plan of split training over time slots: in each turn a device trains with its own cut and share of the server."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from rasolve.arrays import Array
from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan.base import Plan, Stage
from rasolve.scenario.workload import Architecture


class SplitSequentialPlan(Plan):
    """A plan for K clients in turn: client k is device ``device[k]`` in slot ``turn[k]``, one device may be several.

    Clients with the same turn train at once, turn after turn. Arrays have shape [K]; rates in bit/s, speeds in FLOP/s,
    ``server_flops_per_s`` what the server gives each client. Rank 0 trains all weights, which then travel in the
    adapters' place. ``model`` is absent when the problem's profile was not made from a known architecture.
    """

    protocol: Literal["split_sequential"]
    model: Architecture | None
    turn: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    device: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    rank: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    client_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    server_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    downlink_bps: Annotated[FloatArray, Array(("K",), above=0)]

    def model_post_init(self, context: object) -> None:
        """Reject cuts beyond the model's last block."""
        super().model_post_init(context)
        if self.model is not None and int(self.cut.max()) > self.model.blocks:
            raise InputError(
                f"cut = {int(self.cut.max())}: must be at most the {self.model.blocks} blocks of {self.model.name}"
            )

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
        """The clients' turns, devices, cuts and ranks."""
        return {name: getattr(self, name).tolist() for name in ("turn", "device", "cut", "rank")}

    @property
    def says(self) -> str:
        """How many turns and devices there are, and the cuts and ranks, each once."""
        turns, devices = (len(np.unique(values)) for values in (self.turn, self.device))
        cuts, ranks = (" ".join(map(str, np.unique(values))) for values in (self.cut, self.rank))
        return f"{turns} turns of {devices} devices, cut {cuts}, rank {ranks}"

    @property
    def speeds(self) -> dict[str, float]:
        """The speed [FLOP/s] of every client; the server's changes from turn to turn."""
        return {f"client {k}": float(speed) for k, speed in enumerate(self.client_flops_per_s, start=1)}

    @property
    def rates(self) -> dict[Stage, FloatArray]:
        """The rates [K] in bit/s of what goes up and of what comes down."""
        up, down = self.uplink_bps, self.downlink_bps
        return {Stage.ACTIVATIONS: up, Stage.GRADIENTS: down, Stage.ADAPTERS_UP: up, Stage.ADAPTERS_DOWN: down}

    @property
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""
        return "the executor does not run plans over time slots yet (split_sequential)"
