"""What the sequential and the parallel problem share: their data, and what a slot costs at every cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Problem
from rasolve.scenario.cuts import CutTable, cut_table
from rasolve.scenario.models import profile_named
from rasolve.scenario.radio import rate
from rasolve.scenario.workload import Profile

LEAST_GAIN, LARGEST_GAIN = 1e-25, 1e6
"""-250 and 60 dB: no channel is weaker or stronger; what is beyond is a slip of units, here as in the next limits."""
LEAST_POWER_W, LARGEST_POWER_W = 1e-12, 1e9
LEAST_BANDWIDTH_HZ, LARGEST_BANDWIDTH_HZ = 1.0, 1e15
LEAST_NOISE_W_PER_HZ, LARGEST_NOISE_W_PER_HZ = 1e-30, 1e-3
LEAST_CLOCK_HZ, LARGEST_CLOCK_HZ = 1e3, 1e15
LARGEST_COUNT = 10**9
"""Largest batch and number of local steps."""

Scope = Literal["device", "server", "total"]
"""Whose energy the budget limits."""


class SplitOverSlots(Problem):
    """Split training over T slots with a cut and a server clock in each, under a long-term energy budget.

    ``rank`` 0 trains all weights, which then travel; a rank above it LoRA, whose adapters do. ``cuts`` are the
    candidates, all of 0..J by default. ``device_energy`` and ``server_energy`` are ε [J/(cycle·Hz²)]. ``energy_scope``
    says whose energy is limited. ``energy_slack`` is the share of the budget by which a path may exceed it: the declared
    slack of online policies, which steer to the budget itself (ours).
    """

    reference: ClassVar[str] = "arXiv 2403.05158"
    unit: ClassVar[str] = "s"

    profile: Profile
    rank: int = Field(default=0, ge=0, le=LARGEST_COUNT)
    batch_size: int = Field(default=64, ge=1, le=LARGEST_COUNT)
    local_steps: int = Field(default=5, ge=1, le=LARGEST_COUNT)
    cuts: tuple[int, ...] | None = None
    device_flops_per_cycle: float = Field(gt=0)
    server_flops_per_cycle: float = Field(gt=0)
    noise_w_per_hz: float = Field(ge=LEAST_NOISE_W_PER_HZ, le=LARGEST_NOISE_W_PER_HZ)
    energy_scope: Scope = "total"
    energy_slack: float = Field(default=0.02, ge=0)
    clock_min_hz: float = Field(ge=LEAST_CLOCK_HZ, le=LARGEST_CLOCK_HZ)
    clock_max_hz: float = Field(ge=LEAST_CLOCK_HZ, le=LARGEST_CLOCK_HZ)
    bandwidth_up_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    bandwidth_down_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    device_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    server_power_w: float = Field(ge=LEAST_POWER_W, le=LARGEST_POWER_W)
    device_energy: float = Field(ge=0)
    server_energy: float = Field(ge=0)

    @field_validator("profile", mode="before")
    @classmethod
    def _named(cls, profile: Any) -> Any:
        """Read a model's name as its profile."""
        return profile_named(profile) if isinstance(profile, str) else profile

    @field_validator("cuts")
    @classmethod
    def _distinct(cls, values: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if values is None:
            return None
        if not values:
            raise ValueError("is empty: at least one candidate is needed")
        if min(values) < 0:
            raise ValueError(f"holds {min(values)}: candidates must be at least 0")
        return tuple(sorted(set(values)))

    def model_post_init(self, context: object) -> None:
        """Check what concerns several fields."""
        super().model_post_init(context)
        if self.clock_min_hz > self.clock_max_hz:
            raise InputError(f"clock_min_hz = {self.clock_min_hz:g}: must be at most clock_max_hz = {self.clock_max_hz:g}")
        if max(self.candidates) > self.profile.blocks:
            raise InputError(
                f"cuts holds {max(self.candidates)}: must be at most the profile's {self.profile.blocks} blocks"
            )
        self.table  # noqa: B018 - refuses a rank that does not go with the profile

    @cached_property
    def candidates(self) -> IntArray:
        """The cuts that may be chosen [S]."""
        return np.array(self.cuts if self.cuts is not None else range(self.profile.blocks + 1))

    @cached_property
    def table(self) -> CutTable:
        """Work and traffic per sample at every cut."""
        return cut_table(self.profile, self.rank)

    @property
    def samples(self) -> int:
        """Samples of a slot: K·b."""
        return self.local_steps * self.batch_size

    @property
    def counts_server(self) -> bool:
        """Whether the server's energy is limited."""
        return self.energy_scope != "device"

    @property
    def counts_device(self) -> bool:
        """Whether the devices' energy is limited."""
        return self.energy_scope != "server"
