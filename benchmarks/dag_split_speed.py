"""Time of one DagSplit decision beside networkx, scipy's flow alone and OR-tools, on the same networks in the same run.

python -m benchmarks.dag_split_speed [--turns 15] [--networkx-seconds 20] [--ortools PYTHON] [--small 360] [--out out]

On the six published models and on layered graphs of 10^2 to 10^4 vertices, at rates that change from turn to turn: the
library's `min_cut` on the whole graph, its `block_wise`, and rivals on the network as it is published. What follows
from the graph alone is built beforehand for all. Then many small graphs: how often each flow function of networkx
returns a wrong partition. All methods run on one thread and are timed by their processor time, which other work on the
machine hardly changes.
"""

from __future__ import annotations

import argparse
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import TypeVar

import numpy as np

import rasolve as ra
from benchmarks.cuts import (
    NETWORKX,
    Cut,
    OrTools,
    networkx_cut,
    networkx_graph,
    published_network,
    scaled_for_scipy,
    scipy_flow,
)
from benchmarks.pairs import paired_ratio
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.forms import ClosedSet
from rasolve.solvers import solve_form

MODELS = ("resnet18", "resnet50", "googlenet", "densenet121", "gpt2-s", "vit-b-16")
SIZES = (100, 1000, 10_000)
FULL, BLOCKS, RAW, OR = "min_cut", "block_wise", "scipy, one flow alone", "OR-tools"
WIDTH = 10
QUICK = 0.05
"""Seconds below which a call is made twice, so that no method pays for what another left in the caches."""

T = TypeVar("T")


def layered(vertices: int, seed: int, mixed: bool) -> ra.DagSplit:
    """Return a layered graph of layers 10 wide: each vertex reads one to three of the layer before, a fifth one more.

    The server is ten times as fast everywhere, or, `mixed`, either party may be by up to ten times.
    """
    rng = np.random.default_rng(seed)
    child = np.arange(1, vertices)
    layer = (child - 1) // WIDTH
    before = np.maximum((layer - 1)[:, None] * WIDTH + 1 + rng.integers(0, WIDTH, (len(child), 3)), 0)
    before[layer == 0] = 0
    further = np.maximum((layer - 2) * WIDTH + 1 + rng.integers(0, WIDTH, len(child)), 0)
    read = np.arange(3) < rng.integers(1, 4, len(child))[:, None]
    edges = np.stack([before, np.broadcast_to(child[:, None], before.shape)], axis=-1)[read]
    skips = (layer > 1) & (rng.random(len(child)) < 0.2)
    work = rng.lognormal(0, 1, vertices)
    speed = 10 ** rng.uniform(-1, 1, (2, vertices)) if mixed else np.array([[1.0], [0.1]])
    sizes = rng.lognormal(-0.7, 1, vertices) * (1.0 if mixed else np.exp(-3 * np.arange(vertices) / vertices) * 5)
    return ra.DagSplit(
        edges=np.concatenate([edges, np.stack([further[skips], child[skips]], axis=1)]),
        device_seconds=work * speed[0],
        server_seconds=work * speed[1],
        output_bits=sizes,
        weight_bits=0.02 * work,
        uplink_bps=1.0,
        downlink_bps=4.0,
        local_steps=1,
    )


@dataclass(frozen=True)
class Line:
    """One method on one graph: median seconds, median ratio to `min_cut` in turn, what it returned, largest gap."""

    graph: str
    vertices: int
    arcs: int
    method: str
    seconds: float
    ratio: float
    verdict: str
    gap: float | None


def forms(problem: ra.DagSplit, turns: int, seed: int) -> list[ClosedSet]:
    """Return the problem at rates that change by a log-normal factor from turn to turn."""
    factors = np.random.default_rng(seed).lognormal(0, 0.5, turns)
    return [
        problem.replace(uplink_bps=problem.uplink_bps * f, downlink_bps=problem.downlink_bps * f)
        .formulate(ClosedSet)
        .form
        for f in factors
    ]


