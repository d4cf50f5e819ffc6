"""Random instances: Jetson-class devices around one server (all constants reconstructed)."""

from __future__ import annotations

import numpy as np

from rasolve.errors import named
from rasolve.problems.drawing import Fields, whole
from rasolve.scenario.devices import distances_in_disc
from rasolve.scenario.models import profile_named
from rasolve.scenario.path_loss import mean_gain, rayleigh
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ
from rasolve.scenario.units import from_dbm

JETSONS = ((1.3e9, 2048), (0.93e9, 1792), (0.918e9, 1024), (0.765e9, 1024), (0.5e9, 512))
"""Clock [Hz] and cores, from AGX Orin to Nano; all reconstructed."""

SERVER_CLOCK_HZ, SERVER_CORES, SERVER_ENERGY = 2.46e9, 3072, 1.07e-26
"""Fastest clock, cores and ξ of the server (reconstructed)."""

CHANNELS = {"good": 0.0, "normal": 0.0, "poor": 0.0}
"""Path-loss exponents 2, 4 and 6 by name, with their shadowing in dB: none (reconstructed)."""

DEVICE_DBM, SERVER_DBM = 23.0, 40.0
BANDWIDTH_HZ, RADIUS_M = 20e6, 30.0
DEVICE_ENERGY = 1.07e-26
"""ε of the devices: the server's (reconstructed)."""
RANK = 8
MOST = 10_000_000
"""Most devices and rounds of a sampled instance; more is a slip."""


def draw(
    rng: np.random.Generator, devices: int = 5, rounds: int = 20, channel: str = "normal", model: str = "llama-3.2-1b"
) -> Fields:
    """Return the drawn fields: `devices` of the five kinds in turn on a disc, with Rayleigh fading in each of `rounds`.

    `channel` is good, normal or poor.
    """
    devices, rounds = whole("devices", devices, 1, MOST), whole("rounds", rounds, 1, MOST)
    shadowing_db = named("channel", channel, CHANNELS)
    mean = mean_gain(rng, distances_in_disc(rng, devices, RADIUS_M), channel, shadowing_db)
    kinds = np.array(JETSONS)[np.arange(devices) % len(JETSONS)]
    profile = profile_named(model)
    return {
        "profile": profile,
        "rank": RANK if profile.adapter_params.any() else 0,
        "device_clock_hz": kinds[:, 0],
        "device_cores": kinds[:, 1],
        "device_power_w": np.full(devices, float(from_dbm(DEVICE_DBM))),
        "device_energy": np.full(devices, DEVICE_ENERGY),
        "gain": mean * rayleigh(rng, (rounds, devices)),
        "server_clock_max_hz": SERVER_CLOCK_HZ,
        "server_cores": SERVER_CORES,
        "server_energy": SERVER_ENERGY,
        "server_power_w": float(from_dbm(SERVER_DBM)),
        "bandwidth_up_hz": BANDWIDTH_HZ,
        "bandwidth_down_hz": BANDWIDTH_HZ,
        "noise_w_per_hz": THERMAL_NOISE_W_PER_HZ,
    }
