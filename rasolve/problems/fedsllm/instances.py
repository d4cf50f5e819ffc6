"""Random FedsLLM instances in three regimes (all constants reconstructed)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.documents import Document
from rasolve.errors import InputError, named, unknown
from rasolve.numerics import FloatArray
from rasolve.scenario.devices import distances_in_disc, speeds
from rasolve.scenario.path_loss import mean_gain, rayleigh
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ, rate
from rasolve.scenario.units import from_dbm
from rasolve.scenario.workload import architecture
from rasolve.surrogate_models.rounds import placeholder_rounds


@dataclass(frozen=True)
class Regime:
    """Bandwidth of each link [Hz], largest power of a client and of all [dBm], radius of the cell [m]."""

    bandwidth_hz: float
    client_dbm: float
    total_dbm: float
    radius_m: float


REGIMES = {
    "wideband": Regime(200e6, 31.76, 36.99, 200.0),
    "midband": Regime(20e6, 31.76, 36.99, 200.0),
    "narrowband": Regime(500e3, 41.76, 46.99, 20.0),
}

CLIENT_CLOCK_GHZ = (1.0, 1.6)
CLIENT_FLOPS_PER_CYCLE = 1024.0
SERVER_FLOPS_PER_S = 5e9 * 32768
STATION_DBM = 46.0
"""Power of the base station on the downlink, shared equally by the clients."""
MOST = 10_000_000
"""Most clients and subchannels of a sampled instance; more is a slip."""
SAMPLES_PER_CLIENT = (200, 1000)


def sample(
    problem: type[Document], drawing: Callable[..., dict[str, Any]], *, seed: int = 0, **given: Any
) -> dict[str, Any]:
    """Return the fields of a random instance; `given` are sizes of the drawing, and fields to set outright."""
    sizes = {name for name in inspect.signature(drawing).parameters if name != "rng"}
    seed = _whole("seed", seed, 0, 2**63 - 1)
    fields = drawing(np.random.default_rng(seed), **{name: given[name] for name in given if name in sizes})
    known = sizes.union(problem.model_fields)
    for name in given:
        if name not in known:
            raise unknown(f"size or field of {problem.kind}", name, known)
    return {**fields, **{name: _spread(given[name], name, fields) for name in given if name not in sizes}}


def draw(
    rng: np.random.Generator,
    clients: int = 5,
    subchannels: int = 20,
    regime: str = "wideband",
    model: str = "gpt2-s",
    path_loss: str = "macro",
    selective: bool = False,
    downlink: bool = False,
) -> dict[str, Any]:
    """Return the drawn fields: `clients` uniform on a disc, `subchannels` on each link, gains flat unless `selective`.

    Gain = path loss · log-normal shadowing (8 dB) · Rayleigh fading, drawn for each link on its own; a selective link
    draws the fading for every subchannel. `downlink` adds rates from a 46 dBm station.
    """
    clients, subchannels = _whole("clients", clients, 1, MOST), _whole("subchannels", subchannels, 1, MOST)
    for name, value in (("selective", selective), ("downlink", downlink)):
        if not isinstance(value, bool):
            raise InputError(f"{name} = {value!r}: must be true or false")
    law, spec = named("regime", regime, REGIMES), architecture(model)
    distance_m = distances_in_disc(rng, clients, law.radius_m)
    columns = subchannels if selective else 1
    mean = {link: mean_gain(rng, distance_m, path_loss)[:, None] for link in ("main", "fed")}
    gain = {link: mean[link] * rayleigh(rng, (clients, columns)) for link in ("main", "fed")}
    width_hz = np.full(subchannels, law.bandwidth_hz / subchannels)
    fields = {
        "profile": spec.profile(),
        "rounds": placeholder_rounds(model),
        "client_flops_per_s": speeds(rng, clients, CLIENT_CLOCK_GHZ, CLIENT_FLOPS_PER_CYCLE),
        "server_flops_per_s": SERVER_FLOPS_PER_S,
        "client_power_w": np.full(clients, from_dbm(law.client_dbm)),
        "main_total_power_w": float(from_dbm(law.total_dbm)),
        "fed_total_power_w": float(from_dbm(law.total_dbm)),
        "main_gain": gain["main"],
        "fed_gain": gain["fed"],
        "main_subchannel_hz": width_hz,
        "fed_subchannel_hz": width_hz,
        "noise_w_per_hz": THERMAL_NOISE_W_PER_HZ,
        "data_sizes": rng.integers(*SAMPLES_PER_CLIENT, size=clients),
    }
    if downlink:
        fields |= {f"{link}_downlink_bps": _downlink(law, mean[link][:, 0]) for link in ("main", "fed")}
    return fields


def _whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number of any integer type; raises InputError where it is none or out of range."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} = {value!r}: must be a whole number from {least} to {most}")
    return int(value)


def _downlink(law: Regime, mean: FloatArray) -> FloatArray:
    """Return each client's downlink rate [K, bit/s] on an equal share of band and station power at its mean gain."""
    clients = len(mean)
    return rate(law.bandwidth_hz / clients, from_dbm(STATION_DBM) / clients, mean, THERMAL_NOISE_W_PER_HZ)


def _spread(value: Any, name: str, fields: dict[str, Any]) -> Any:
    """Let a single number stand for an array field with the same value everywhere."""
    clients = len(fields["client_flops_per_s"])
    per_client = {"client_memory_bytes", "main_downlink_bps", "fed_downlink_bps"}
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        if isinstance(fields.get(name), np.ndarray):
            return np.full(np.shape(fields[name]), value)
        if name in per_client:
            return np.full(clients, value)
        if name in ("cuts", "ranks"):
            return (value,)
    return value
