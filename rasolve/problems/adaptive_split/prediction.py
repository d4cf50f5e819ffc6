"""The plan of a decision: its slots as turns, with the prediction of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.plan import Plan, Stage
from rasolve.problems.adaptive_split.costs import parts_of
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.judgement import evaluate
from rasolve.problems.turns import Turns, plan_of

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots


def plan(problem: SplitOverSlots, decision: SplitDecision, solver: str) -> Plan:
    """Return the plan of a decision: one turn for each slot, or for each slot and device where all train at once.

    Joules are those of compute and air, whatever the budget's scope.
    """
    table, at, at_once = problem.table, problem.channels, problem.at_once
    parts = {name: values.reshape(-1) for name, values in parts_of(problem, decision).items()}
    cut = decision.cut.reshape(-1)
    forward = table.device_forward_flops[cut] / np.maximum(table.device_flops[cut], np.finfo(float).tiny)
    compute = parts["device_compute_j"] / problem.local_steps
    turns = Turns(
        profile=problem.profile,
        table=table,
        rank=problem.rank,
        batch_size=problem.batch_size,
        local_steps=problem.local_steps,
        turn=np.repeat(np.arange(problem.slots), at_once),
        device=problem.devices_of_slots.reshape(-1),
        cut=cut,
        device_flops_per_s=at.clock_hz.reshape(-1) * problem.device_flops_per_cycle,
        server_flops_per_s=decision.clock_hz.reshape(-1) * problem.server_flops_per_cycle,
        up_bps=at.up_bps.reshape(-1),
        down_bps=at.down_bps.reshape(-1),
        energy={
            Stage.CLIENT_FORWARD: compute * forward,
            Stage.CLIENT_BACKWARD: compute * (1 - forward),
            Stage.SERVER: parts["server_compute_j"] / problem.local_steps,
            Stage.ACTIVATIONS: problem.device_power_w * parts["activations_up_s"] / problem.local_steps,
            Stage.GRADIENTS: problem.server_power_w * parts["gradients_down_s"] / problem.local_steps,
            Stage.ADAPTERS_UP: problem.device_power_w * parts["model_up_s"],
            Stage.ADAPTERS_DOWN: problem.server_power_w * parts["model_down_s"],
        },
    )
    objective = evaluate(problem, decision).objective
    return plan_of(turns, problem=problem.kind, solver=solver, objective=objective, unit=problem.unit)
