"""The plan of a decision: every round's devices in turn, with the prediction of each turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.plan import Plan, Stage
from rasolve.problems.cut_and_clock.costs import parts_of
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.problems.cut_and_clock.judgement import evaluate
from rasolve.problems.turns import Turns, plan_of
from rasolve.scenario.radio import rate

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def plan(problem: CutAndClock, decision: CutAndClockDecision, solver: str) -> Plan:
    """Return the plan of a decision: one turn for each round and device; a local step is a local epoch."""
    table, epochs, shape = problem.table, problem.local_epochs, problem.gain.shape
    parts = {name: values.reshape(-1) for name, values in parts_of(problem, decision).items()}
    cut, device = decision.cut.reshape(-1), np.tile(np.arange(problem.devices), problem.rounds)
    forward = table.device_forward_flops[cut] / np.maximum(table.device_flops[cut], np.finfo(float).tiny)
    power_w, compute = problem.device_power_w[device], parts["device_compute_j"] / epochs
    per_clock = problem.flops_per_cycle_core
    up_bps = rate(problem.bandwidth_up_hz, problem.device_power_w, problem.gain, problem.noise_w_per_hz)
    down_bps = rate(problem.bandwidth_down_hz, problem.server_power_w, problem.gain, problem.noise_w_per_hz)
    turns = Turns(
        profile=problem.profile,
        table=table,
        rank=problem.rank,
        batch_size=problem.samples_per_epoch,
        local_steps=epochs,
        turn=np.arange(shape[0] * shape[1]),
        device=device,
        cut=cut,
        device_flops_per_s=(problem.device_clock_hz * problem.device_cores)[device] * per_clock,
        server_flops_per_s=decision.clock_hz.reshape(-1) * problem.server_cores * per_clock,
        up_bps=up_bps.reshape(-1),
        down_bps=down_bps.reshape(-1),
        energy={
            Stage.CLIENT_FORWARD: compute * forward,
            Stage.CLIENT_BACKWARD: compute * (1 - forward),
            Stage.SERVER: parts["server_j"] / epochs,
            Stage.ACTIVATIONS: power_w * parts["activations_up_s"] / epochs,
            Stage.ADAPTERS_UP: power_w * parts["adapters_up_s"],
        },
    )
    objective = evaluate(problem, decision).objective
    return plan_of(turns, problem=problem.kind, solver=solver, objective=objective, unit=problem.unit)
