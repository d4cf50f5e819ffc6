"""The plan: what every party does, and the prediction that a run is held against."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario.workload import Architecture, VisionTransformer

Quantity = Literal["flops", "bits", "seconds", "joules", "memory_bytes"]


class Stage(StrEnum):
    """The stages of split training, as predictions and reports name them.

    Parties are "client 1".."client K" and "server". What is sent up counts for its sender, what comes down (gradients,
    adapters) for the client that receives it. PEAK is where memory stands: the most that a party holds at any moment.
    """

    CLIENT_FORWARD = "client forward"
    ACTIVATIONS = "activations"
    LABELS = "labels"
    SERVER = "server"
    GRADIENTS = "gradients"
    CLIENT_BACKWARD = "client backward"
    ADAPTERS_UP = "adapters up"
    ADAPTERS_DOWN = "adapters down"
    PEAK = "peak"


PER_ROUND = frozenset({Stage.ADAPTERS_UP, Stage.ADAPTERS_DOWN})
"""The stages that happen once a round; the others happen in every local step."""


PARTY = re.compile(r"server|client [1-9][0-9]{0,15}")
"""How parties are called."""

RUNNABLE_BITS = (32, 64)
"""Parameter bits that the executor computes in."""

ASCII = 128
"""Byte tokens of training text: ASCII, with '?' in the place of every other character (ours)."""

DIGIT_CLASSES, DIGIT_CHANNELS = 10, 1
"""Classes and channels of the images that image classifiers train on: scikit-learn's digits."""


class Prediction(Document):
    """One predicted number: what a party spends in a stage, per local step or per round (memory: its peak)."""

    kind: ClassVar[str] = "prediction"

    party: str
    stage: Stage
    quantity: Quantity
    value: float = Field(ge=0)
    per: Literal["step", "round"] = "step"

    @field_validator("party")
    @classmethod
    def _known(cls, party: str) -> str:
        if not PARTY.fullmatch(party):
            raise ValueError(f"= {party!r}: must be server, or client and its number from 1")
        return party

    @property
    def client(self) -> int:
        """The client's number from 1; 0 for the server."""
        return int(self.party.removeprefix("client ")) if self.party != "server" else 0


class Plan(Document):
    """A self-contained, versioned instruction for a training run, for K clients and one server.

    Arrays have shape [K]; rates in bit/s, speeds in FLOP/s. Without downlink rates what comes down takes no time;
    labels take time where the prediction has seconds for them. With the protocol ``split_sequential`` the plan goes
    over time slots: client k is device ``device[k]`` in slot ``turn[k]``, where the server gives it
    ``server_share_flops_per_s[k]``; one device may be several clients, and rank 0 trains all weights, which then travel
    in the adapters' place. ``rounds`` is the predicted number of rounds and ``rounds_source`` says where that number
    comes from. ``model`` is absent when the problem's profile was not made from a known architecture; such a plan can
    be read but not run.
    """

    kind: ClassVar[str] = "plan"

    problem: str
    solver: str
    protocol: Literal["split_federated", "split_sequential"]
    model: Architecture | None
    parameter_bits: int = Field(default=32, ge=1)
    batch_size: int = Field(ge=1)
    local_steps: int = Field(ge=1)
    rounds: float = Field(gt=0)
    rounds_source: str
    cut: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    rank: Annotated[IntArray, Array(("K",), at_least=0, integer=True)]
    data_sizes: Annotated[FloatArray, Array(("K",), above=0)]
    client_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)]
    server_flops_per_s: float = Field(gt=0)
    uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    fed_uplink_bps: Annotated[FloatArray, Array(("K",), above=0)]
    downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    fed_downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    turn: Annotated[IntArray, Array(("K",), at_least=0, integer=True)] | None = None
    device: Annotated[IntArray, Array(("K",), at_least=0, integer=True)] | None = None
    server_share_flops_per_s: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    objective: float
    unit: str = "s"
    prediction: tuple[Prediction, ...] = Field(min_length=1)

    @property
    def clients(self) -> int:
        """K, the number of clients."""
        return self.dimension("K")

    def model_post_init(self, context: object) -> None:
        """Reject cuts beyond the model's last block, predictions of clients beyond K, and predictions made twice."""
        super().model_post_init(context)
        self._judge_prediction()
        if self.protocol == "split_federated" and int(self.rank.min()) < 1:
            raise InputError(f"rank[{int(self.rank.argmin())}] = {int(self.rank.min())} must be at least 1")
        if self.model is not None and int(self.cut.max()) > self.model.blocks:
            raise InputError(
                f"cut = {int(self.cut.max())}: must be at most the {self.model.blocks} blocks of {self.model.name}"
            )

    def _judge_prediction(self) -> None:
        seen = set()
        for i, each in enumerate(self.prediction):
            if each.client > self.clients:
                raise InputError(f"prediction.{i}.party = '{each.party}': the plan has {self.clients} clients")
            key = each.party, each.stage, each.quantity, each.per
            if key in seen:
                what = f"the {each.quantity} of {each.party}, {each.stage}, per {each.per}"
                raise InputError(f"prediction.{i} says once more: {what}")
            seen.add(key)

    @property
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""
        if self.protocol == "split_sequential":
            return "the executor does not run plans over time slots yet (split_sequential)"
        spec = self.model
        if spec is None:
            return "the plan names no model which can be built: its profile is of no known architecture"
        if self.parameter_bits not in RUNNABLE_BITS:
            bits = ", ".join(map(str, RUNNABLE_BITS))
            return f"parameter_bits = {self.parameter_bits}: must be one of {bits} to run"
        if isinstance(spec, VisionTransformer):
            if spec.channels != DIGIT_CHANNELS:
                return f"{spec.name}: channels = {spec.channels}: digits have {DIGIT_CHANNELS}"
            if spec.classes < DIGIT_CLASSES:
                return f"{spec.name}: classes = {spec.classes}: digits need at least {DIGIT_CLASSES}"
        elif spec.vocabulary < ASCII:
            return f"{spec.name}: vocabulary = {spec.vocabulary}: text needs at least the {ASCII} ASCII tokens"
        return None

    def predicted(self, quantity: Quantity) -> tuple[Prediction, ...]:
        """Return the predictions of one quantity, in the order in which the plan lists them."""
        return tuple(p for p in self.prediction if p.quantity == quantity)
