"""Cost of the exact FedsLLM optimum against the number of clients, beside two exact rivals on the same link.

python -m benchmarks.fedsllm_speed [--sizes 5x20 20x100] [--seeds 10] [--mip-seconds 60] [--out out]

Per size, over seeds: the whole problem (two links, all cuts and ranks) by `solve`; then its main link at cut 1 and rank
8 by the library's `counts`, by bisection with greedy allocation and by outer approximation with HiGHS. Prints one
table, writes fedsllm_speed.json and fedsllm_speed.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import rasolve as ra
from benchmarks.bisection import bisection
from benchmarks.mip import outer_approximation
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.picture import draw
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import solve_form

SIZES = ("5x20", "10x50", "20x100", "50x300", "100x1000", "300x3000", "1000x10000")
WHOLE, OURS, BISECTION, MIP = "FedsLLM, exact", "link: counts", "link: bisection + greedy", "link: HiGHS"
METHODS = (WHOLE, OURS, BISECTION, MIP)
TURNS = 3


@dataclass(frozen=True)
class Run:
    """One method on one instance: median seconds of its turns, the answer, and how it compares with `counts`.

    ``ratio`` is the median of paired ratios of time to `counts` on the same link; ``excess`` is how far the objective
    is above the best that any method found there. Both are None for the whole problem, which is not a link.
    """

    clients: int
    subchannels: int
    seed: int
    method: str
    seconds: float
    objective: float
    bound: float
    gap: float
    status: str
    ratio: float | None
    excess: float | None


def measure(size: str, seeds: int, mip_seconds: float, regime: str) -> list[Run]:
    """Return the runs of one size; the MIP runs once for each seed until it has used up `mip_seconds` in all."""
    clients, subchannels = map(int, size.split("x"))
    runs: list[Run] = []
    spent = 0.0
    for seed in watched(range(seeds), f"{clients} clients, {subchannels} subchannels"):
        problem = ra.FedsLLM.sample(clients=clients, subchannels=subchannels, seed=seed, regime=regime)
        link = main_link(problem, 1, 8)
        answers, taken = in_turn(
            {
                WHOLE: partial(ra.solve, problem),
                OURS: partial(solve_form, link, "counts"),
                BISECTION: partial(bisection, link),
            },
            TURNS,
        )
        if spent < mip_seconds:
            rival, once = in_turn(
                {OURS: partial(solve_form, link, "counts"), MIP: partial(outer_approximation, link, mip_seconds)},
                turns=1,
            )
            answers[MIP], taken[MIP] = rival[MIP], once[MIP]
            spent += once[MIP][0]
        best = min(answers[name].objective for name in answers if name != WHOLE)
        for name, answer in answers.items():
            turns = taken[name]
            runs.append(
                Run(
                    clients=clients,
                    subchannels=subchannels,
                    seed=seed,
                    method=name,
                    seconds=median(turns),
                    objective=answer.objective,
                    bound=answer.bound,
                    gap=answer.gap,
                    status=answer.termination.value,
                    ratio=None if name == WHOLE else paired_ratio(turns, (once if name == MIP else taken)[OURS]),
                    excess=None if name == WHOLE else answer.objective / best - 1,
                )
            )
    return runs


HEAD = (
    "clients x subchannels, method",
    "instances",
    "median",
    "worst",
    "time / counts: median",
    "least",
    "most",
    "above the best: most",
    "proved gap: most",
    "optimal",
)


def row(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the table's line for one method at one size."""
    first = runs[0]
    ratios = [run.ratio for run in runs if run.ratio is not None]
    excess = [run.excess for run in runs if run.excess is not None]
    return (
        f"{first.clients} x {first.subchannels}, {first.method}",
        str(len(runs)),
        seconds(median(run.seconds for run in runs)),
        seconds(max(run.seconds for run in runs)),
        *(f"{f(ratios):.3g}" if ratios else "-" for f in (median, min, max)),
        tiny(max(excess)) if excess else "-",
        tiny(max(run.gap for run in runs)),
        f"{sum(run.status == 'optimal' for run in runs)}/{len(runs)}",
    )


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs by size and method, in the order of measurement."""
    keys = dict.fromkeys((run.clients, run.subchannels, method) for run in runs for method in METHODS)
    groups = ([r for r in runs if (r.clients, r.subchannels, r.method) == key] for key in keys)
    return [group for group in groups if group]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="KxM")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--mip-seconds",
        type=float,
        default=60.0,
        help="time limit of one MIP, and when to start no more at one size; 0: no MIP",
    )
    parser.add_argument("--regime", default="wideband")
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    measure("2x4", 1, given.mip_seconds, given.regime)  # loads everything before the clock counts
    runs = [run for size in given.sizes for run in measure(size, given.seeds, given.mip_seconds, given.regime)]
    print(f"FedsLLM, {given.regime}, GPT2-S (J = 12), 5 ranks; link: the main link at cut 1 and rank 8")
    print(figures(HEAD, [row(group) for group in grouped(runs)]))
    write_json(given.out / "fedsllm_speed.json", {"regime": given.regime, "runs": [asdict(run) for run in runs]})
    draw(grouped(runs), given.mip_seconds, given.out / "fedsllm_speed.png")
    print(f"\nwritten: {given.out / 'fedsllm_speed.json'}, {given.out / 'fedsllm_speed.png'}")


if __name__ == "__main__":
    main()