def measure(name: str, problem: ra.DagSplit, turns: int, slow: set[str], most: float, rival: OrTools) -> list[Line]:
    """Return a line for each method on one graph; a networkx method that takes more than `most` seconds retires."""
    given = forms(problem, turns, seed=1)
    warm = given[0]
    solve_form(warm.network(), "min_cut"), solve_form(warm, "block_wise")
    taken: dict[str, list[float]] = {}
    verdicts: dict[str, list[str]] = {}
    gaps: dict[str, list[float]] = {}
    pairs: dict[str, list[float]] = {}

    def note(method: str, spent: float, ours: float, verdict: str, gap: float | None = None) -> None:
        taken.setdefault(method, []).append(spent)
        pairs.setdefault(method, []).append(ours)
        verdicts.setdefault(method, []).append(verdict)
        if gap is not None:
            gaps.setdefault(method, []).append(gap)

    for turn, form in enumerate(given):
        gc.collect()  # what networkx left behind must not be charged to whoever comes next
        optimum, ours = timed(lambda form=form: solve_form(form.network(), "min_cut"))
        note(FULL, ours, ours, "right", optimum.gap)
        blocks, spent = timed(lambda form=form: solve_form(form, "block_wise"))
        note(BLOCKS, spent, ours, Cut(0.0, blocks.objective).verdict(optimum.objective), blocks.gap)
        network = published_network(form)
        graph, unit = scaled_for_scipy(network)
        value, spent = timed(partial(scipy_flow, network, graph, unit))
        note(RAW, spent, ours, "no cut", 1 - value / optimum.objective)
        if not rival.absent:
            rival.cut(network)
            spent, cut = rival.cut(network)
            note(OR, spent, ours, cut.verdict(optimum.objective), abs(1 - cut.value / optimum.objective))
        for method, flow_function in NETWORKX.items():
            if method in slow or (turn >= 3 and median(taken[method]) > 0.2):
                continue
            slow_graph = networkx_graph(network)
            cut, spent = timed(partial(networkx_cut, network, slow_graph, flow_function))
            note(method, spent, ours, cut.verdict(optimum.objective))
            if spent > most:
                slow.add(method)
    arcs = len(warm.precedence.wiring.tails)
    return [
        Line(
            graph=name,
            vertices=problem.layers,
            arcs=arcs,
            method=method,
            seconds=median(taken[method]),
            ratio=paired_ratio(taken[method], pairs[method]),
            verdict=", ".join(f"{n} {what}" for what, n in Counter(verdicts[method]).most_common(3)),
            gap=max(gaps[method]) if method in gaps else None,
        )
        for method in taken
    ]


def timed(method: Callable[[], T]) -> tuple[T, float]:
    """Return a method's answer and its seconds; those of a second call where the first was quick, for all alike."""
    began = process_time()
    answer = method()
    spent = process_time() - began
    if spent > QUICK:
        return answer, spent
    began = process_time()
    answer = method()
    return answer, process_time() - began


def wrong_partitions(graphs: int) -> str:
    """Return a table of what each flow function of networkx returns on small random splits with float capacities."""
    found = {method: Counter() for method in NETWORKX}
    worst = dict.fromkeys(NETWORKX, 0.0)
    for seed in watched(range(graphs), "small graphs"):
        form = ra.DagSplit.sample(layers=30, width=4, seed=seed, local_steps=1).formulate(ClosedSet).form
        network = published_network(form)
        optimum = solve_form(form, "block_wise").objective
        graph = networkx_graph(network)
        for method, flow_function in NETWORKX.items():
            cut = networkx_cut(network, graph, flow_function)
            verdict = cut.verdict(optimum)
            found[method]["right" if verdict == "right" else "invalid" if verdict == "invalid" else "suboptimal"] += 1
            if np.isfinite(cut.cost):
                worst[method] = max(worst[method], cut.cost / optimum - 1)
    head = ("networkx", "right", "suboptimal", "no cut at all", "worst above the optimum")
    rows = [
        (m, str(c["right"]), str(c["suboptimal"]), str(c["invalid"]), f"{100 * worst[m]:.3g} %")
        for m, c in found.items()
    ]
    return figures(head, rows)


HEAD = ("graph, method", "median", "time / min_cut", "returned cuts", "gap: most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="vertices of the layered graphs")
    parser.add_argument("--networkx-seconds", type=float, default=20.0, help="a method slower than this retires")
    parser.add_argument("--ortools", default=None, metavar="PYTHON", help="an interpreter that has numpy and ortools")
    parser.add_argument("--small", type=int, default=360, help="small graphs on which partitions are looked at")
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    rival = OrTools(given.ortools) if given.ortools else OrTools()
    problems = {model: ra.DagSplit.sample(model=model, seed=0) for model in MODELS}
    for size in given.sizes:
        problems[f"layered {size:,}"] = layered(size, 0, mixed=False)
        problems[f"layered {size:,}, mixed speeds"] = layered(size, 0, mixed=True)
    lines: list[Line] = []
    slow: set[str] = set()
    for name, problem in problems.items():
        found = measure(name, problem, given.turns, slow, given.networkx_seconds, rival)
        lines += found
        shown = f"{name}: {found[0].vertices:,} vertices, {found[0].arcs:,} arcs"
        rows = [(f"  {x.method}", seconds(x.seconds), f"{x.ratio:.3g}", x.verdict, gap(x)) for x in found]
        print(figures((shown, *HEAD[1:]), rows), end="\n\n", flush=True)
    if rival.absent:
        print("OR-tools is not installed here: give --ortools an interpreter that has it\n")
    print(wrong_partitions(given.small))
    rival.close()
    write_json(given.out / "dag_split_speed.json", {"lines": [asdict(line) for line in lines]})
    print(f"\nwritten: {given.out / 'dag_split_speed.json'}")


def gap(line: Line) -> str:
    return "-" if line.gap is None else tiny(line.gap)


if __name__ == "__main__":
    main()
