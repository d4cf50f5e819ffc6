"""The plan of a FedsLLM decision and what it predicts for every party and stage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.plan import PER_ROUND, Prediction, Quantity, SplitFederatedPlan, Stage
from rasolve.problems.fedsllm import delay
from rasolve.scenario.chain import LayerChain

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated


def plan(problem: SplitFederated, decision: Any, solver: str) -> SplitFederatedPlan:
    """Return the self-contained plan of a decision, for the split-federated protocol."""
    evaluation = problem.evaluate(decision)
    parts, spec = evaluation.parts, problem.profile.architecture
    return SplitFederatedPlan(
        problem=problem.kind,
        solver=solver,
        protocol="split_federated",
        model=None if isinstance(spec, LayerChain) else spec,
        parameter_bits=problem.profile.parameter_bits,
        batch_size=problem.batch_size,
        local_steps=problem.local_steps,
        rounds=float(parts["rounds"]),
        rounds_source=str(problem.rounds),
        cut=decision.cut,
        rank=decision.rank,
        data_sizes=problem.data_sizes,
        client_flops_per_s=problem.client_flops_per_s,
        server_flops_per_s=problem.server_flops_per_s,
        uplink_bps=parts["main_rate_bps"],
        fed_uplink_bps=parts["fed_rate_bps"],
        downlink_bps=problem.main_downlink_bps,
        fed_downlink_bps=problem.fed_downlink_bps,
        objective=evaluation.objective,
        prediction=_prediction(problem, decision, parts),
    )


def _prediction(problem: SplitFederated, decision: Any, parts: dict[str, FloatArray]) -> tuple[Prediction, ...]:
    """Return work, traffic, time, energy and memory by party and stage.

    Labels are predicted at their true size on the wire even where the delay model leaves them out (label_bits = 0);
    they have seconds where it counts them, and what comes down has seconds where there are downlink rates. Where cuts
    differ the server takes part in the aggregation, over a wire: its bits are predicted, its time is none.
    """
    cut, rank, batch = decision.cut, decision.rank, problem.batch_size
    activation = batch * problem.profile.activation_bits[cut]
    adapters = delay.adapter_bits(problem, cut, rank)
    spec = problem.profile.architecture
    label_bits = spec.label_bits if spec is not None else problem.label_bits
    found = []

    def add(party: str, stage: Stage, quantity: Quantity, value: FloatArray) -> None:
        per: Literal["step", "round"] = "round" if stage in PER_ROUND else "step"
        found.append(Prediction(party=party, stage=stage, quantity=quantity, value=float(value), per=per))

    def each_client(stage: Stage, quantity: Quantity, values: FloatArray) -> None:
        for k, value in enumerate(values, start=1):
            add(f"client {k}", stage, quantity, value)

    server = partial(add, "server")

    each_client(Stage.CLIENT_FORWARD, "flops", delay.client_forward_flops(problem, cut, rank))
    each_client(Stage.CLIENT_FORWARD, "seconds", parts["client_forward_s"])
    each_client(Stage.ACTIVATIONS, "bits", activation)
    each_client(Stage.LABELS, "bits", np.full(problem.clients, batch * label_bits))
    each_client(Stage.ACTIVATIONS, "seconds", activation / parts["main_rate_bps"])
    if problem.label_bits > 0:
        each_client(Stage.LABELS, "seconds", batch * problem.label_bits / parts["main_rate_bps"])
    each_client(Stage.ACTIVATIONS, "joules", parts["upload_energy_j"])
    server(Stage.SERVER, "flops", delay.server_flops(problem, cut, rank).sum())
    server(Stage.SERVER, "seconds", parts["server_s"])
    each_client(Stage.GRADIENTS, "bits", activation * (cut > 0))
    each_client(Stage.CLIENT_BACKWARD, "flops", delay.client_backward_flops(problem, cut, rank))
    each_client(Stage.CLIENT_BACKWARD, "seconds", parts["client_backward_s"])
    each_client(Stage.ADAPTERS_UP, "bits", adapters)
    each_client(Stage.ADAPTERS_UP, "seconds", parts["adapter_upload_s"])
    each_client(Stage.ADAPTERS_DOWN, "bits", adapters)
    if problem.main_downlink_bps is not None:
        each_client(Stage.GRADIENTS, "seconds", parts["gradient_s"])
        each_client(Stage.ADAPTERS_DOWN, "seconds", parts["broadcast_s"])
    if np.ptp(cut) > 0:
        for stage in (Stage.ADAPTERS_UP, Stage.ADAPTERS_DOWN):
            server(stage, "bits", delay.server_adapter_bits(problem, cut, rank))
    each_client(Stage.PEAK, "memory_bytes", parts["client_memory_bytes"])
    server(Stage.PEAK, "memory_bytes", parts["server_memory_bytes"])
    return tuple(found)
