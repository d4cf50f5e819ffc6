"""The plan of a decision: every round's devices in turn, with the prediction of each turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.plan import Plan
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.problems.cut_and_clock.judgement import evaluate
from rasolve.problems.turns import Turns, plan_of
from rasolve.scenario.radio import rate

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def plan(problem: CutAndClock, decision: CutAndClockDecision, solver: str) -> Plan:
    """Return the plan of a decision: one turn for each round and device; a local step is a local epoch."""
    device = np.tile(np.arange(problem.devices), problem.rounds)
    per_clock, server_hz = problem.flops_per_cycle_core, decision.clock_hz.reshape(-1)
    clock_hz, cores = problem.device_clock_hz[device], problem.device_cores[device]
    up_bps = rate(problem.bandwidth_up_hz, problem.device_power_w, problem.gain, problem.noise_w_per_hz)
    down_bps = rate(problem.bandwidth_down_hz, problem.server_power_w, problem.gain, problem.noise_w_per_hz)
    turns = Turns(
        profile=problem.profile,
        table=problem.table,
        rank=problem.rank,
        batch_size=problem.samples_per_epoch,
        local_steps=problem.local_epochs,
        turn=np.arange(len(device)),
        device=device,
        cut=decision.cut.reshape(-1),
        device_flops_per_s=clock_hz * cores * per_clock,
        server_flops_per_s=server_hz * problem.server_cores * per_clock,
        up_bps=up_bps.reshape(-1),
        down_bps=down_bps.reshape(-1),
        device_j_per_flop=problem.device_energies[device] * clock_hz**2 / (cores * per_clock),
        server_j_per_flop=problem.server_energy * server_hz**2 / (problem.server_cores * per_clock),
        device_w=problem.device_power_w[device],
        server_w=np.zeros(len(device)),
    )
    objective = evaluate(problem, decision).objective
    return plan_of(turns, problem=problem.kind, solver=solver, objective=objective, unit=problem.unit)
