"""Small random DagSplit problems, and their optima by looking at every split, without the package's own formulas."""

from __future__ import annotations

from itertools import product

import numpy as np

import rasolve as ra


def small_split(seed: int, least: int = 4, most: int = 10, **changes) -> ra.DagSplit:
    """Return a random problem of `least` to `most` layers; the server is not faster everywhere."""
    rng = np.random.default_rng(seed)
    layers = int(rng.integers(least, most + 1))
    child = np.arange(1, layers)
    reach = int(rng.integers(1, layers))
    edges = {(int(rng.integers(max(0, v - reach), v)), v) for v in child for _ in range(rng.integers(1, 4))}
    fields = {
        "edges": sorted(edges),
        "device_seconds": rng.lognormal(0, 1, layers),
        "server_seconds": rng.lognormal(-0.5, 1, layers),
        "output_bits": rng.lognormal(0, 1, layers) * 1e6,
        "weight_bits": rng.lognormal(-1, 1, layers) * 1e6,
        "uplink_bps": 10 ** rng.uniform(5, 7),
        "downlink_bps": 10 ** rng.uniform(5, 7),
        "local_steps": int(rng.integers(1, 4)),
        "memory_bytes": rng.uniform(1, 10, layers),
    }
    return ra.DagSplit(**{**fields, **changes})


def all_splits(layers: int, tiers: int = 2) -> np.ndarray:
    """Return every assignment of tiers [splits, layers]."""
    return np.array(list(product(range(tiers), repeat=layers)))


def seconds_of(problem: ra.DagSplit, tier: np.ndarray) -> np.ndarray:
    """Return the seconds of a round of splits [splits, V], as the card has them; inf where one is not allowed."""
    links = [(problem.uplink_bps, problem.downlink_bps), (problem.cloud_uplink_bps, problem.cloud_downlink_bps)]
    seconds = [problem.device_seconds, problem.server_seconds, problem.cloud_seconds]
    total = np.zeros(len(tier))
    for v in range(problem.layers):
        for t in range(problem.tiers):
            total += problem.local_steps * seconds[t][v] * (tier[:, v] == t)
        children = [c for p, c in problem.edges.tolist() if p == v]
        for link, (up, down) in enumerate(links[: problem.tiers - 1]):
            total += problem.weight_bits[v] * (1 / up + 1 / down) * (tier[:, v] <= link)
            sent = (tier[:, v] <= link) & (tier[:, children] > link).any(axis=1)
            per_bit = 1 / up + (0 if v in problem.inputs else 1 / down)
            total += problem.local_steps * problem.output_bits[v] * per_bit * sent
    wrong = (tier[:, problem.inputs] > 0).any(axis=1)
    for p, c in problem.edges.tolist():
        wrong |= tier[:, p] > tier[:, c]
    if problem.device_memory_bytes is not None:
        wrong |= (tier == 0) @ problem.memory_bytes > problem.device_memory_bytes * (1 + 1e-9)
    return np.where(wrong, np.inf, total)


def best_seconds(problem: ra.DagSplit) -> float:
    """Return the least seconds of a round over all splits."""
    return float(seconds_of(problem, all_splits(problem.layers, problem.tiers)).min())
