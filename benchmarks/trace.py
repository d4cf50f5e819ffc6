"""What the last slot's answer saves when a fading channel has moved on: warm against cold re-solves.

python -m benchmarks.trace [--slots 200] [--turns 3] [--out out]

Rayleigh fading as a Gauss-Markov process, h' = rho·h + sqrt(1 - rho²)·w, on top of a sampled FedsLLM instance's mean
gains. In every slot the whole problem, and its main link at cut 1 and rank 8, are solved cold and from the answer of
the slot before, in turn. Seconds are the processor's, so that other work does not count. Prints one table, writes
trace.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any

import numpy as np

import rasolve as ra
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.problems.fedsllm.choice import main_link

SIZES = ((5, 20), (20, 100), (100, 1000))
MEMORIES = (0.9, 0.99, 0.999)
"""Correlation of one slot's fading with the next one's."""


@dataclass(frozen=True)
class Slot:
    """One slot: median seconds cold and warm, the median of their paired ratios, steps of each, and how far apart."""

    clients: int
    subchannels: int
    memory: float
    what: str
    cold_s: float
    warm_s: float
    ratio: float
    cold_steps: int
    warm_steps: int
    apart: float


def fading(problem: ra.FedsLLM, memory: float, slots: int) -> Iterator[ra.FedsLLM]:
    """Yield the problem with the gains of one slot after another."""
    rng = np.random.default_rng(0)
    mean_gain = np.stack([problem.main_gain[:, 0], problem.fed_gain[:, 0]])

    def scattered() -> Any:
        return (rng.normal(size=mean_gain.shape) + 1j * rng.normal(size=mean_gain.shape)) / np.sqrt(2)

    amplitude = scattered()
    for _ in range(slots):
        main, fed = mean_gain * np.abs(amplitude) ** 2
        yield problem.replace(main_gain=main[:, None], fed_gain=fed[:, None])
        amplitude = memory * amplitude + np.sqrt(1 - memory**2) * scattered()


def measure(clients: int, subchannels: int, memory: float, slots: int, turns: int) -> list[Slot]:
    """Return every slot but the first."""
    found, before = [], None
    problem = ra.FedsLLM.sample(clients=clients, subchannels=subchannels, seed=0)
    trace = list(fading(problem, memory, slots))
    for now in watched(trace, f"{clients} x {subchannels}, {memory:g}"):
        instances = {"FedsLLM": now, "link": main_link(now, 1, 8)}
        answers = {}
        for what, instance in instances.items():
            methods = {"cold": partial(ra.solve, instance)}
            if before is not None:
                start = before[what] if what == "FedsLLM" else before[what].value
                methods["warm"] = partial(ra.solve, instance, start=start)
            answer, taken = in_turn(methods, turns, clock=process_time)
            answers[what] = answer["cold"]
            if before is not None:
                cold, warm = answer["cold"], answer["warm"]
                found.append(
                    Slot(
                        clients=clients,
                        subchannels=subchannels,
                        memory=memory,
                        what=what,
                        cold_s=median(taken["cold"]),
                        warm_s=median(taken["warm"]),
                        ratio=paired_ratio(taken["cold"], taken["warm"]),
                        cold_steps=cold.iterations,
                        warm_steps=warm.iterations,
                        apart=abs(warm.objective / cold.objective - 1),
                    )
                )
        before = answers
    return found


HEAD = ("instance, memory", "slots", "cold", "warm", "cold / warm", "quartiles", "steps: cold", "warm", "apart: most")


def row(slots: list[Slot]) -> tuple[str, ...]:
    """Return the table's line for one trace."""
    first, ratios = slots[0], [slot.ratio for slot in slots]
    low, high = np.quantile(ratios, [0.25, 0.75])
    return (
        f"{first.what} {first.clients} x {first.subchannels}, {first.memory:g}",
        str(len(slots)),
        seconds(median(slot.cold_s for slot in slots)),
        seconds(median(slot.warm_s for slot in slots)),
        f"{median(ratios):.2f}",
        f"{low:.2f} to {high:.2f}",
        f"{mean(slot.cold_steps for slot in slots):.1f}",
        f"{mean(slot.warm_steps for slot in slots):.1f}",
        tiny(max(slot.apart for slot in slots)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    found = [
        slot
        for clients, subchannels in SIZES
        for memory in MEMORIES
        for slot in measure(clients, subchannels, memory, given.slots, given.turns)
    ]
    keys = dict.fromkeys((slot.what, slot.clients, slot.memory) for slot in found)
    groups = [[slot for slot in found if (slot.what, slot.clients, slot.memory) == key] for key in sorted(keys)]
    print(figures(HEAD, map(row, groups)))
    write_json(given.out / "trace.json", {"slots": [asdict(slot) for slot in found]})
    print(f"\nwritten: {given.out / 'trace.json'}")


if __name__ == "__main__":
    main()
