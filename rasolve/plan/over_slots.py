"""The plan of split training over time slots: in each turn a device trains with its own cut and share of the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np

from rasolve.arrays import Array
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan.base import COMPUTING, PER_ROUND, Plan, Prediction, Stage, obstacle_of, reject_cut_beyond
from rasolve.scenario.chain import LayerChain
from rasolve.scenario.workload import Buildable

Turn = Annotated[FloatArray, Array(("K",), at_least=0)]


class SplitSequentialPlan(Plan):
    """A plan for K clients in turn: client k is device ``device[k]`` in slot ``turn[k]``, one device may be several.

    Clients with the same turn train at once, turn after turn. Arrays have shape [K]; rates in bit/s, speeds in FLOP/s,
    ``server_flops_per_s`` what the server gives each client. Energy is ``client_j_per_flop`` and ``server_j_per_flop``
    of computing, ``uplink_w`` and ``downlink_w`` while something is on the air. Rank 0 trains all weights, which then
    travel in the adapters' place. ``model`` is absent when the problem's profile was not made from a known
    architecture.
    """

    protocol: Literal["split_sequential"]
    model: Buildable | None
    turn: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    device: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    rank: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    client_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    server_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    downlink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    client_j_per_flop: Turn
    server_j_per_flop: Turn
    uplink_w: Turn
    downlink_w: Turn

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
        """The rates [K] in bit/s of what goes up and of what comes down; labels take no time."""
        return {stage: rate for stage, rate in self.pace.items() if stage not in COMPUTING}

    @cached_property
    def pace(self) -> dict[Stage, FloatArray]:
        """FLOPs or bits of every stage that are done in a second [K]."""
        return by_stage(self.client_flops_per_s, self.server_flops_per_s, self.uplink_bps, self.downlink_bps)

    @cached_property
    def energy(self) -> dict[Stage, FloatArray]:
        """Joules that a FLOP or a bit of every stage takes [K]."""
        up, down = self.uplink_w / self.uplink_bps, self.downlink_w / self.downlink_bps
        return by_stage(self.client_j_per_flop, self.server_j_per_flop, up, down)

    def occurrences(self, party: str, stage: str, steps: int) -> int:
        """Return how often a client goes through a stage in so many local steps, every turn after the one before it.

        What it trains comes down when its turn begins and goes up when that ends.
        """
        client = int(party.removeprefix("client ")) - 1
        own = min(max(steps - self.local_steps * client, 0), self.local_steps)
        if stage not in PER_ROUND:
            return own
        return int(own > 0) if stage == Stage.ADAPTERS_DOWN else int(own == self.local_steps)

    @property
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""
        spec = self.model
        if (found := obstacle_of(spec, self.parameter_bits)) is not None:
            return found
        assert spec is not None
        if len(np.unique(self.turn)) < len(self.turn):
            return "some clients train at once: the executor trains one device after another"
        if len(np.unique(self.rank)) > 1:
            return f"rank = {self.rank[0]} and others: what is handed over must have one rank"
        adapts = not isinstance(spec, LayerChain)
        if adapts != bool(self.rank[0]):
            needed = "at least 1, for it trains adapters" if adapts else "0, for it is trained in full"
            return f"rank = {self.rank[0]}: {spec.name} needs {needed}"
        return None

    @cached_property
    def predictions_of_clients(self) -> Mapping[int, Sequence[Prediction]]:
        """The predictions of every client, by its number from 1."""
        found = defaultdict(list)
        for each in self.prediction:
            found[each.client].append(each)
        return found

    def of_turn(self, number: int) -> Self:
        """Return the plan of one client, the number-th from 0, by itself."""
        arrays = {name: values[number : number + 1] for name, values in _arrays(self).items()}
        own = self.predictions_of_clients[number + 1]
        return self.replace(**arrays, prediction=tuple(p.model_copy(update={"party": "client 1"}) for p in own))

    @classmethod
    def joined(cls, turns: Sequence[Self]) -> Self:
        """Return the plan of turns one after another, each of one client; its objective is their mean."""
        first = turns[0]
        arrays = {name: np.concatenate([getattr(turn, name) for turn in turns]) for name in _arrays(first)}
        prediction = tuple(
            p.model_copy(update={"party": f"client {k}"})
            for k, turn in enumerate(turns, start=1)
            for p in turn.prediction
        )
        objective = float(np.mean([turn.objective for turn in turns]))
        changes = {"turn": np.arange(len(turns)), "prediction": prediction, "objective": objective}
        return first.replace(**{**arrays, **changes})


def by_stage(own: FloatArray, server: FloatArray, up: FloatArray, down: FloatArray) -> dict[Stage, FloatArray]:
    """Return what holds of a client's computing, of the server's, of what goes up and of what comes down, by stage."""
    return {
        Stage.CLIENT_FORWARD: own,
        Stage.SERVER: server,
        Stage.CLIENT_BACKWARD: own,
        Stage.ACTIVATIONS: up,
        Stage.GRADIENTS: down,
        Stage.ADAPTERS_UP: up,
        Stage.ADAPTERS_DOWN: down,
    }


def _arrays(plan: SplitSequentialPlan) -> dict[str, Any]:
    fields = {name: getattr(plan, name) for name in type(plan).model_fields}
    return {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
