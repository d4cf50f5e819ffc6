"""Links with frequency-selective gains: how far every solver is from proved bounds, and what direct rivals leave.

python -m benchmarks.selective [--parts densities many joint] [--seeds 2] [--rivals 1] [--seconds 60] [--out out]

`densities`: 20 clients, 50 subchannels, uniform densities, to a gap of 1e-4, beside one mixed-integer program in HiGHS
and in SCIP with as many seconds each. `many`: 10 clients, 200 subchannels, uniform densities, 10 s of clock time.
`joint`: owners and powers together, 3 to 20 clients, three regimes, both links of FedsLLM, at the default gap, beside
the same rivals on the first instances of 5 x 20. Seconds are processor time, unless said otherwise: other work on the
machine does not count. Prints tables, writes selective.json with every run, failures included.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks import direct, direct_joint
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.forms import FixedDensityLink, Link, OfdmaLink
from rasolve.problems.fedsllm import FedsLLM
from rasolve.problems.fedsllm.choice import fed_link, main_link
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.limits import DEFAULT_GAP

REGIMES = ("wideband", "midband", "narrowband")
JOINT_SIZES = ("3x8", "5x20", "5x50", "10x50", "20x50")
OURS = ("greedy", "local_search", "lagrangian", "deadline_mip")
DENSITY_GAP = 1e-4
CLOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Run:
    """One method on one link: its gap to its own bound, how far its plan is above the best known bound, its end."""

    part: str
    size: str
    regime: str
    link: str
    seed: int
    method: str
    objective: float
    bound: float
    gap: float
    seconds: float
    status: str


def links(size: str, seed: int, regimes: Sequence[str], both: bool) -> list[tuple[str, str, OfdmaLink]]:
    """Return (regime, name, link) of sampled selective FedsLLM instances, at cut 1 and rank 8."""
    clients, subchannels = map(int, size.split("x"))
    found = []
    for regime in regimes:
        problem = FedsLLM.sample(clients=clients, subchannels=subchannels, seed=seed, regime=regime, selective=True)
        found.append((regime, "main", main_link(problem, 1, 8)))
        if both:
            found.append((regime, "federated", fed_link(problem)))
    return found


def at_uniform_density(link: OfdmaLink) -> FixedDensityLink:
    """Return the link with its total power spread evenly over its width."""
    return link.at_density(link.total_power_w / link.width_hz.sum())


class Bench:
    """Runs methods and keeps what they answered."""

    def __init__(self, rival_seconds: float, rivals: int) -> None:
        self.runs: list[Run] = []
        self._seconds, self._rivals = rival_seconds, rivals
        self.absent = False

    def ours(self, part: str, place: tuple[str, str, str, int], link: Link, gap: float, clock: float | None) -> None:
        """Run our solvers on a link."""
        for name in OURS:
            deadline = float("inf") if clock is None else perf_counter() + clock
            self._keep(part, place, name, partial(solve_form, link, name, Limits(gap=gap, deadline=deadline)))

    def theirs(self, part: str, place: tuple[str, str, str, int], link: Any, gap: float) -> None:
        """Run the rivals on a link, between its cheap bound and the greedy plan."""
        rival = direct_joint if isinstance(link, OfdmaLink) else direct
        high = solve_form(link, "greedy").objective
        for name, method in (("HiGHS, direct", rival.by_highs), ("SCIP, direct", rival.by_scip)):
            self._keep(part, place, name, partial(method, link, link.lower_bound(), high, self._seconds, gap))

    def _keep(self, part: str, place: tuple[str, str, str, int], name: str, method: Callable[[], Any]) -> None:
        began = process_time()
        answer = method()
        if answer is None:
            self.absent = True
            return
        taken = process_time() - began
        status = answer.status if hasattr(answer, "status") else answer.termination.value
        gap = answer.gap if answer.gap is not None else float("inf")
        self.runs.append(Run(part, *place, name, answer.objective, answer.bound, gap, taken, status))
        print(f"  {part} {place} {name}: gap {gap:.2e}, {taken:.2f} s, {status}", file=sys.stderr)

    def densities(self, seeds: int) -> None:
        """20 x 50 at uniform densities, to 1e-4."""
        for seed in range(seeds):
            for regime, name, link in links("20x50", seed, REGIMES, both=True):
                fixed, place = at_uniform_density(link), ("20x50", regime, name, seed)
                self.ours("densities", place, fixed, DENSITY_GAP, None)
                if seed < self._rivals:
                    self.theirs("densities", place, fixed, DENSITY_GAP)

    def many(self, seeds: int) -> None:
        """10 x 200 at uniform densities, 10 s by the clock."""
        for seed in range(seeds):
            for regime, name, link in links("10x200", seed, REGIMES, both=False):
                fixed, place = at_uniform_density(link), ("10x200", regime, name, seed)
                self.ours("many", place, fixed, DEFAULT_GAP, CLOCK_SECONDS)
                if seed < self._rivals:
                    self.theirs("many", place, fixed, DENSITY_GAP)

    def joint(self, seeds: int) -> None:
        """Owners and powers together, at the default gap."""
        for size in watched(JOINT_SIZES, "owners and powers"):
            for seed in range(seeds):
                for regime, name, link in links(size, seed, REGIMES, both=True):
                    place = (size, regime, name, seed)
                    self.ours("joint", place, link, DEFAULT_GAP, None)
                    if size == "5x20" and name == "main" and seed < self._rivals:
                        self.theirs("joint", place, link, DENSITY_GAP)


HEAD = (
    "part, size, method", "links", "gap to the best bound: median", "most", "proved gap: median", "most",
    "within 1e-9", "within 1e-4", "seconds: median", "most",
)  # fmt: skip


def row(key: tuple[str, str, str], runs: Sequence[Run], best: dict[tuple[Any, ...], float]) -> tuple[str, ...]:
    """Return the table's line for one method at one size; gaps to the best bound that anybody proved of the link."""
    above = [1 - best[_place(run)] / run.objective for run in runs]
    gaps = [run.gap for run in runs]
    return (
        ", ".join(key),
        str(len(runs)),
        *(tiny(max(f(above), 0.0)) for f in (median, max)),
        *(tiny(f(gaps)) for f in (median, max)),
        *(str(sum(gap <= limit for gap in gaps)) for limit in (DEFAULT_GAP, DENSITY_GAP)),
        *(seconds(f(run.seconds for run in runs)) for f in (median, max)),
    )


def _place(run: Run) -> tuple[Any, ...]:
    return run.part, run.size, run.regime, run.link, run.seed


def table(runs: Sequence[Run]) -> str:
    """Return all runs, grouped by part, size and method."""
    best: dict[tuple[Any, ...], float] = {}
    for run in runs:
        best[_place(run)] = max(best.get(_place(run), 0.0), run.bound)
    keys = dict.fromkeys((run.part, run.size, run.method) for run in runs)
    grouped = {key: [run for run in runs if (run.part, run.size, run.method) == key] for key in keys}
    return figures(HEAD, [row(key, group, best) for key, group in grouped.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=("densities", "many", "joint"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rivals", type=int, default=1, help="seeds on which the rivals run too")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of one rival on one link")
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    bench = Bench(given.seconds, given.rivals)
    for part in given.parts:
        getattr(bench, part)(given.seeds)
    print(table(bench.runs))
    if bench.absent:
        print("\nSCIP is not installed (pip install pyscipopt): its rows are absent")
    write_json(given.out / "selective.json", {"runs": [asdict(run) for run in bench.runs]})
    print(f"\nwritten: {given.out / 'selective.json'}")


if __name__ == "__main__":
    main()
