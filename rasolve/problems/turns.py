"""Plans over time slots: in each turn one device trains with its own cut, channel and share of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import PER_ROUND, Plan, Prediction, Quantity, SplitSequentialPlan, Stage
from rasolve.plan.over_slots import by_stage
from rasolve.scenario.cuts import CutTable
from rasolve.scenario.workload import Profile

MOST = 20_000
"""Most turns of a plan: each is predicted stage by stage."""

Predictions = list[Prediction]


@dataclass(frozen=True, eq=False)
class Turns:
    """K turns of local steps on mini-batches: arrays [K] of who trains when, cut, speeds [FLOP/s], rates [bit/s].

    Energy [K]: joules for each FLOP of either party, watts on the air of either; 0 W where that is not counted.
    """

    profile: Profile
    table: CutTable
    rank: int
    batch_size: int
    local_steps: int
    turn: IntArray
    device: IntArray
    cut: IntArray
    device_flops_per_s: FloatArray
    server_flops_per_s: FloatArray
    up_bps: FloatArray
    down_bps: FloatArray
    device_j_per_flop: FloatArray
    server_j_per_flop: FloatArray
    device_w: FloatArray
    server_w: FloatArray


def plan_of(turns: Turns, **said: Any) -> Plan:
    """Return the plan of turns; `said` are its problem, solver, objective and unit.

    Clients with the same ``turn`` train at once, turn after turn. Raises InputError for more turns than a plan can
    hold.
    """
    count = len(turns.cut)
    if count > MOST:
        raise InputError(f"a plan holds at most {MOST} turns, not {count}: plan a part of the horizon")
    return SplitSequentialPlan(
        protocol="split_sequential",
        model=turns.profile.architecture,
        parameter_bits=turns.profile.parameter_bits,
        batch_size=turns.batch_size,
        local_steps=turns.local_steps,
        rounds=1.0,
        rounds_source="every turn once",
        turn=turns.turn,
        device=turns.device,
        cut=turns.cut,
        rank=np.full(count, turns.rank),
        client_flops_per_s=turns.device_flops_per_s,
        server_flops_per_s=turns.server_flops_per_s,
        uplink_bps=turns.up_bps,
        downlink_bps=turns.down_bps,
        client_j_per_flop=turns.device_j_per_flop,
        server_j_per_flop=turns.server_j_per_flop,
        uplink_w=turns.device_w,
        downlink_w=turns.server_w,
        prediction=_prediction(turns),
        **said,
    )


def _prediction(turns: Turns) -> tuple[Prediction, ...]:
    """Return work, traffic, time and energy of every turn by stage; the server's stage counts for the turn's client.

    Labels are predicted at their size on the wire, and take neither time nor energy (published: left out).
    """
    table, cut, batch = turns.table, turns.cut, turns.batch_size
    spec, last = turns.profile.architecture, turns.profile.blocks
    flops = {
        Stage.CLIENT_FORWARD: batch * table.device_forward_flops[cut],
        Stage.SERVER: batch * table.server_flops[cut],
        Stage.CLIENT_BACKWARD: batch * table.device_backward_flops[cut],
    }
    bits = {
        Stage.ACTIVATIONS: batch * table.up_bits[cut],
        Stage.GRADIENTS: batch * table.down_bits[cut],
        Stage.ADAPTERS_UP: table.trained_bits[cut],
        Stage.ADAPTERS_DOWN: table.trained_bits[cut],
    }
    pace = by_stage(turns.device_flops_per_s, turns.server_flops_per_s, turns.up_bps, turns.down_bps)
    up_j, down_j = turns.device_w / turns.up_bps, turns.server_w / turns.down_bps
    energy = by_stage(turns.device_j_per_flop, turns.server_j_per_flop, up_j, down_j)
    labels = np.asarray(batch * (spec.label_bits if spec is not None else 0) * (cut < last), dtype=np.float64)
    found: Predictions = []

    def each_turn(stage: Stage, quantity: Quantity, values: FloatArray) -> None:
        per: Literal["step", "round"] = "round" if stage in PER_ROUND else "step"
        for k, value in enumerate(values.tolist()):
            found.append(Prediction(party=f"client {k + 1}", stage=stage, quantity=quantity, value=value, per=per))

    measures: tuple[tuple[Quantity, dict[Stage, FloatArray]], ...] = (("flops", flops), ("bits", bits))
    for quantity, amounts in measures:
        for stage, amount in amounts.items():
            each_turn(stage, quantity, amount)
            each_turn(stage, "seconds", amount / pace[stage])
            each_turn(stage, "joules", amount * energy[stage])
    each_turn(Stage.LABELS, "bits", labels)
    return tuple(found)
