"""Plans of layers made by hand, for shipped small models and for modules of one's own, and their training."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from rasolve.executor import comparison
from rasolve.executor.graphs import graph_model, initialised
from rasolve.executor.graphs.data import samples_of
from rasolve.executor.protocols.dag import Dag
from rasolve.executor.reference_dag import Whole
from rasolve.executor.trace import profile_of, traced_layers
from rasolve.plan import DagPlan, dag_prediction

BATCH = 4


@cache
def prepared(name):
    """Return a small shipped model in double precision with seed 0, its layers, its samples and its profile."""
    model = graph_model(name)
    module, samples = initialised(model.module(), torch.float64, 0), samples_of(model, torch.float64, None, 0)
    traced = traced_layers(module, samples.batch(0, BATCH)[0])
    return module, traced, samples, profile_of(traced, name, model.data.label_bits)


def profile(name):
    """Return the profile of a small shipped model in double precision."""
    return prepared(name)[3]


def plan_of(profile, tier, parameter_bits=64, batch_size=BATCH, local_steps=2):
    """Return the plan of a split, with its predictions."""
    tier = np.asarray(tier)
    work = batch_size * (profile.forward_flops + profile.backward_flops)
    return DagPlan(
        problem="dag-split",
        solver="by hand",
        protocol="dag",
        parameter_bits=parameter_bits,
        batch_size=batch_size,
        local_steps=local_steps,
        rounds=1,
        rounds_source="one round",
        model=profile.model,
        names=profile.names,
        tier=tier,
        uplink_bps=1e7,
        downlink_bps=2e7,
        objective=1,
        prediction=dag_prediction(
            tier=tier,
            edges=profile.edges,
            inputs=profile.inputs,
            output_bits=batch_size * profile.output_bits,
            weight_bits=profile.weight_bits,
            device_seconds=work / 1e9,
            server_seconds=work / 1e10,
            uplink_bps=1e7,
            downlink_bps=2e7,
            forward_flops=batch_size * profile.forward_flops,
            backward_flops=batch_size * profile.backward_flops,
            memory_bytes=4 * profile.weight_bits / 8 + batch_size * profile.saved_bytes,
            label_bits=batch_size * profile.label_bits,
        ),
    )


def started(plan):
    """Return the split training of a small shipped model, with copies of its weights, ready for its first step."""
    _, traced, samples, _ = prepared(plan.model)
    label_bytes = graph_model(plan.model).data.label_bytes
    return Dag(plan, traced, samples, label_bytes, 1e-3)


def trained(plan, steps):
    """Train split and whole, and return rows of prediction and measurement, and both losses of every step."""
    module, _, samples, _ = prepared(plan.model)
    dag, whole = started(plan), Whole(plan, module, samples, 1e-3)
    losses = [(dag.step(), whole.step()) for _ in range(steps)]
    flops = {key: steps * each for key, each in dag.meter.flops.items()}
    memory = {party: ledger.peak for party, ledger in dag.meter.memory.items()}
    return comparison.rows(plan, steps, flops, dag.meter.bits, memory), np.array(losses)


def closed(profile, *names):
    """Return the tiers where the device has the inputs, the named layers and all that they read."""
    tier = np.ones(profile.vertices, dtype=int)
    waiting = [*profile.inputs.tolist(), *(profile.names.index(name) for name in names)]
    while waiting:
        v = waiting.pop()
        if tier[v]:
            tier[v] = 0
            waiting += profile.edges[profile.edges[:, 1] == v, 0].tolist()
    return tier


def crossing(profile, tier):
    """Return the names of the layers whose output crosses, found edge by edge."""
    return {profile.names[u] for u, v in profile.edges.tolist() if tier[u] < tier[v]}
