"""Fields that problems of split training have in common: a model, candidate cuts, and what is a slip of units."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from rasolve.errors import InputError
from rasolve.scenario.models import profile_named
from rasolve.scenario.workload import Profile

LEAST_GAIN, LARGEST_GAIN = 1e-25, 1e6
"""-250 and 60 dB: no channel is weaker or stronger; what is beyond is a slip of units, here as in the next limits."""
LEAST_POWER_W, LARGEST_POWER_W = 1e-12, 1e9
LEAST_BANDWIDTH_HZ, LARGEST_BANDWIDTH_HZ = 1.0, 1e15
LEAST_NOISE_W_PER_HZ, LARGEST_NOISE_W_PER_HZ = 1e-30, 1e-3
LEAST_CLOCK_HZ, LARGEST_CLOCK_HZ = 1e3, 1e15
LEAST_COMPUTING = 1e-9
"""FLOP per cycle, or cores."""
LARGEST_COUNT = 10**9
"""Largest batch and number of local steps."""


def _profile(given: Any) -> Any:
    return profile_named(given) if isinstance(given, str) else given


def _distinct(cuts: tuple[int, ...]) -> tuple[int, ...]:
    if not cuts:
        raise ValueError("is empty: at least one candidate is needed")
    if min(cuts) < 0:
        raise ValueError(f"holds {min(cuts)}: candidates must be at least 0")
    return tuple(sorted(set(cuts)))


NamedProfile = Annotated[Profile, BeforeValidator(_profile)]
"""A profile, or a model's name."""

Cuts = Annotated[tuple[int, ...], AfterValidator(_distinct)]
"""Candidate cuts from 0 to J, each once, in order."""


def reject_beyond(cuts: tuple[int, ...] | None, profile: Profile) -> None:
    """Raise InputError where a candidate cut lies beyond the profile's last block."""
    if cuts is not None and max(cuts) > profile.blocks:
        raise InputError(f"cuts holds {max(cuts)}: must be at most the profile's {profile.blocks} blocks")
