"""The plan of training a model that is split layer by layer: which side every layer of its graph is on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rasolve.arrays import Array
from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan.base import COMPUTING, PER_ROUND, RUNNABLE_BITS, Plan, Prediction, Quantity, Stage
from rasolve.scenario.graph import graphs
from rasolve.scenario.workload import ADAM_COPIES

DEVICE, SERVER = "client 1", "server"
"""What the two parties of a plan are called."""


class DagPlan(Plan):
    """A plan for one device and one server: all parameters are trained, each layer's where its tier says.

    ``tier`` [V] is 0 on the device and 1 on the server (2 in the cloud above it), for the layers ``names`` [V] of the
    traced model ``model``; without either the plan can be read but not run. Rates in bit/s. The objective is the
    seconds of all rounds.
    """

    protocol: Literal["dag"]
    model: str | None = None
    names: tuple[str, ...] | None = None
    tier: Annotated[IntArray, Array(("V",), at_least=0, at_most=2, integer=True)]
    uplink_bps: float = Field(gt=0)
    downlink_bps: float = Field(gt=0)

    def model_post_init(self, context: object) -> None:
        """Reject names that are not those of the layers."""
        super().model_post_init(context)
        if self.names is not None and len(self.names) != len(self.tier):
            raise InputError(f"names has {len(self.names)} entries for {len(self.tier)} tiers")

    @property
    def clients(self) -> int:
        """One device."""
        return 1

    @property
    def model_name(self) -> str | None:
        """The name of the model to train."""
        return self.model

    @property
    def split(self) -> dict[str, Any]:
        """Every layer's tier."""
        return {"tier": self.tier.tolist()}

    @property
    def says(self) -> str:
        """How many layers are where."""
        counts = np.bincount(self.tier, minlength=2)
        where = ("on the device", "on the server", "in the cloud")
        listed = ", ".join(f"{count} {place}" for count, place in zip(counts, where, strict=False))
        return f"of {len(self.tier)} layers {listed}"

    @property
    def speeds(self) -> dict[str, float]:
        """The speed [FLOP/s] at which each party does its predicted FLOPs in its predicted seconds of computing."""

        def spent(party: str, quantity: Quantity) -> float:
            return sum(p.value for p in self.predicted(quantity) if p.party == party and p.stage in COMPUTING)

        totals = {party: (spent(party, "flops"), spent(party, "seconds")) for party in (DEVICE, SERVER)}
        return {party: flops / seconds for party, (flops, seconds) in totals.items() if flops and seconds}

    @property
    def rates(self) -> dict[Stage, FloatArray]:
        """The rates [1] in bit/s up and down; labels take no time."""
        up, down = np.array([self.uplink_bps]), np.array([self.downlink_bps])
        return {Stage.ACTIVATIONS: up, Stage.GRADIENTS: down, Stage.WEIGHTS_UP: up, Stage.WEIGHTS_DOWN: down}

    @property
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""
        if self.model is None:
            return "the plan names no model which can be built"
        if self.model not in graphs():
            return f"the plan's model '{self.model}' is none of those that can be built: {', '.join(graphs())}"
        return self.obstacle_to_any_model

    @property
    def obstacle_to_any_model(self) -> str | None:
        """Why the executor cannot run this plan even where it is given the model; None where it can."""
        if self.names is None:
            return "the plan does not name its layers"
        if self.parameter_bits not in RUNNABLE_BITS:
            bits = ", ".join(map(str, RUNNABLE_BITS))
            return f"parameter_bits = {self.parameter_bits}: must be one of {bits} to run"
        if self.tier.max() > 1:
            return "the plan has three tiers: the executor splits between a device and one server"
        return None


FORWARD_SHARE = 1 / 3
"""The forward pass's part of the seconds where FLOPs are not known: backward costs twice as much (textbook)."""


def crossing(edges: IntArray, tier: IntArray) -> NDArray[np.bool_]:
    """Return which vertices [V] have a child on a higher tier: their outputs cross, once each (published)."""
    crosses = np.zeros(len(tier), dtype=bool)
    crosses[edges[tier[edges[:, 0]] < tier[edges[:, 1]], 0]] = True
    return crosses


