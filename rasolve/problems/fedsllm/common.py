"""What the FedsLLM problems share, however their links are divided: workload, devices, powers, rounds, memory."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from rasolve.arrays import Array
from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.plan import SplitFederatedPlan
from rasolve.problems.base import Problem
from rasolve.problems.fedsllm import prediction
from rasolve.problems.fedsllm.notes import notes
from rasolve.scenario.workload import Profile, architecture
from rasolve.surrogate_models.rounds import Rounds, placeholder_rounds

LEAST_GAIN, LARGEST_GAIN = 1e-25, 1e6
"""-250 and 60 dB: no channel is weaker or stronger; what is beyond is a slip of units, here as in the next limits."""
LEAST_POWER_W, LARGEST_POWER_W = 1e-12, 1e9
LEAST_BANDWIDTH_HZ, LARGEST_BANDWIDTH_HZ = 1.0, 1e15
LEAST_NOISE_W_PER_HZ, LARGEST_NOISE_W_PER_HZ = 1e-30, 1e-3
LEAST_FLOPS_PER_S = 1e6
"""No party is that slow; beside days of computing, milliseconds on a link are lost in rounding."""
LARGEST_COUNT = 10**9
"""Largest batch and number of local steps."""

Speeds = Annotated[FloatArray, Array(("K",), at_least=LEAST_FLOPS_PER_S)]
Powers = Annotated[FloatArray, Array(("K",), at_least=LEAST_POWER_W, at_most=LARGEST_POWER_W)]


class SplitFederated(Problem):
    """Data of split-federated LoRA fine-tuning of K clients, without its two links.

    ``ranks`` and ``cuts`` are the candidates (cuts: all blocks by default), common to all clients. Downlink terms count
    where downlink rates are given. The formulas stand in `rasolve.problems.fedsllm.delay`.
    """

    profile: Profile
    batch_size: int = Field(default=16, ge=1, le=LARGEST_COUNT)
    local_steps: int = Field(default=12, ge=1, le=LARGEST_COUNT)
    ranks: tuple[int, ...] = (1, 2, 4, 6, 8)
    cuts: tuple[int, ...] | None = None
    rounds: Rounds
    client_flops_per_s: Speeds
    server_flops_per_s: float = Field(ge=LEAST_FLOPS_PER_S)
    client_power_w: Powers
    main_total_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    fed_total_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    noise_w_per_hz: float = Field(ge=LEAST_NOISE_W_PER_HZ, le=LARGEST_NOISE_W_PER_HZ)
    data_sizes: Annotated[FloatArray, Array(("K",), above=0)]
    client_memory_bytes: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    label_bits: float = Field(default=0.0, ge=0)
    main_downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None
    fed_downlink_bps: Annotated[FloatArray, Array(("K",), above=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Read a model's name as its profile and a bare table as given rounds; without rounds, use the placeholder.

        Without ranks, those of the table are the candidates. A placeholder belongs to no model and follows the profile;
        rounds given or fitted for another model are refused.
        """
        fields = dict(fields)
        if isinstance(fields.get("profile"), str):
            fields["profile"] = architecture(fields["profile"]).profile()
        profile, rounds = fields.get("profile"), fields.get("rounds", "placeholder")
        model = profile.get("model", "") if isinstance(profile, dict) else getattr(profile, "model", "")
        if isinstance(rounds, dict) and "table" not in rounds:
            rounds = Rounds(table=rounds, model=model)
        if rounds == "placeholder" or (isinstance(rounds, Rounds) and rounds.source == "placeholder"):
            rounds = placeholder_rounds(model)
        known = {"ranks": tuple(rounds.table)} if isinstance(rounds, Rounds) else {}
        return {**known, **fields, "rounds": rounds}

    @field_validator("ranks", "cuts")
    @classmethod
    def _distinct(cls, values: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if values is None:
            return None
        if not values:
            raise ValueError("is empty: at least one candidate is needed")
        if min(values) < 1:
            raise ValueError(f"holds {min(values)}: candidates must be at least 1")
        return tuple(sorted(set(values)))

    def model_post_init(self, context: object) -> None:
        """Check what concerns several fields."""
        super().model_post_init(context)
        if max(self.candidate_cuts) > self.profile.blocks:
            raise InputError(
                f"cuts holds {max(self.candidate_cuts)}: must be at most the profile's {self.profile.blocks} blocks"
            )
        if (self.main_downlink_bps is None) != (self.fed_downlink_bps is None):
            absent = "main_downlink_bps" if self.main_downlink_bps is None else "fed_downlink_bps"
            raise InputError(f"{absent} is missing: give both downlink rates or neither")
        if self.rounds.model != self.profile.model:
            raise InputError(f"rounds are for {self.rounds.model}, not for {self.profile.model}: fit or give them anew")
        for rank in self.ranks:
            self.rounds(rank)

    @property
    def clients(self) -> int:
        """K."""
        return self.dimension("K")

    @property
    def candidate_cuts(self) -> tuple[int, ...]:
        """The cuts that may be chosen: those given, or all 1..J."""
        return self.cuts if self.cuts is not None else tuple(range(1, self.profile.blocks + 1))

    def notes(self, decision: Any = None) -> tuple[str, ...]:
        return notes(self, decision)

    def plan(self, decision: Any, solver: str) -> SplitFederatedPlan:
        return prediction.plan(self, decision, solver)
