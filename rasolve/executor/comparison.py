"""Lay what a plan predicted beside what its run was measured to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rasolve.executor.meters import Key
from rasolve.executor.report import Delay, Row, Wall
from rasolve.numerics import FloatArray
from rasolve.plan import COMPUTING, PER_ROUND, Plan, Quantity, SplitSequentialPlan, Stage
from rasolve.schedule import Schedule


def rows(
    plan: Plan, steps: int, flops: Mapping[Key, int], bits: Mapping[Key, int], memory: Mapping[str, int]
) -> tuple[Row, ...]:
    """Return a whole run's FLOPs, bits and simulated seconds by (party, stage), and the peak memory of every party.

    Joules, too, where the plan says what a FLOP and a bit take.

    `flops`, `bits` and `memory` are what was measured over all steps. What the plan does not predict is 0 predicted;
    what was neither sent nor worked is 0 measured.
    """
    peak = {(party, str(Stage.PEAK)): size for party, size in memory.items()}
    measured: dict[Quantity, Mapping[Key, float]] = {
        "flops": flops,
        "bits": bits,
        "seconds": simulated(plan, flops, bits),
        "memory_bytes": peak,
    }
    if isinstance(plan, SplitSequentialPlan):
        measured["joules"] = spent(plan, flops, bits)
    found = []
    for quantity, values in measured.items():
        predicted: dict[Key, float] = {}
        for each in plan.predicted(quantity):
            times = 1 if quantity == "memory_bytes" else plan.occurrences(each.party, each.stage, steps)
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
    if isinstance(plan, SplitSequentialPlan):
        return {key: amount / pace for key, amount, pace in _in_turn(plan.pace, flops, bits)}
    speeds = plan.speeds
    found = {(party, stage): work / speeds[party] for (party, stage), work in flops.items() if party in speeds}
    for stage, rate in plan.rates.items():
        for k in range(plan.clients):
            key = f"client {k + 1}", str(stage)
            if key in bits:
                found[key] = bits[key] / rate[k]
    return found


def spent(plan: SplitSequentialPlan, flops: Mapping[Key, int], bits: Mapping[Key, int]) -> dict[Key, float]:
    """Return the joules that measured FLOPs and bits take by the plan, by (party, stage)."""
    return {key: amount * joules for key, amount, joules in _in_turn(plan.energy, flops, bits)}


def _in_turn(
    of_stage: Mapping[Stage, FloatArray], flops: Mapping[Key, int], bits: Mapping[Key, int]
) -> Iterator[tuple[Key, float, float]]:
    """Return what was measured of every client and stage, with what the plan says of that."""
    for stage, of_client in of_stage.items():
        measured = flops if stage in COMPUTING else bits
        for k, value in enumerate(of_client.tolist(), start=1):
            key = f"client {k}", str(stage)
            yield key, measured.get(key, 0), value


def delays(plan: Plan, steps: int, rounds: int, seconds: Mapping[Key, float]) -> tuple[Delay, ...]:
    """Return the simulated time of a local step and, once a round is complete, of a round and of the planned training.

    `seconds` is :func:`simulated` over the whole run. Steps and rounds are composed as the delay model composes them
    (`rasolve.schedule`); turns follow each other.
    The planned training is the plan's objective where that is a time, beside the planned number
    of rounds at the round's measured time.
    """
    if isinstance(plan, SplitSequentialPlan):
        foreseen = sum(p.value * plan.occurrences(p.party, p.stage, steps) for p in plan.predicted("seconds"))
        return (Delay(span="all turns", predicted=foreseen, measured=sum(seconds.values())),)
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