def dag_prediction(
    *,
    tier: IntArray,
    edges: IntArray,
    inputs: IntArray,
    output_bits: FloatArray,
    weight_bits: FloatArray,
    device_seconds: FloatArray,
    server_seconds: FloatArray,
    uplink_bps: float,
    downlink_bps: float,
    forward_flops: FloatArray | None = None,
    backward_flops: FloatArray | None = None,
    memory_bytes: FloatArray | None = None,
    label_bits: float = 0.0,
) -> tuple[Prediction, ...]:
    """Return work, traffic, time and memory by party and stage for tiers 0 and 1: arrays [V] of one mini-batch.

    In a local step every crossing output goes up once and its gradient comes down, none to the ``inputs`` (published).
    Once a round the device's weights go up and come down. Labels go to the server, unless it has no layer, and take no
    time (ours). Seconds of a layer are those of forward and backward; the device's are divided between its two stages
    as its FLOPs are. ``memory_bytes`` are those of a layer's weights with gradients and Adam's moments and of what it
    keeps for its backward pass. FLOPs and memory are left out where they are not given.
    """
    if tier.max() > 1:
        raise InputError(f"tier = {tier.max()}: must be at most 1 to predict the stages of one device and one server")
    here, crosses = tier == 0, crossing(edges, tier)
    returned = crosses.copy()
    returned[inputs] = False
    up, down = output_bits[crosses].sum(), output_bits[returned].sum()
    weights = weight_bits[here].sum()
    bits = {
        (DEVICE, Stage.ACTIVATIONS): up,
        (DEVICE, Stage.LABELS): label_bits * (~here).any(),
        (DEVICE, Stage.GRADIENTS): down,
        (DEVICE, Stage.WEIGHTS_UP): weights,
        (DEVICE, Stage.WEIGHTS_DOWN): weights,
    }
    flops: dict[tuple[str, Stage], float] = {}
    share = FORWARD_SHARE
    if forward_flops is not None and backward_flops is not None:
        forward, backward = forward_flops[here].sum(), backward_flops[here].sum()
        if forward + backward > 0:
            share = forward / (forward + backward)
        flops = {
            (DEVICE, Stage.CLIENT_FORWARD): forward,
            (DEVICE, Stage.CLIENT_BACKWARD): backward,
            (SERVER, Stage.SERVER): (forward_flops + backward_flops)[~here].sum(),
        }
    device = device_seconds[here].sum()
    seconds = {
        (DEVICE, Stage.CLIENT_FORWARD): share * device,
        (DEVICE, Stage.ACTIVATIONS): up / uplink_bps,
        (SERVER, Stage.SERVER): server_seconds[~here].sum(),
        (DEVICE, Stage.GRADIENTS): down / downlink_bps,
        (DEVICE, Stage.CLIENT_BACKWARD): (1 - share) * device,
        (DEVICE, Stage.WEIGHTS_UP): weights / uplink_bps,
        (DEVICE, Stage.WEIGHTS_DOWN): weights / downlink_bps,
    }
    memory: dict[tuple[str, Stage], float] = {}
    if memory_bytes is not None:
        ends = np.ones(len(tier), dtype=bool)
        ends[edges[:, 0]] = False
        peaks = _peaks(here, weight_bits / 8, memory_bytes, output_bits[ends].sum() / 8, up / 8, down / 8)
        memory = {(party, Stage.PEAK): peak for party, peak in zip((DEVICE, SERVER), peaks, strict=True)}
    quantities: dict[Quantity, dict[tuple[str, Stage], float]] = {
        "flops": flops,
        "bits": bits,
        "seconds": seconds,
        "memory_bytes": memory,
    }
    return tuple(
        Prediction(
            party=party,
            stage=stage,
            quantity=quantity,
            value=float(value),
            per="round" if stage in PER_ROUND else "step",
        )
        for quantity, values in quantities.items()
        for (party, stage), value in values.items()
    )


def _peaks(
    here: NDArray[np.bool_], weights: FloatArray, needs: FloatArray, logits: float, up: float, down: float
) -> tuple[float, float]:
    """Return the most bytes that device and server hold at any moment of a local step (ours).

    Each layer `needs` [V] its weights with gradients and Adam's moments, which stand, and what it saved. The device
    keeps that until all gradients have come down, and what goes up until it is sent; the server what has come up, what
    its layers and the loss saved, and then gradients in the place of that.
    """
    device, server = needs[here].sum(), needs[~here].sum()
    if here.all():
        return float(device + logits), 0.0
    standing = ADAM_COPIES * np.array([weights[here].sum(), weights[~here].sum()])
    return float(max(device + down, standing[0] + up)), float(up + max(server + logits, standing[1] + down))
