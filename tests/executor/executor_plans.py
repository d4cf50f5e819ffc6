"""Plans made by hand, as problems will write them."""

from __future__ import annotations

from collections.abc import Sequence

from rasolve.plan import Plan, Prediction, Stage
from rasolve.scenario.workload import Transformer

TINY = Transformer(name="tiny", blocks=3, width=16, heads=2, tokens=12, vocabulary=128)


def plan(
    cut: int = 1,
    rank: int = 2,
    data_sizes: Sequence[float] = (3.0, 1.0, 2.0),
    model: Transformer = TINY,
    parameter_bits: int = 64,
    batch_size: int = 2,
    local_steps: int = 2,
) -> Plan:
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
    per_client = {Stage.CLIENT_FORWARD: forward[:cut].sum(), Stage.CLIENT_BACKWARD: backward[:cut].sum()}
    per_round = {Stage.ADAPTERS_UP: adapters, Stage.ADAPTERS_DOWN: adapters}
    clients = range(1, len(data_sizes) + 1)
    return Plan(
        problem="fedsllm",
        solver="by hand",
        protocol="split_federated",
        model=model,
        parameter_bits=parameter_bits,
        batch_size=batch_size,
        local_steps=local_steps,
        rounds=10,
        rounds_source="given",
        cut=[cut] * len(data_sizes),
        rank=[rank] * len(data_sizes),
        data_sizes=data_sizes,
        client_flops_per_s=[1e12],
        server_flops_per_s=1e14,
        uplink_bps=[1e7],
        fed_uplink_bps=[1e7],
        objective=1.0,
        prediction=[
            Prediction(party="server", stage=Stage.SERVER, quantity="flops", value=server),
            *(
                Prediction(party=f"client {k}", stage=stage, quantity="flops", value=value)
                for k in clients
                for stage, value in per_client.items()
            ),
            *(
                Prediction(party=f"client {k}", stage=stage, quantity="bits", value=value, per=per)
                for k in clients
                for per, stages in (("step", per_step), ("round", per_round))
                for stage, value in stages.items()
            ),
        ],
    )
