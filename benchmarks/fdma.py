"""Continuous bandwidth and power by two prices: how exact, how fast beside rivals, how it grows, how it batches.

python -m benchmarks.fdma [--per-family 120] [--sizes 20 100 1000] [--seeds 12] [--seconds 20] [--growth] [--out out]

Accuracy: families of stressed instances, the certified gap of each, and its distance from the optimum in forty digits.
Speed: the main link of FedsLLMFdma (wideband, cut 1, rank 8), methods in turn on the same instance, medians of paired
ratios; ours to a certified 1e-10, Clarabel at its defaults, scipy's methods under a time limit, and no longer once they
finished nothing at a smaller size. Growth: ours from ten clients to a hundred thousand. Batch: a thousand instances in
one call beside one by one. All seconds are seconds of the processor, which other work on the machine does not lengthen.
Exits with 1 when a certified gap or a disagreement exceeds 1e-10. Prints tables, writes fdma.json and fdma.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np

import rasolve as ra
from benchmarks.fdma_accuracy import accuracy, accuracy_table
from benchmarks.fdma_instances import sampled_link
from benchmarks.fdma_picture import draw
from benchmarks.fdma_rivals import slsqp, trust_constr
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.forms import FdmaShares
from rasolve.problems.fedsllm_fdma.blocks import equal_shares
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.cvxpy import program
from rasolve.solvers.fdma.links import scaled

PROMISED = 1e-10
"""Relative accuracy that every instance must be certified to and agree with."""

OURS, CONE, SLSQP, TRUST = "rasolve (fdma)", "cvxpy + Clarabel", "scipy SLSQP", "scipy trust-constr"

Rival = Callable[[FdmaShares, float], float]

GROWTH = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
BATCH = 1000


@dataclass(frozen=True)
class Run:
    """One method on one instance: median seconds, its deadline over ours, and the paired ratio of times to ours."""

    clients: int
    seed: int
    method: str
    seconds: float
    excess: float
    ratio: float


def ours(form: FdmaShares) -> float:
    """Return the deadline [s], certified to 1e-10."""
    return solve_form(form, "fdma", Limits(gap=PROMISED)).objective


def by_cone(form: FdmaShares) -> float:
    """Return the deadline [s] of the compiled exponential cone program; NaN where Clarabel gave up."""
    links, unit_s = scaled(form), form.objective(equal_shares(form)) - float(form.offset_s.max())
    answer = program(form.clients).solve(links, unit_s, "CLARABEL", float("inf"))
    return float("nan") if answer is None else form.objective(answer.plan(form))


def speed(clients: int, seeds: int, limit_s: float, scipy: dict[str, Rival]) -> list[Run]:
    """Return the runs of all methods at one size; a method of scipy that was stopped twice does not run again."""
    runs: list[Run] = []
    stopped = dict.fromkeys(scipy, 0)
    by_cone(sampled_link(clients, 0))
    for seed in watched(range(seeds), f"{clients} clients"):
        form = sampled_link(clients, seed)
        answers, taken = in_turn({OURS: partial(ours, form), CONE: partial(by_cone, form)}, 5, process_time)
        for name in [name for name in scipy if stopped[name] < 2]:
            rival = partial(scipy[name], form, limit_s)
            once, times = in_turn({OURS: partial(ours, form), name: rival}, 1, process_time)
            answers[name], taken[name] = once[name], times[name]
            stopped[name] += not isfinite(answers[name])
        for name, answer in answers.items():
            own = taken[OURS][: len(taken[name])]
            excess = answer / answers[OURS] - 1
            runs.append(Run(clients, seed, name, median(taken[name]), excess, paired_ratio(taken[name], own)))
    return runs


def all_sizes(sizes: Sequence[int], seeds: int, limit_s: float) -> list[Run]:
    """Return the runs of all sizes, from small to large; who finished nothing at one size is left out at the next."""
    scipy: dict[str, Rival] = {SLSQP: slsqp, TRUST: trust_constr}
    runs: list[Run] = []
    for clients in sorted(sizes):
        runs += speed(clients, seeds, limit_s, scipy)
        finished = {r.method for r in runs if r.clients == clients and isfinite(r.excess)}
        scipy = {name: rival for name, rival in scipy.items() if name in finished}
    return runs


def speed_table(runs: Sequence[Run]) -> str:
    """Return one line for each size and method."""
    rows = []
    for clients, method in dict.fromkeys((r.clients, r.method) for r in runs):
        own = [r for r in runs if (r.clients, r.method) == (clients, method)]
        ended = [r for r in own if isfinite(r.excess)]
        within = sum(r.excess <= 1e-6 for r in ended)
        rows.append(
            (
                f"{clients}, {method}",
                f"{within} of {len(own)}",
                tiny(max(r.excess for r in ended)) if ended else "stopped",
                seconds(median(r.seconds for r in own)),
                "-" if method == OURS else f"{median(r.ratio for r in own):.3g}",
                "-" if method == OURS else f"{min(r.ratio for r in own):.3g}",
                "-" if method == OURS else f"{max(r.ratio for r in own):.3g}",
            )
        )
    head = ("clients, method", "within 1e-6", "above ours: most", "median", "time / ours: median", "least", "most")
    return figures(head, rows)


def growth() -> list[Run]:
    """Return our own runs from ten clients to a hundred thousand, three instances of each size."""
    runs = []
    for clients in watched(GROWTH, "growth"):
        for seed in range(3):
            form = sampled_link(clients, seed)
            _, taken = in_turn({OURS: partial(ours, form)}, 5, process_time)
            runs.append(Run(clients, seed, OURS, median(taken[OURS]), 0.0, 1.0))
    return runs


def growth_table(runs: Sequence[Run]) -> str:
    """Return one line for each size."""
    rows = []
    for clients in dict.fromkeys(r.clients for r in runs):
        own = median(r.seconds for r in runs if r.clients == clients)
        rows.append((str(clients), seconds(own), f"{own / clients * 1e6:.3g} µs"))
    return figures(("clients", "median", "per client"), rows)


def batch_ratio(clients: int, regime: str) -> tuple[float, float, float]:
    """Return the time of a thousand instances one by one, in one call, and the median of their paired ratios."""
    forms = [sampled_link(clients, seed, regime) for seed in range(BATCH)]

    def one_by_one() -> list[float]:
        return [ours(form) for form in forms]

    def together() -> list[float]:
        return list(ra.solve_batch(forms, gap=PROMISED).objective)

    answers, taken = in_turn({"loop": one_by_one, "batch": together}, 5, process_time)
    np.testing.assert_allclose(answers["batch"], answers["loop"], rtol=2 * PROMISED)
    return median(taken["loop"]), median(taken["batch"]), paired_ratio(taken["loop"], taken["batch"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-family", type=int, default=120, help="instances in 40 digits, and at 20 and 100 clients")
    parser.add_argument("--sizes", nargs="+", type=int, default=(20, 100, 1000), help="clients for the rivals")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=20.0, help="time limit of one scipy run")
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    solve_form(sampled_link(2, 0))  # loads everything before the clock counts

    exact = accuracy(given.per_family)
    worst_gap = max(a.gap for a in exact)
    worst_off = max(a.disagreement or 0.0 for a in exact)
    print(f"accuracy: {sum(a.instances for a in exact)} instances of 1 to 100 clients")
    print(accuracy_table(exact))
    print(f"worst certified gap {worst_gap:.1e}, worst disagreement {worst_off:.1e}; promised {PROMISED:g}\n")

    print("speed: main link of FedsLLMFdma, wideband, cut 1, rank 8")
    rivals = all_sizes(given.sizes, given.seeds, given.seconds)
    print(speed_table(rivals) + "\n")

    curve = growth()
    print(growth_table(curve) + "\n")

    for regime in ("wideband", "midband"):
        loop, together, ratio = batch_ratio(20, regime)
        took = f"one by one {seconds(loop)}, together {seconds(together)}: {ratio:.3g} times the throughput"
        print(f"{BATCH} instances of 20 clients, {regime}: {took}")

    write_json(
        given.out / "fdma.json",
        {"accuracy": list(map(asdict, exact)), "runs": list(map(asdict, rivals)), "growth": list(map(asdict, curve))},
    )
    draw(curve, rivals, given.seconds, given.out / "fdma.png")
    print(f"\nwritten: {given.out / 'fdma.json'}, {given.out / 'fdma.png'}")
    return int(max(worst_gap, worst_off) > PROMISED)


if __name__ == "__main__":
    sys.exit(main())
