"""The claims of arXiv 2507.01041: 24.62-38.95 % less delay in dynamic networks, block-wise decisions up to 13x as fast.

python -m benchmarks.claims.dag_split [--slots 240] [--devices 10] [--sigma 0.5] [--local-steps 10] [--json FILE]

For each of the six models and each of several devices: a trace of log-normal rates (usual rates 50-200 Mbit/s up,
100-500 down), a device of 0.5-5 TFLOP/s and a server of 10-20; the optimum of every slot beside everything on the
device, everything on the server, the best single cut of the layers in a row, and the optimum for the usual rates kept.
Then the time of a decision over the whole graph and block by block.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

import rasolve as ra
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.report import figures, seconds, watched, write_json
from rasolve.forms import ClosedSet
from rasolve.numerics import FloatArray
from rasolve.problems.dag_split import closed
from rasolve.solvers import solve_form

MODELS = ("resnet18", "resnet50", "googlenet", "densenet121", "gpt2-s", "vit-b-16")
RULES = ("device", "server", "chain", "static")
PUBLISHED_PERCENT = (24.62, 38.95)
PUBLISHED_SPEEDUP = 13.0
SLOTS = 240
"""Slots decided in one call where the time of a decision in a trace is taken."""


@dataclass(frozen=True)
class Outcome:
    """Mean seconds of a round over one trace: the optimum and each rule; how many splits the optimum took."""

    model: str
    seed: int
    optimum_s: float
    rule_s: dict[str, float]
    splits: int


def outcome(model: str, seed: int, slots: int, sigma: float, local_steps: int) -> Outcome:
    """Solve every slot of one device's trace, and judge the rules on it."""
    problem = ra.DagSplit.sample(model=model, seed=seed, local_steps=local_steps)
    rng = np.random.default_rng(seed + 1_000_000)
    factors = np.exp(rng.normal(-(sigma**2) / 2, sigma, (2, slots)))
    trace = {
        "uplink_bps": problem.usual_uplink_bps * factors[0],
        "downlink_bps": problem.usual_downlink_bps * factors[1],
    }
    best = ra.splits_over_time(problem, **trace)
    kept = {rule: best.kept(ra.solve(problem, f"baseline:{rule}").decision) for rule in ("device", "server", "static")}
    kept["chain"] = chained(problem, best.form)
    return Outcome(
        model=model,
        seed=seed,
        optimum_s=float(best.seconds.mean()),
        rule_s={rule: float(kept[rule].mean()) for rule in RULES},
        splits=len(np.unique(best.tier, axis=0)),
    )


def chained(problem: ra.DagSplit, form: ClosedSet) -> FloatArray:
    """Return the seconds [T] of the best cut of the layers in topological order, in every slot."""
    row = replace(form, precedence=closed.precedence(problem, chained=True))
    return row.objectives(solve_form(row, "chain").value)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return, by model, how much lower the mean delay is than each rule's: of the means over all devices, and range."""
    rows = []
    for model in dict.fromkeys(o.model for o in outcomes):
        rows.append(_row(model, [o for o in outcomes if o.model == model]))
    rows.append(_row("all", outcomes))
    head = ("lower by [%] than", "mean delay [s]", *(f"{rule}: mean (range)" for rule in RULES), "splits per trace")
    return figures(head, rows)


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    best = np.array([o.optimum_s for o in outcomes])
    cells = []
    for rule in RULES:
        lower = 100 * (1 - best / np.array([o.rule_s[rule] for o in outcomes]))
        cells.append(f"{lower.mean():.2f} ({lower.min() + 0.0:.2f} to {lower.max():.2f})")
    return (name, f"{best.mean():.2f}", *cells, f"{np.mean([o.splits for o in outcomes]):.1f}")


@dataclass(frozen=True)
class Speed:
    """Seconds of a decision over the whole graph, block by block, and in a trace; median paired ratios to the first."""

    model: str
    full_s: float
    blocks_s: float
    trace_s: float
    blocks_ratio: float
    trace_ratio: float


def speed(model: str, turns: int) -> Speed:
    """Time decisions at changing rates, the graph's own work done beforehand."""
    problem = ra.DagSplit.sample(model=model, seed=0)
    rates = iter(np.random.default_rng(0).lognormal(np.log(problem.uplink_bps), 0.5, 10 * turns))
    known: dict[str, ClosedSet] = {}

    def next_form() -> None:
        known["form"] = problem.replace(uplink_bps=float(next(rates))).formulate(ClosedSet).form

    slots = np.random.default_rng(1).lognormal(np.log(problem.uplink_bps), 0.5, SLOTS)
    methods = {
        "rates": next_form,
        "full": lambda: solve_form(known["form"].network(), "min_cut"),
        "blocks": lambda: solve_form(known["form"], "block_wise"),
        "trace": lambda: ra.splits_over_time(problem, uplink_bps=slots),
    }
    in_turn(methods, 3)
    _, taken = in_turn(methods, turns)
    taken["trace"] = [spent / SLOTS for spent in taken["trace"]]
    ratios = (paired_ratio(taken["full"], taken[name]) for name in ("blocks", "trace"))
    return Speed(model, *(median(taken[name]) for name in ("full", "blocks", "trace")), *ratios)


def _speed_row(s: Speed) -> tuple[str, ...]:
    blocks, trace = seconds(s.blocks_s), f"{1e6 * s.trace_s:.2g} µs"
    return (s.model, seconds(s.full_s), blocks, f"{s.blocks_ratio:.2g}", trace, f"{s.trace_ratio:.2g}")


NOTES = """\
published: the graph, its minimum cut, collapsing blocks, the two claims (arXiv 2507.01041)
reconstructed: the delay of a round, rates, speeds, batch 16 and {steps} local steps, what the rules do
ours: the condition under which a block collapses, what is done where it fails, memory limits, three tiers, the sweep"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slots", type=int, default=240)
    parser.add_argument("--devices", type=int, default=10)
    parser.add_argument("--sigma", type=float, default=0.5, help="standard deviation of the logarithm of a rate")
    parser.add_argument("--local-steps", type=int, default=10)
    parser.add_argument("--turns", type=int, default=200, help="decisions timed for each model")
    parser.add_argument("--json", type=Path, help="file for every trace's figures")
    given = parser.parse_args()
    print(f"Mean delay of a round over {given.slots} slots, {given.devices} devices for each model")
    outcomes = [
        outcome(model, seed, given.slots, given.sigma, given.local_steps)
        for model in MODELS
        for seed in watched(range(given.devices), model)
    ]
    print(table(outcomes))
    low, high = PUBLISHED_PERCENT
    print(f"published: {low} to {high} % against the paper's benchmarks\n")
    speeds = [speed(model, given.turns) for model in MODELS]
    head = ("time of a decision", "whole graph", "block-wise", "whole / that", "in a trace", "whole / that")
    print(figures(head, map(_speed_row, speeds)))
    print(f"published: block-wise up to {PUBLISHED_SPEEDUP:g}x as fast\n\n{NOTES.format(steps=given.local_steps)}")
    if given.json is not None:
        fields = {"outcomes": [asdict(o) for o in outcomes], "speeds": [asdict(s) for s in speeds]}
        write_json(given.json, fields)
        print(f"\nwritten: {given.json}")


if __name__ == "__main__":
    main()
