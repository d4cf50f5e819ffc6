"""The published collection: who solves what, and at what cost."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from benchmarks.counted import Run, run
from benchmarks.hock_schittkowski import EXAMPLES, Example
from benchmarks.report import figures, seconds, tiny, watched
from benchmarks.smooth_picture import STYLES

PRECISE = 1e-6
"""KKT residual up to which a solution counts as precise."""

Table = dict[int, dict[str, Run]]


def measure(turns: int, limit_s: float) -> Table:
    """Return one run of every method on every problem, seconds being medians over turns taken in alternation."""
    table: Table = {}
    for example in watched(EXAMPLES, "published problems"):
        form = example.form()
        rounds = [[run(name, form, limit_s) for name in STYLES] for _ in range(turns)]
        table[example.number] = {
            first.method: replace(first, seconds=median(again[place].seconds for again in rounds))
            for place, first in enumerate(rounds[0])
        }
    return table


def listing(table: Table) -> str:
    """Return steps and calls of functions and gradients, by problem and method; x: not solved."""

    def cell(example: Example, found: Run) -> str:
        cost = f"{found.steps} {found.calls.objective}/{found.calls.gradient}"
        return cost if example.solved_by(found.objective) else f"{cost} x"

    head = ("problem", *STYLES)
    rows = [(f"HS{e.number}", *(cell(e, table[e.number][name]) for name in STYLES)) for e in EXAMPLES]
    return figures(head, rows)


def summary(table: Table) -> str:
    """Return one line for every method, sums over the problems that all methods solve."""
    common = [e for e in EXAMPLES if all(e.solved_by(found.objective) for found in table[e.number].values())]
    head = ("method", "solved", "precise", "worst kkt of those", "steps", "functions", "gradients", "hessians", "time")
    rows = []
    for name in STYLES:
        good = [table[e.number][name] for e in EXAMPLES if e.solved_by(table[e.number][name].objective)]
        shared = [table[e.number][name] for e in common]
        precise = [found.kkt for found in good if found.kkt <= PRECISE]
        rows.append(
            (
                name,
                f"{len(good)}/{len(EXAMPLES)}",
                str(len(precise)),
                tiny(max(precise)),
                str(sum(found.steps for found in shared)),
                *(
                    str(sum(getattr(found.calls, of) for found in shared))
                    for of in ("objective", "gradient", "hessian")
                ),
                seconds(sum(found.seconds for found in shared)),
            )
        )
    missed = {name: [e.number for e in EXAMPLES if not e.solved_by(table[e.number][name].objective)] for name in STYLES}
    lines = [f"not solved by {name}: {', '.join(map(str, numbers))}" for name, numbers in missed.items() if numbers]
    return "\n".join(
        [figures(head, rows), f"steps to time: sums over the {len(common)} problems solved by all", *lines]
    )
