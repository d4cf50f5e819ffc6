"""What every plan says, whatever its protocol: what was planned, how much is trained, and the prediction."""

from __future__ import annotations

import re
from abc import abstractmethod
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self, cast, get_args

from pydantic import Field, field_validator

from rasolve.documents import Document
from rasolve.errors import InputError, named
from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario.workload import Buildable, Transformer

Quantity = Literal["flops", "bits", "seconds", "joules", "memory_bytes"]


class Stage(StrEnum):
    """The stages of split training, as predictions and reports name them.

    Parties are "client 1".."client K" and "server". What is sent up counts for its sender, what comes down (gradients,
    adapters, weights) for the client that receives it. PEAK is where memory stands: the most that a party holds at any
    moment.
    """

    CLIENT_FORWARD = "client forward"
    ACTIVATIONS = "activations"
    LABELS = "labels"
    SERVER = "server"
    GRADIENTS = "gradients"
    CLIENT_BACKWARD = "client backward"
    ADAPTERS_UP = "adapters up"
    ADAPTERS_DOWN = "adapters down"
    WEIGHTS_UP = "weights up"
    WEIGHTS_DOWN = "weights down"
    PEAK = "peak"


PER_ROUND = frozenset({Stage.ADAPTERS_UP, Stage.ADAPTERS_DOWN, Stage.WEIGHTS_UP, Stage.WEIGHTS_DOWN})
"""The stages that happen once a round; the others happen in every local step."""

COMPUTING = frozenset({Stage.CLIENT_FORWARD, Stage.CLIENT_BACKWARD, Stage.SERVER})
"""The stages in which somebody computes."""

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
    """A self-contained, versioned instruction for a training run; each protocol has a kind of its own.

    ``rounds`` is the predicted number of rounds and ``rounds_source`` says where that number comes from. Read from
    JSON, a plan is of the kind that its field ``protocol`` names.
    """

    kind: ClassVar[str] = "plan"
    protocols: ClassVar[dict[str, type[Plan]]] = {}
    """The kinds of plans by protocol."""

    problem: str
    solver: str
    protocol: str
    parameter_bits: int = Field(default=32, ge=1)
    batch_size: int = Field(ge=1)
    local_steps: int = Field(ge=1)
    rounds: float = Field(gt=0)
    rounds_source: str
    objective: float
    unit: str = "s"
    prediction: tuple[Prediction, ...] = Field(min_length=1)

    @classmethod
    def __pydantic_init_subclass__(cls, **settings: Any) -> None:
        """Enter a kind of plans under its protocol."""
        super().__pydantic_init_subclass__(**settings)
        for protocol in get_args(cls.model_fields["protocol"].annotation):
            Plan.protocols[protocol] = cls

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the plan of a parsed mapping, of the kind that its protocol names."""
        if cls is not Plan or fields.get("kind", cls.kind) != cls.kind:
            return super().from_fields(fields)
        if "protocol" not in fields:
            raise InputError("plan: field 'protocol' is missing")
        return cast(Self, named("protocol", fields["protocol"], Plan.protocols).from_fields(fields))

    def model_post_init(self, context: object) -> None:
        """Reject predictions of clients that there are not, and predictions made twice."""
        super().model_post_init(context)
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
    @abstractmethod
    def clients(self) -> int:
        """K, the number of clients."""

    @property
    @abstractmethod
    def model_name(self) -> str | None:
        """The name of the model to train; None where the plan names none."""

    @property
    @abstractmethod
    def split(self) -> dict[str, Any]:
        """How the model is split between the parties: the deciding arrays by name, as lists."""

    @property
    @abstractmethod
    def says(self) -> str:
        """How the model is split between the parties, in words."""

    @property
    @abstractmethod
    def speeds(self) -> dict[str, float]:
        """The speed [FLOP/s] of every party that works."""

    @property
    @abstractmethod
    def rates(self) -> dict[Stage, FloatArray]:
        """The rates [K] in bit/s of the stages in which something is sent that takes time."""

    def occurrences(self, party: str, stage: str, steps: int) -> int:
        """Return how often a party goes through a stage in so many local steps."""
        return steps // self.local_steps if stage in PER_ROUND else steps

    @property
    @abstractmethod
    def obstacle(self) -> str | None:
        """Why the executor cannot run this plan on any machine; None where it can."""

    def predicted(self, quantity: Quantity) -> tuple[Prediction, ...]:
        """Return the predictions of one quantity, in the order in which the plan lists them."""
        return tuple(p for p in self.prediction if p.quantity == quantity)


def reject_cut_beyond(spec: Buildable | None, cut: IntArray) -> None:
    """Raise InputError where a cut [K] lies beyond the last block of the model."""
    if spec is not None and int(cut.max()) > spec.blocks:
        raise InputError(f"cut = {int(cut.max())}: must be at most the {spec.blocks} blocks of {spec.name}")


def obstacle_of(spec: Buildable | None, parameter_bits: int) -> str | None:
    """Return why the executor cannot train a model at a precision on what it has to train on; None where it can."""
    if spec is None:
        return "the plan names no model which can be built: its profile is of no known architecture"
    if parameter_bits not in RUNNABLE_BITS:
        bits = ", ".join(map(str, RUNNABLE_BITS))
        return f"parameter_bits = {parameter_bits}: must be one of {bits} to run"
    if isinstance(spec, Transformer):
        if spec.vocabulary < ASCII:
            return f"{spec.name}: vocabulary = {spec.vocabulary}: text needs at least the {ASCII} ASCII tokens"
        return None
    if spec.channels != DIGIT_CHANNELS:
        return f"{spec.name}: channels = {spec.channels}: digits have {DIGIT_CHANNELS}"
    if spec.classes < DIGIT_CLASSES:
        return f"{spec.name}: classes = {spec.classes}: digits need at least {DIGIT_CLASSES}"
    return None
