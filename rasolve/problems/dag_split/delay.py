"""What a split costs in time: rates as seconds per bit, and the parts of a round.

Per round with N local steps (structure published, arXiv 2507.01041; formulas reconstructed; three tiers ours):

    T = Σ_l Σ_{v below link l} k_v·(1/R_l + 1/R'_l)  +  N·Σ_v ξ(v)  +  N·Σ_l Σ_{v crosses link l} a_v·(1/R_l + 1/R'_l)

with k_v the bits of a layer's weights, ξ(v) the seconds of a mini-batch forward and backward where v is, a_v the bits
of its output, R_l and R'_l the rates up and down. Link 0 joins device and server, link 1, with three tiers, server and
cloud. A layer is below a link when its tier is at most l; it crosses it when a child's is above. An output with
several consumers crosses once; an input crosses for 1/R_l alone, for raw data gets no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import dag

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


def rates(problem: DagSplit) -> tuple[FloatArray, FloatArray]:
    """Return the rates up and down [links, bit/s] of the links between the tiers, from the device upwards."""
    up, down = [problem.uplink_bps, problem.cloud_uplink_bps], [problem.downlink_bps, problem.cloud_downlink_bps]
    return np.array(up[: problem.links], dtype=np.float64), np.array(down[: problem.links], dtype=np.float64)


def seconds_by_tier(problem: DagSplit) -> FloatArray:
    """Return the seconds [tiers, V] of every layer on every tier, for one mini-batch forward and backward."""
    rows = [problem.device_seconds, problem.server_seconds]
    return np.stack(rows if problem.cloud_seconds is None else [*rows, problem.cloud_seconds])


def is_input(problem: DagSplit) -> NDArray[np.bool_]:
    """Return which vertices [V] hold raw data."""
    found = np.zeros(problem.layers, dtype=bool)
    found[problem.inputs] = True
    return found


def crossing(problem: DagSplit, tier: IntArray, link: int) -> NDArray[np.bool_]:
    """Return which vertices [V] send their output over a link: those below it with a child above."""
    return dag.crossing(problem.edges, (tier > link).astype(np.int64))


def parts(problem: DagSplit, tier: IntArray) -> dict[str, FloatArray]:
    """Return the parts of a round: seconds per local step by tier [tiers] and by link [links], and once per round.

    ``compute_s`` by tier, ``upload_s``, ``gradient_s`` (per step) and ``weights_up_s``, ``weights_down_s`` (per round)
    by link; the bits that they carry; the round's total.
    """
    seconds = seconds_by_tier(problem)
    compute = np.bincount(tier, weights=seconds[tier, np.arange(problem.layers)], minlength=len(seconds))
    up, down, weights = [], [], []
    for link in range(problem.links):
        crosses = crossing(problem, tier, link)
        up.append(problem.output_bits[crosses].sum())
        down.append(problem.output_bits[crosses & ~is_input(problem)].sum())
        weights.append(problem.weight_bits[tier <= link].sum())
    sent, returned, carried = np.array(up), np.array(down), np.array(weights)
    up_bps, down_bps = rates(problem)
    found = {
        "compute_s": compute,
        "upload_s": sent / up_bps,
        "gradient_s": returned / down_bps,
        "weights_up_s": carried / up_bps,
        "weights_down_s": carried / down_bps,
        "upload_bits": sent,
        "gradient_bits": returned,
        "weight_bits": carried,
    }
    step = compute.sum() + (found["upload_s"] + found["gradient_s"]).sum()
    once = (found["weights_up_s"] + found["weights_down_s"]).sum()
    return {**found, "local_step_s": step, "round_s": problem.local_steps * step + once}
