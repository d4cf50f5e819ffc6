"""Random DagSplit instances: a shipped or traced model, or a random graph, between random parties (reconstructed)."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from rasolve.errors import InputError, is_real, unknown, whole_number
from rasolve.numerics import IntArray
from rasolve.scenario.graph import GraphProfile, graph_named

UPLINK_BPS, DOWNLINK_BPS = (50e6, 200e6), (100e6, 500e6)
"""Range of the usual rates; those of an instance are log-normal about them."""
RATE_SIGMA = 0.5
"""Standard deviation of the logarithm of a rate."""
DEVICE_FLOPS_PER_S, SERVER_FLOPS_PER_S = (0.5e12, 5e12), (10e12, 20e12)
"""Range of effective speeds."""
TRAINING_COPIES = 4
"""Copies of a weight that training with Adam keeps: itself, its gradient and two moments (textbook)."""
MOST_LAYERS = 1_000_000
"""Most layers of a random graph; more is a slip."""


def sample(fields_of_problem: Collection[str], *, seed: int = 0, **given: Any) -> dict[str, Any]:
    """Return the fields of a random instance; `given` are sizes of :func:`draw`, and fields to set outright."""
    sizes = {name for name in inspect.signature(draw).parameters if name != "rng"}
    known = sizes.union(fields_of_problem)
    for name in given:
        if name not in known:
            raise unknown("size or field of dag-split", name, known)
    seed = whole_number("seed", seed, 0)
    fields = draw(np.random.default_rng(seed), **{name: given[name] for name in given if name in sizes})
    return {**fields, **{name: _spread(given[name], fields.get(name)) for name in given if name not in sizes}}


def _spread(value: Any, drawn: Any) -> Any:
    """Return a value to set outright: one number for a whole array where the field holds one."""
    if isinstance(drawn, np.ndarray) and is_real(value):
        return np.broadcast_to(np.asarray(value), drawn.shape)
    return value


def draw(
    rng: np.random.Generator,
    model: str = "resnet18",
    layers: int | None = None,
    width: int = 3,
    batch_size: int = 16,
) -> dict[str, Any]:
    """Return the drawn fields: a `model` shipped or in a .json file of `rasolve trace`, or a random graph of `layers`.

    Usual rates are uniform in their ranges, an instance's own log-normal with that mean; speeds are uniform. In a
    random graph, layers read up to three of the latest `width`; work, outputs and weights are log-normal, and so is
    what each layer's speed has of its party's, so that the server is not faster everywhere.
    """
    speeds = {
        "device_flops_per_s": rng.uniform(*DEVICE_FLOPS_PER_S),
        "server_flops_per_s": rng.uniform(*SERVER_FLOPS_PER_S),
    }
    usual = {"usual_uplink_bps": rng.uniform(*UPLINK_BPS), "usual_downlink_bps": rng.uniform(*DOWNLINK_BPS)}
    own = {name.removeprefix("usual_"): rate * _fading(rng) for name, rate in usual.items()}
    batch_size = whole_number("batch_size", batch_size, 1)
    if layers is None:
        return {**of_profile(_profile(model), batch_size=batch_size, **speeds), **usual, **own}
    layers, width = whole_number("layers", layers, 2), whole_number("width", width, 1)
    if layers > MOST_LAYERS:
        raise InputError(f"layers = {layers}: must be at most {MOST_LAYERS}")
    return {**_random_graph(rng, layers, width, batch_size, **speeds), **usual, **own}


def _fading(rng: np.random.Generator) -> float:
    """Return a log-normal factor with mean 1."""
    return float(np.exp(rng.normal(-(RATE_SIGMA**2) / 2, RATE_SIGMA)))


def _profile(model: Any) -> GraphProfile:
    if isinstance(model, str) and model.endswith(".json"):
        return GraphProfile.load(Path(model))
    return graph_named(model)


def of_profile(
    profile: GraphProfile, *, device_flops_per_s: float, server_flops_per_s: float, batch_size: int
) -> dict[str, Any]:
    """Return the fields that follow from a profile, speeds [FLOP/s] and the size of a mini-batch.

    A layer's memory on the device is that of its weights with gradient and Adam's moments, and of what it keeps for its
    backward pass, its output where that is not known (ours).
    """
    for name, speed in (("device_flops_per_s", device_flops_per_s), ("server_flops_per_s", server_flops_per_s)):
        if not (is_real(speed) and 0 < speed < np.inf):
            raise InputError(f"{name} = {speed!r}: must be above 0")
    batch = whole_number("batch_size", batch_size, 1)
    work = batch * (profile.forward_flops + profile.backward_flops)
    kept = profile.output_bits / 8 if profile.saved_bytes is None else profile.saved_bytes
    return {
        "model": profile.model,
        "names": profile.names,
        "edges": profile.edges,
        "inputs": profile.inputs,
        "device_seconds": work / device_flops_per_s,
        "server_seconds": work / server_flops_per_s,
        "output_bits": batch * profile.output_bits,
        "weight_bits": profile.weight_bits,
        "memory_bytes": TRAINING_COPIES * profile.weight_bits / 8 + batch * kept,
        "batch_size": batch,
        "forward_flops": batch * profile.forward_flops,
        "backward_flops": batch * profile.backward_flops,
        "label_bits": batch * profile.label_bits,
    }


def _random_graph(
    rng: np.random.Generator,
    layers: int,
    width: int,
    batch_size: int,
    device_flops_per_s: float,
    server_flops_per_s: float,
) -> dict[str, Any]:
    flops = batch_size * rng.lognormal(np.log(2e8), 1.0, layers)
    flops[0] = 0.0
    weight_bits = rng.lognormal(np.log(1e6), 1.5, layers)
    weight_bits[0] = 0.0
    output_bits = batch_size * rng.lognormal(np.log(5e6), 1.0, layers)
    return {
        "edges": _random_edges(rng, layers, width),
        "device_seconds": 3 * flops / device_flops_per_s * rng.lognormal(0, 0.5, layers),
        "server_seconds": 3 * flops / server_flops_per_s * rng.lognormal(0, 0.5, layers),
        "output_bits": output_bits,
        "weight_bits": weight_bits,
        "memory_bytes": TRAINING_COPIES * weight_bits / 8 + output_bits / 8,
        "batch_size": batch_size,
        "forward_flops": flops,
        "backward_flops": 2 * flops,
    }


def _random_edges(rng: np.random.Generator, layers: int, width: int) -> IntArray:
    """Return the edges of a graph in which layer v reads one to three of the `width` before it."""
    child = np.arange(1, layers)
    reads = rng.integers(1, 4, size=layers - 1)
    parents = child[:, None] - rng.integers(1, width + 1, size=(layers - 1, 3))
    kept = (np.arange(3) < reads[:, None]) & (parents >= 0)
    kept[:, 0] = True
    edges = np.stack([np.maximum(parents, 0), np.broadcast_to(child[:, None], parents.shape)], axis=-1)[kept]
    return np.unique(edges, axis=0)
