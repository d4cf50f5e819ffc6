"""What Lyapunov control, its clairvoyant bound and optimum, and decisions by the million cost.

python -m benchmarks.lyapunov_speed [--largest 1000000] [--json FILE] [--picture FILE]

AdaptiveSplit on LeNet-12 (cuts 1 to 12): drift plus penalty slot by slot, the dual bound, the exact optimum.
CutAndClock on Llama-3.2-1B: decisions of 10 000 devices. Seconds at growing sizes, medians of five, and per slot.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import rasolve as ra
from benchmarks.lyapunov_picture import draw_costs
from benchmarks.report import figures, seconds, tiny, write_json
from rasolve.forms import Separable, Slots
from rasolve.forms.dual import lower_bound
from rasolve.solvers import solve_form

RUNS, LONG_S = 5, 10.0
"""Runs of each, and seconds after which no further one begins."""

DEVICES = 10_000
EXACT_UP_TO = 10_000
"""Slots up to which the exact optimum is asked for."""

LABELS = {
    "policy": "drift plus penalty, slot by slot",
    "bound": "clairvoyant bound (dual)",
    "optimum": "clairvoyant optimum, proved",
    "decisions": "CutAndClock decisions",
}


def sizes(largest: int) -> Iterator[int]:
    """Return 1000, 3000, 10 000, ... up to the largest."""
    size, factor = 1000, 3.0
    while size <= largest:
        yield size
        size, factor = round(size * factor), 10 / factor


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a call, the median of RUNS unless it is long, and what it returned."""
    taken = []
    while len(taken) < RUNS and sum(taken) < LONG_S:
        began = perf_counter()
        result = call()
        taken.append(perf_counter() - began)
    return median(taken), result


def slots_form(slots: int) -> Slots:
    """Return the form of an instance with so many slots."""
    return ra.AdaptiveSplit.sample(seed=0, slots=slots, cuts=range(1, 13)).as_form(Slots)


def decisions_form(rounds: int) -> Separable:
    """Return the form of an instance with DEVICES devices and so many rounds."""
    return ra.CutAndClock.sample(seed=0, devices=DEVICES, rounds=rounds).as_form(Separable)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, default=Path("out/lyapunov_cost.png"))
    given = parser.parse_args()
    curves: dict[str, list[tuple[int, float]]] = {label: [] for label in LABELS.values()}
    rows = []

    def add(what: str, size: int, took: float, said: str) -> None:
        curves[LABELS[what]].append((size, took))
        rows.append((LABELS[what], f"{size}", seconds(took), f"{1e6 * took / size:.2f} µs", said))

    for size in sizes(given.largest):
        form = slots_form(size)
        took, bound = timed(lambda form=form: lower_bound(form))
        add("bound", size, took, f"{bound:.6g} s")
        took, found = timed(lambda form=form: solve_form(form, "drift_plus_penalty"))
        add("policy", size, took, f"{100 * (found.objective / bound - 1):.2f} % above the bound at 2 % slack")
        if size <= EXACT_UP_TO:
            took, found = timed(lambda form=form: solve_form(form, "clairvoyant"))
            add("optimum", size, took, f"proved to {tiny(found.gap)}")
    rounds = 10
    while rounds * DEVICES <= 10 * given.largest:
        form = decisions_form(rounds)
        took, found = timed(lambda form=form: solve_form(form))
        add("decisions", rounds * DEVICES, took, f"mean utility {found.objective:.4f}")
        rounds *= 10
    rows.sort(key=lambda row: list(LABELS.values()).index(row[0]))
    print(figures(("", "slots or decisions", "time", "each", "result"), rows))
    draw_costs({label: points for label, points in curves.items() if points}, given.picture)
    print(f"\npicture: {given.picture}")
    if given.json is not None:
        write_json(given.json, {"curves": curves})
        print(f"written: {given.json}")


if __name__ == "__main__":
    main()
