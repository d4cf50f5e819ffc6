"""Random instances (all constants reconstructed but the chain of LeNet-12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.baselines import fixed_split
from rasolve.problems.adaptive_split.costs import energy_j, parts_of
from rasolve.problems.drawing import Fields, drawn_fields, whole
from rasolve.scenario.devices import distances_in_disc
from rasolve.scenario.models import profile_named
from rasolve.scenario.path_loss import mean_gain, rayleigh
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ
from rasolve.scenario.units import from_dbm
from rasolve.scenario.workload import Profile

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots


@dataclass(frozen=True)
class Machines:
    """What computes: clocks [Hz], FLOP per cycle, ε of a device, power of the server at its fastest, and the work."""

    device_clock_hz: tuple[float, float]
    device_flops_per_cycle: float
    device_energy: float
    server_clock_hz: tuple[float, float]
    server_flops_per_cycle: float
    server_w: float
    batch_size: int
    local_steps: int
    rank: int
    budget: float
    """Energy budget, as a share of what a fixed split halfway takes at the fastest clock."""


SMALL = Machines((0.1e9, 1e9), 1.0, 1e-28, (10e9, 100e9), 1.0, 100.0, 64, 5, rank=0, budget=0.8)
"""For models that are trained in full: the published chain with the card's constants."""

ACCELERATED = Machines((1.0e9, 1.6e9), 1024.0, 5e-27, (0.5e9, 5e9), 32768.0, 300.0, 16, 12, rank=4, budget=0.15)
"""For transformers with LoRA; the end cuts take so little energy that a larger budget would not bind."""

DEVICE_DBM, STATION_DBM = 23.0, 46.0
BANDWIDTH_HZ = (1e6, 10e6)
RADIUS_M = 200.0
PARALLEL_SLACK = 0.05
"""Declared slack of parallel instances, whose horizon is shorter."""
MOST = 10_000_000
"""Most devices and slots of a sampled instance; more is a slip."""


def sample(cls: type[SplitOverSlots], draw: Callable[..., Fields], *, seed: int = 0, **given: Any) -> Fields:
    """Return the fields of a random instance; `given` are sizes of `draw`, and fields to set outright.

    Where no budget is given, it is a share of what a fixed split halfway takes at the fastest clock.
    """
    fields = drawn_fields(cls, draw, seed, given)
    if "energy_budget_j" in given:
        return fields
    many = np.ndim(fields["gain_up"]) > 1
    unlimited = cls(**{**fields, "energy_budget_j": np.ones(1) if many else 1.0})
    spent = energy_j(unlimited, parts_of(unlimited, fixed_split(unlimited, unlimited.profile.blocks // 2))).mean(axis=0)
    budget = machines_for(unlimited.profile).budget * spent
    return {**fields, "energy_budget_j": budget if many else float(budget[0])}


def draw(rng: np.random.Generator, devices: int = 10, slots: int = 2000, model: str = "lenet12") -> Fields:
    """Return the drawn fields of the sequential problem: `devices` on a disc take turns over `slots` slots.

    Clocks are drawn for each device; gain = path loss · log-normal shadowing (8 dB) · Rayleigh fading of every slot.
    """
    devices, slots = whole("devices", devices, 1, MOST), whole("slots", slots, 1, MOST)
    common, machines = _common(rng, model)
    clock_hz, mean = _devices(rng, devices, machines)
    turn = np.arange(slots) % devices
    return {
        **common,
        "device": turn,
        "device_clock_hz": clock_hz[turn],
        "gain_up": mean[turn] * rayleigh(rng, (slots,)),
        "gain_down": mean[turn] * rayleigh(rng, (slots,)),
    }


def draw_parallel(rng: np.random.Generator, devices: int = 4, slots: int = 200, model: str = "lenet12") -> Fields:
    """Return the drawn fields of the parallel problem: all `devices` on a disc train in each of `slots` slots."""
    devices, slots = whole("devices", devices, 1, MOST), whole("slots", slots, 1, MOST)
    common, machines = _common(rng, model)
    clock_hz, mean = _devices(rng, devices, machines)
    return {
        **common,
        "clock_min_hz": min(common["clock_min_hz"], common["clock_max_hz"] / (2 * devices)),
        "energy_slack": PARALLEL_SLACK,
        "device_clock_hz": np.broadcast_to(clock_hz, (slots, devices)),
        "gain_up": mean * rayleigh(rng, (slots, devices)),
        "gain_down": mean * rayleigh(rng, (slots, devices)),
    }


def _common(rng: np.random.Generator, model: str) -> tuple[Fields, Machines]:
    profile = profile_named(model)
    machines = machines_for(profile)
    least_hz, most_hz = machines.server_clock_hz
    bandwidth_hz = rng.uniform(*BANDWIDTH_HZ)
    return {
        "profile": profile,
        "rank": machines.rank,
        "batch_size": machines.batch_size,
        "local_steps": machines.local_steps,
        "device_flops_per_cycle": machines.device_flops_per_cycle,
        "server_flops_per_cycle": machines.server_flops_per_cycle,
        "noise_w_per_hz": THERMAL_NOISE_W_PER_HZ,
        "clock_min_hz": least_hz,
        "clock_max_hz": most_hz,
        "bandwidth_up_hz": bandwidth_hz,
        "bandwidth_down_hz": bandwidth_hz,
        "device_power_w": float(from_dbm(DEVICE_DBM)),
        "server_power_w": float(from_dbm(STATION_DBM)),
        "device_energy": machines.device_energy,
        "server_energy": machines.server_w / most_hz**3,
    }, machines


def machines_for(profile: Profile) -> Machines:
    """Return what a model is computed on: accelerators, where it has adapters."""
    return ACCELERATED if profile.adapter_params.any() else SMALL


def _devices(rng: np.random.Generator, devices: int, machines: Machines) -> tuple[FloatArray, FloatArray]:
    """Return each device's clock [Hz] and mean gain."""
    clock_hz = rng.uniform(*machines.device_clock_hz, size=devices)
    return clock_hz, mean_gain(rng, distances_in_disc(rng, devices, RADIUS_M))
