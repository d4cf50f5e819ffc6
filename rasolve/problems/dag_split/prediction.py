"""The plan of a DagSplit decision and what it predicts for every party and stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasolve.errors import InputError
from rasolve.plan import DagPlan, dag_prediction
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.problems.dag_split.judgement import evaluate

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


def plan(problem: DagSplit, decision: DagSplitDecision, solver: str) -> DagPlan:
    """Return the self-contained plan of one round, for the protocol of layer graphs.

    Raises InputError for a decision that uses a third tier: the executor has a device and a server.
    """
    if decision.tier.max() > 1:
        raise InputError(
            f"tier = {decision.tier.max()}: must be at most 1 in a plan, which has one device and one server"
        )
    return DagPlan(
        problem=problem.kind,
        solver=solver,
        protocol="dag",
        model=problem.model,
        names=problem.names,
        tier=decision.tier,
        batch_size=problem.batch_size,
        local_steps=problem.local_steps,
        rounds=1,
        rounds_source="one round",
        uplink_bps=problem.uplink_bps,
        downlink_bps=problem.downlink_bps,
        objective=evaluate(problem, decision).objective,
        prediction=dag_prediction(
            tier=decision.tier,
            edges=problem.edges,
            inputs=problem.inputs,
            output_bits=problem.output_bits,
            weight_bits=problem.weight_bits,
            device_seconds=problem.device_seconds,
            server_seconds=problem.server_seconds,
            uplink_bps=problem.uplink_bps,
            downlink_bps=problem.downlink_bps,
            forward_flops=problem.forward_flops,
            backward_flops=problem.backward_flops,
            memory_bytes=problem.memory_bytes,
            label_bits=problem.label_bits,
        ),
    )
