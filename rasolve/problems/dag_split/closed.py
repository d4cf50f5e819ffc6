"""DagSplit as a cheapest closed set: what is at or below a tier is closed under parents (published; three tiers ours).

With three tiers the device's layers are one closed set and those of device and server another that holds it: one closed
set of two copies of the graph, in which a layer of the first needs its twin in the second. Seconds telescope over the
copies, so one minimum cut solves it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import ClosedSet, Precedence
from rasolve.forms.precedence import Mask, no_edges
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.dag_split import delay

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


def precedence(problem: DagSplit, chained: bool = False) -> Precedence:
    """Return the precedence of a problem's closed sets; the same object for equal graphs.

    `chained` layers may only be cut off in the order of their numbers, as far as that is topological.
    """
    arrays = (problem.edges, problem.inputs, problem.output_bits)
    return _precedence(problem.layers, problem.links, chained, *(a.tobytes() for a in arrays))


@lru_cache(maxsize=64)
def _precedence(layers: int, copies: int, chained: bool, edges: bytes, inputs: bytes, output_bits: bytes) -> Precedence:
    edge, held = np.frombuffer(edges, dtype=np.int64).reshape(-1, 2), np.frombuffer(inputs, dtype=np.int64)
    size = np.frombuffer(output_bits)
    shifts = layers * np.arange(copies)
    every = np.arange(layers)
    bare = [np.stack([shift + layers + every, shift + every], axis=1) for shift in shifts[:-1]]
    if chained:
        order = Precedence(layers, edge, held, size).order
        bare += [np.stack([order[:-1], order[1:]], axis=1) + shift for shift in shifts]
    return Precedence(
        vertices=layers * copies,
        edges=np.concatenate([edge + shift for shift in shifts]),
        held=np.concatenate([held + shift for shift in shifts]),
        size=np.tile(size, copies),
        bare=np.concatenate([no_edges(), *bare]),
    )


def closed_set(problem: DagSplit, chained: bool = False) -> ClosedSet:
    """Return the problem as a cheapest closed set, with the device's memory as its budget where that is limited."""
    steps = problem.local_steps
    seconds = steps * delay.seconds_by_tier(problem)
    up, down = (1 / rate[:, None] for rate in delay.rates(problem))
    both = up + down
    below = np.concatenate([seconds[:1], np.zeros((problem.links - 1, problem.layers))])
    above = np.concatenate([seconds[1:2], np.diff(seconds[1:], axis=0)])
    toll = steps * problem.output_bits * np.where(delay.is_input(problem), up, both)
    limited = problem.device_memory_bytes is not None
    return ClosedSet(
        precedence(problem, chained),
        inside=(below + problem.weight_bits * both).ravel(),
        outside=above.ravel(),
        toll=toll.ravel(),
        use=_device_only(problem.memory_bytes, problem.links) if limited else None,
        budget=problem.device_memory_bytes,
    )


def by_rate(problem: DagSplit) -> tuple[ClosedSet, ClosedSet]:
    """Return what a round costs whatever the device's link, and what a second per bit of its uplink adds.

    The ratio of uplink to downlink stays as it is.
    """
    whole = closed_set(problem)
    ratio = problem.uplink_bps / problem.downlink_bps
    first = np.arange(problem.layers * problem.links) < problem.layers
    weights, raw = np.tile(problem.weight_bits, problem.links), np.tile(delay.is_input(problem), problem.links)
    outputs = problem.local_steps * np.tile(problem.output_bits, problem.links)
    growing = replace(
        whole,
        inside=np.where(first, weights * (1 + ratio), 0.0),
        outside=np.zeros(len(weights)),
        toll=np.where(first, outputs * np.where(raw, 1.0, 1 + ratio), 0.0),
    )
    steps, seconds = problem.local_steps, delay.seconds_by_tier(problem)
    own = np.concatenate([steps * seconds[0], np.zeros(len(weights) - problem.layers)])
    fixed = replace(whole, inside=np.where(first, own, whole.inside), toll=np.where(first, 0.0, whole.toll))
    return fixed, growing


def over_time(
    problem: DagSplit,
    uplink_bps: FloatArray,
    downlink_bps: FloatArray,
    device_slowdown: FloatArray,
    server_slowdown: FloatArray,
) -> ClosedSet:
    """Return one instance for every slot [T], as a batch: rates in bit/s, seconds times the slowdowns; two tiers."""
    steps = problem.local_steps
    up, both = (1 / uplink_bps)[:, None], (1 / uplink_bps + 1 / downlink_bps)[:, None]
    return ClosedSet(
        precedence(problem),
        inside=steps * problem.device_seconds * device_slowdown[:, None] + problem.weight_bits * both,
        outside=steps * problem.server_seconds * server_slowdown[:, None],
        toll=steps * problem.output_bits * np.where(delay.is_input(problem), up, both),
    )


def _device_only(per_layer: FloatArray | None, copies: int) -> FloatArray:
    assert per_layer is not None
    return np.concatenate([per_layer, np.zeros((copies - 1) * len(per_layer))])


def tiers(problem: DagSplit, sets: Mask) -> IntArray:
    """Return the tiers [..., V] of closed sets [..., copies·V]: how many copies a layer is not in."""
    copies = sets.reshape(*sets.shape[:-1], -1, problem.layers)
    return np.asarray((~copies).sum(axis=-2))


def set_of(problem: DagSplit, tier: IntArray) -> Mask:
    """Return the closed set [copies·V] of a decision."""
    return np.concatenate([tier <= link for link in range(problem.links)])
