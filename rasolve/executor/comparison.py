"""Lay what a plan predicted beside what its run was measured to do."""

from __future__ import annotations

from collections.abc import Mapping

from rasolve.executor.meters import Key
from rasolve.executor.report import Delay, Row, Wall
from rasolve.plan import PER_ROUND, Plan, Quantity, Stage
from rasolve.schedule import Schedule


def rows(
    plan: Plan, steps: int, rounds: int, flops: Mapping[Key, int], bits: Mapping[Key, int], memory: Mapping[str, int]
) -> tuple[Row, ...]:
    """Return FLOPs, bits and simulated seconds of a whole run by (party, stage), and the peak memory of every party.

    `flops`, `bits` and `memory` are what was measured over all steps. What the plan does not predict is 0 predicted;
    what was neither sent nor worked is 0 measured.
    """
    peak = {(party, str(Stage.PEAK)): size for party, size in memory.items()}
    measured: tuple[tuple[Quantity, Mapping[Key, float]], ...] = (
        ("flops", flops),
        ("bits", bits),
        ("seconds", simulated(plan, flops, bits)),
        ("memory_bytes", peak),
    )
    found = []
    for quantity, values in measured:
        predicted: dict[Key, float] = {}
        for each in plan.predicted(quantity):
            times = 1 if quantity == "memory_bytes" else rounds if each.per == "round" else steps
            key = each.party, each.stage
            predicted[key] = predicted.get(key, 0.0) + each.value * times
        found += [
            Row(
                party=party,
                stage=stage,
                quantity=quantity,
                predicted=predicted.get((party, stage), 0.0),
                measured=values.get((party, stage), 0),
            )
            for party, stage in {**predicted, **values}
        ]
    return tuple(found)


def simulated(plan: Plan, flops: Mapping[Key, int], bits: Mapping[Key, int]) -> dict[Key, float]:
    """Return the seconds that measured FLOPs and bits take at the plan's speeds and rates, by (party, stage)."""
    speeds = plan.speeds
    found = {(party, stage): work / speeds[party] for (party, stage), work in flops.items() if party in speeds}
    for stage, rate in plan.rates.items():
        for k in range(plan.clients):
            key = f"client {k + 1}", str(stage)
            if key in bits:
                found[key] = bits[key] / rate[k]
    return found


def delays(plan: Plan, steps: int, rounds: int, seconds: Mapping[Key, float]) -> tuple[Delay, ...]:
    """Return the simulated time of a local step and, once a round is complete, of a round and of the planned training.

    `seconds` is :func:`simulated` over the whole run. Steps and rounds are composed as the delay model composes them
    (`rasolve.schedule`). The planned training is the plan's objective where that is a time, beside the planned number
    of rounds at the round's measured time.
    """
    per_stage = {(party, stage): value / _times(stage, steps, rounds) for (party, stage), value in seconds.items()}
    measured = Schedule.of(plan.clients, per_stage)
    predicted = Schedule.of(plan.clients, {(p.party, p.stage): p.value for p in plan.predicted("seconds")})
    found = [Delay(span="local step", predicted=predicted.step_s, measured=measured.step_s)]
    if rounds:
        in_round = measured.round_s(plan.local_steps)
        found.append(Delay(span="round", predicted=predicted.round_s(plan.local_steps), measured=in_round))
        if plan.unit == "s":
            found.append(Delay(span="training", predicted=plan.objective, measured=plan.rounds * in_round))
    return tuple(found)


def _times(stage: str, steps: int, rounds: int) -> int:
    """Return how often a stage took place in the run; at least 1, for what never did has taken no time."""
    return max(1, rounds if stage in PER_ROUND else steps)


def wall(seconds: Mapping[Key, float], flops: Mapping[Key, int], bits: Mapping[Key, int]) -> tuple[Wall, ...]:
    """Return wall-clock seconds beside the work and the traffic that took them, by (party, stage)."""
    return tuple(
        Wall(
            party=party,
            stage=stage,
            seconds=spent,
            flops=flops.get((party, stage), 0),
            bytes=bits.get((party, stage), 0) // 8,
        )
        for (party, stage), spent in seconds.items()
    )
