"""Random instances (all constants reconstructed but the chain of LeNet-12)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.errors import InputError, unknown
from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.base import SplitOverSlots
from rasolve.problems.adaptive_split.costs import channels, energy_j, stages
from rasolve.scenario.devices import distances_in_disc
from rasolve.scenario.models import profile_named
from rasolve.scenario.path_loss import mean_gain, rayleigh
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ
from rasolve.scenario.units import from_dbm
from rasolve.scenario.workload import up_to_cut

Fields = dict[str, Any]


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


SMALL = Machines((0.1e9, 1e9), 1.0, 1e-28, (10e9, 100e9), 1.0, 100.0, batch_size=64, local_steps=5)
"""For models that are trained in full."""

ACCELERATED = Machines((1.0e9, 1.6e9), 1024.0, 5e-27, (0.5e9, 5e9), 32768.0, 300.0, batch_size=16, local_steps=12)
"""For transformers."""

RANK = 4
"""LoRA rank of sampled transformers."""
DEVICE_DBM, STATION_DBM = 23.0, 46.0
BANDWIDTH_HZ = (1e6, 10e6)
RADIUS_M = 200.0
BUDGET = 0.8
"""Budget, as a share of the mean energy of a fixed split halfway at the server's fastest clock."""
MOST = 10_000_000
"""Most devices and slots of a sampled instance; more is a slip."""


def sample(cls: type[SplitOverSlots], draw: Callable[..., Fields], *, seed: int = 0, **given: Any) -> Fields:
    """Return the fields of a random instance; `given` are sizes of `draw`, and fields to set outright.

    Where no budget is given, it is BUDGET of what a fixed split halfway takes.
    """
    sizes = {name for name in inspect.signature(draw).parameters if name != "rng"}
    seed = whole("seed", seed, 0, 2**63 - 1)
    known = sizes.union(cls.model_fields)
    for name in given:
        if name not in known:
            raise unknown(f"size or field of {cls.kind}", name, known)
    drawn = draw(np.random.default_rng(seed), **{name: given[name] for name in given if name in sizes})
    fields = {**drawn, **{name: _spread(given[name], drawn.get(name)) for name in given if name not in sizes}}
    if "energy_budget_j" in given:
        return fields
    shape = np.shape(fields["device_clock_hz"])
    unlimited = cls(**{**fields, "energy_budget_j": np.ones(shape[1:]) if len(shape) > 1 else 1.0})
    return {**fields, "energy_budget_j": BUDGET * halfway_energy_j(unlimited, fields)}


def halfway_energy_j(problem: SplitOverSlots, fields: Fields) -> Any:
    """Return the mean energy of a slot [J], for each device where all train at once, cut halfway at the fastest clock."""
    at = channels(problem, problem.device_clock_hz, problem.gain_up, problem.gain_down)
    shape = at.clock_hz.shape
    devices = shape[1] if len(shape) > 1 else 1
    halfway = np.full(shape, problem.profile.blocks // 2)
    clock_hz = np.full(shape, max(problem.clock_max_hz / devices, problem.clock_min_hz))
    spent = energy_j(problem, stages(problem, at, halfway, clock_hz)).mean(axis=0)
    return spent if len(shape) > 1 else float(spent)


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


def draw_parallel(rng: np.random.Generator, devices: int = 4, slots: int = 100, model: str = "lenet12") -> Fields:
    """Return the drawn fields of the parallel problem: all `devices` on a disc train in each of `slots` slots."""
    devices, slots = whole("devices", devices, 1, MOST), whole("slots", slots, 1, MOST)
    common, machines = _common(rng, model)
    clock_hz, mean = _devices(rng, devices, machines)
    return {
        **common,
        "clock_min_hz": min(common["clock_min_hz"], common["clock_max_hz"] / (2 * devices)),
        "device_clock_hz": np.broadcast_to(clock_hz, (slots, devices)),
        "gain_up": mean * rayleigh(rng, (slots, devices)),
        "gain_down": mean * rayleigh(rng, (slots, devices)),
    }


def _common(rng: np.random.Generator, model: str) -> tuple[Fields, Machines]:
    profile = profile_named(model)
    adapters = bool(up_to_cut(profile.adapter_params)[-1])
    machines = ACCELERATED if adapters else SMALL
    least_hz, most_hz = machines.server_clock_hz
    bandwidth_hz = rng.uniform(*BANDWIDTH_HZ)
    return {
        "profile": profile,
        "rank": RANK if adapters else 0,
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


def _devices(rng: np.random.Generator, devices: int, machines: Machines) -> tuple[FloatArray, FloatArray]:
    """Return each device's clock [Hz] and mean gain."""
    clock_hz = rng.uniform(*machines.device_clock_hz, size=devices)
    return clock_hz, mean_gain(rng, distances_in_disc(rng, devices, RADIUS_M))


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number of any integer type; raises InputError where it is none or out of range."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} = {value!r}: must be a whole number from {least} to {most}")
    return int(value)


def _spread(value: Any, drawn: Any) -> Any:
    """Let a single number stand for an array field with the same value everywhere."""
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return np.full(np.shape(drawn), value) if number and isinstance(drawn, np.ndarray) else value
