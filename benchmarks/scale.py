"""How the cost of the exact FedsLLM optimum grows with the number of clients.

python -m benchmarks.scale [--clients 10 100 1000 10000] [--seeds 5] [--turns 3] [--out out]

The whole problem with flat gains, two subchannels on each link for every client: two links, all cuts and ranks, the
result with its check. Per size, over seeds: seconds to the proved optimum, their growth from the size before as an
exponent of the number of clients, and the most memory that Python and numpy held at once on the way, beyond the
problem's own. Seconds are the processor's, so that other work does not count. Prints one table, writes scale.json and
scale.png.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median
from time import process_time

import rasolve as ra
from benchmarks.pairs import in_turn
from benchmarks.picture import draw_growth
from benchmarks.report import figures, seconds, tiny, watched, write_json

PER_CLIENT = 2
"""Subchannels on each link for every client."""


@dataclass(frozen=True)
class Cost:
    """One instance solved: median seconds of its turns, peak memory of one more, and how well it was solved."""

    clients: int
    seed: int
    seconds: float
    peak_bytes: int
    objective: float
    gap: float
    status: str


def measure(clients: int, seeds: int, turns: int) -> list[Cost]:
    """Return the cost at one size for several instances; memory is traced in a run of its own, which tracing slows."""
    costs = []
    for seed in watched(range(seeds), f"{clients} clients"):
        problem = ra.FedsLLM.sample(clients=clients, subchannels=PER_CLIENT * clients, seed=seed)
        answers, taken = in_turn({"solve": partial(ra.solve, problem)}, turns, clock=process_time)
        result = answers["solve"]
        costs.append(
            Cost(
                clients=clients,
                seed=seed,
                seconds=median(taken["solve"]),
                peak_bytes=_peak(problem),
                objective=result.objective,
                gap=result.gap,
                status=result.termination.value,
            )
        )
    return costs


def _peak(problem: ra.FedsLLM) -> int:
    """Return the most bytes that solving the problem held at once."""
    tracemalloc.start()
    ra.solve(problem)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def exponents(sizes: Sequence[int], values: Sequence[float]) -> list[float]:
    """Return by what power of the size the value grows from each size to the next."""
    pairs = zip(sizes, values, strict=True)
    return [log(v1 / v0) / log(n1 / n0) for (n0, v0), (n1, v1) in pairwise(pairs)]


HEAD = ("clients x subchannels", "instances", "median", "worst", "exponent", "peak memory", "largest gap", "optimal")


def table(groups: Sequence[Sequence[Cost]]) -> str:
    """Return one line for each size."""
    middle = [median(cost.seconds for cost in group) for group in groups]
    grows = ["-", *(f"{e:.2f}" for e in exponents([group[0].clients for group in groups], middle))]
    return figures(
        HEAD,
        [
            (
                f"{group[0].clients} x {PER_CLIENT * group[0].clients}",
                str(len(group)),
                seconds(at),
                seconds(max(cost.seconds for cost in group)),
                grow,
                f"{max(cost.peak_bytes for cost in group) / 2**20:.3g} MiB",
                tiny(max(cost.gap for cost in group)),
                f"{sum(cost.status == 'optimal' for cost in group)}/{len(group)}",
            )
            for group, at, grow in zip(groups, middle, grows, strict=True)
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", nargs="+", type=int, default=(10, 100, 1000, 10_000))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    measure(2, 1, 1)  # loads everything before the clock counts
    groups = [measure(clients, given.seeds, given.turns) for clients in given.clients]
    print(f"FedsLLM, wideband, GPT2-S (J = 12), 5 ranks, flat gain, {PER_CLIENT} subchannels for every client")
    print(table(groups))
    write_json(given.out / "scale.json", {"costs": [asdict(cost) for group in groups for cost in group]})
    draw_growth(groups, given.out / "scale.png")
    print(f"\nwritten: {given.out / 'scale.json'}, {given.out / 'scale.png'}")


if __name__ == "__main__":
    main()
