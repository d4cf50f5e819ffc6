"""Throughput of Monte-Carlo studies: a batch against a loop over the same instances, answers compared.

python -m benchmarks.batches [--links 1000] [--problems 100] [--turns 5] [--out out]

Per size and regime: main links at cut 1 and rank 8 (`ra.solve_batch` against `ra.solve` of each), and whole FedsLLM
problems. Seconds are the processor's, so that other work does not count. Prints one table, writes batches.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import rasolve as ra
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.report import figures, seconds, tiny, write_json
from rasolve.problems.fedsllm.choice import main_link
from rasolve.problems.fedsllm.instances import REGIMES

SIZES = ((5, 20), (20, 100))


@dataclass(frozen=True)
class Throughput:
    """Instances of one kind solved both ways: median seconds of each, and the median of paired ratios.

    ``apart`` is the largest relative difference between two objectives of one instance.
    """

    what: str
    instances: int
    batch_s: float
    loop_s: float
    ratio: float
    apart: float
    gap: float
    optimal: int


def measure(what: str, instances: Sequence[Any], turns: int) -> Throughput:
    """Solve the instances together and one by one, in turn."""

    def loop() -> list[Any]:
        return [ra.solve(each) for each in instances]

    methods: dict[str, Callable[[], Sequence[Any]]] = {"batch": partial(ra.solve_batch, instances), "loop": loop}
    answers, taken = in_turn(methods, turns, clock=process_time)
    pairs = list(zip(answers["batch"], answers["loop"], strict=True))
    return Throughput(
        what=what,
        instances=len(instances),
        batch_s=median(taken["batch"]),
        loop_s=median(taken["loop"]),
        ratio=paired_ratio(taken["loop"], taken["batch"]),
        apart=max(abs(one.objective / other.objective - 1) for one, other in pairs),
        gap=max(one.gap for one, _ in pairs),
        optimal=sum(one.termination.value == "optimal" for one, _ in pairs),
    )


HEAD = (
    "instances",
    "number",
    "batch, each",
    "per second",
    "loop / batch",
    "objectives apart",
    "largest gap",
    "optimal",
)


def row(found: Throughput) -> tuple[str, ...]:
    """Return the table's line."""
    return (
        found.what,
        str(found.instances),
        seconds(found.batch_s / found.instances),
        f"{found.instances / found.batch_s:.0f}",
        f"{found.ratio:.1f}",
        tiny(found.apart),
        tiny(found.gap),
        f"{found.optimal}/{found.instances}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=1000)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    found = []
    for clients, subchannels in SIZES:
        for regime in REGIMES:
            sample = partial(ra.FedsLLM.sample, clients=clients, subchannels=subchannels, regime=regime)
            problems = [sample(seed=seed) for seed in range(max(given.links, given.problems))]
            links = [main_link(problem, 1, 8) for problem in problems[: given.links]]
            at = f"{clients} x {subchannels}, {regime}"
            measure(at, links[:2], 1)  # loads everything before the clock counts
            found.append(measure(f"link {at}", links, given.turns))
            found.append(measure(f"FedsLLM {at}", problems[: given.problems], given.turns))
    print(figures(HEAD, map(row, sorted(found, key=lambda each: each.what, reverse=True))))
    write_json(given.out / "batches.json", {"found": [asdict(each) for each in found]})
    print(f"\nwritten: {given.out / 'batches.json'}")


if __name__ == "__main__":
    main()
