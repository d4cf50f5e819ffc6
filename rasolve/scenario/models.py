"""Models by name: those that the executor builds, and those that are known by their profile alone."""

from __future__ import annotations

from collections.abc import Callable

from rasolve.errors import named
from rasolve.scenario.lenet import LENET12, lenet12
from rasolve.scenario.llama import LLAMA_1B
from rasolve.scenario.workload import ARCHITECTURES, Profile

PROFILES: dict[str, Callable[[], Profile]] = {
    **{name: spec.profile for name, spec in ARCHITECTURES.items()},
    LENET12.name: lenet12,
    LLAMA_1B.name: LLAMA_1B.profile,
}
"""What makes each model's profile."""

SAYS: dict[str, str] = {
    **{name: spec.says for name, spec in ARCHITECTURES.items()},
    LENET12.name: LENET12.says,
    LLAMA_1B.name: f"{LLAMA_1B.says} (profile only)",
}
"""Each model in words."""


def profile_named(name: str) -> Profile:
    """Return the named model's profile; raises InputError with the nearest known names."""
    return named("model", name, PROFILES)()
