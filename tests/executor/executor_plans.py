"""Plans made by hand, as problems will write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rasolve.plan import PER_ROUND, Prediction, SplitFederatedPlan, Stage
from rasolve.scenario.memory import client_bytes, server_bytes
from rasolve.scenario.workload import Architecture, Transformer

TINY = Transformer(name="tiny", blocks=3, width=16, heads=2, tokens=12, vocabulary=128)

CLIENT_FLOPS_PER_S = 1e12
RATES_BPS = {
    Stage.ACTIVATIONS: 1e7,
    Stage.GRADIENTS: 2e7,
    Stage.ADAPTERS_UP: 3e6,
    Stage.ADAPTERS_DOWN: 4e6,
}


def plan(
    cut: int = 1,
    rank: int = 2,
    data_sizes: Sequence[float] = (3.0, 1.0, 2.0),
    model: Architecture = TINY,
    parameter_bits: int = 64,
    batch_size: int = 2,
    local_steps: int = 2,
) -> SplitFederatedPlan:
    """Return a plan whose predictions follow from the model's profile."""
    profile = model.profile(parameter_bits)
    activations = batch_size * profile.activation_bits[cut]
    adapters = profile.adapter_bits(cut, rank)
    per_step = {Stage.ACTIVATIONS: activations, Stage.LABELS: batch_size * model.label_bits}
    if cut > 0:
        per_step[Stage.GRADIENTS] = activations
    pairs = (
        (profile.forward_flops, profile.adapter_forward_flops),
        (profile.backward_flops, profile.adapter_backward_flops),
    )
    forward, backward = (batch_size * (frozen + rank * adapter) for frozen, adapter in pairs)
    head = batch_size * (profile.head_forward_flops + profile.head_backward_flops)
    server = len(data_sizes) * (forward[cut:].sum() + backward[cut:].sum() + head)
    embedding = batch_size * profile.embedding_forward_flops
    per_client = {Stage.CLIENT_FORWARD: embedding + forward[:cut].sum(), Stage.CLIENT_BACKWARD: backward[:cut].sum()}
    bits = {**per_step, Stage.ADAPTERS_UP: adapters, Stage.ADAPTERS_DOWN: adapters}
    clients = range(1, len(data_sizes) + 1)
    cuts, ranks = np.full(len(data_sizes), cut), np.full(len(data_sizes), rank)
    speeds = {**dict.fromkeys(per_client, CLIENT_FLOPS_PER_S), **RATES_BPS}
    seconds = {stage: value / speeds[stage] for stage, value in {**per_client, **bits}.items() if stage in speeds}
    local_step = server / 1e14 + sum(value for stage, value in seconds.items() if stage not in PER_ROUND)
    peaks = client_bytes(profile, batch_size, cuts, ranks)
    server_peak = server_bytes(profile, batch_size, cuts, ranks)

    def row(party, stage, quantity, value):
        per = "round" if stage in PER_ROUND else "step"
        return Prediction(party=party, stage=stage, quantity=quantity, value=value, per=per)

    return SplitFederatedPlan(
        problem="fedsllm",
        solver="by hand",
        protocol="split_federated",
        model=model,
        parameter_bits=parameter_bits,
        batch_size=batch_size,
        local_steps=local_steps,
        rounds=10,
        rounds_source="given",
        cut=cuts,
        rank=ranks,
        data_sizes=data_sizes,
        client_flops_per_s=[CLIENT_FLOPS_PER_S],
        server_flops_per_s=1e14,
        uplink_bps=[RATES_BPS[Stage.ACTIVATIONS]],
        fed_uplink_bps=[RATES_BPS[Stage.ADAPTERS_UP]],
        downlink_bps=[RATES_BPS[Stage.GRADIENTS]],
        fed_downlink_bps=[RATES_BPS[Stage.ADAPTERS_DOWN]],
        objective=10 * (local_steps * local_step + seconds[Stage.ADAPTERS_UP] + seconds[Stage.ADAPTERS_DOWN]),
        prediction=[
            row("server", Stage.SERVER, "flops", server),
            row("server", Stage.SERVER, "seconds", server / 1e14),
            row("server", Stage.PEAK, "memory_bytes", server_peak),
            *(
                row(f"client {k}", stage, quantity, value)
                for k in clients
                for quantity, stages in (("flops", per_client), ("bits", bits), ("seconds", seconds))
                for stage, value in stages.items()
            ),
            *(row(f"client {k}", Stage.PEAK, "memory_bytes", peaks[k - 1]) for k in clients),
        ],
    )
