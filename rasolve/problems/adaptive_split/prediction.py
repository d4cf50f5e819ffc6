"""The plan of a decision: its slots as turns, with the prediction of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.plan import Plan
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
    clock_hz, server_hz = at.clock_hz.reshape(-1), decision.clock_hz.reshape(-1)
    turns = Turns(
        profile=problem.profile,
        table=table,
        rank=problem.rank,
        batch_size=problem.batch_size,
        local_steps=problem.local_steps,
        turn=np.repeat(np.arange(problem.slots), at_once),
        device=problem.devices_of_slots.reshape(-1),
        cut=decision.cut.reshape(-1),
        device_flops_per_s=clock_hz * problem.device_flops_per_cycle,
        server_flops_per_s=server_hz * problem.server_flops_per_cycle,
        up_bps=at.up_bps.reshape(-1),
        down_bps=at.down_bps.reshape(-1),
        device_j_per_flop=problem.device_energy * clock_hz**2 / problem.device_flops_per_cycle,
        server_j_per_flop=problem.server_energy * server_hz**2 / problem.server_flops_per_cycle,
        device_w=np.full(clock_hz.shape, problem.device_power_w),
        server_w=np.full(clock_hz.shape, problem.server_power_w),
    )
    objective = evaluate(problem, decision).objective
    return plan_of(turns, problem=problem.kind, solver=solver, objective=objective, unit=problem.unit)
