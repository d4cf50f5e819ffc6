"""The published collection: who solves what, at what cost, and the performance profile."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.counted import Run, run
from benchmarks.hock_schittkowski import EXAMPLES, Example
from benchmarks.report import figures, seconds, tiny, watched

PRECISE = 1e-6
"""KKT residual up to which a solution counts as precise."""

FARTHEST = 1024.0
"""Cost, times the least of all methods, at which the profile ends."""

STYLES = {
    "sqp": ("#0072b2", "-"),
    "sqp, BFGS": ("#0072b2", "--"),
    "augmented Lagrangian": ("#009e73", "-"),
    "augmented Lagrangian, BFGS": ("#009e73", "--"),
    "the same, L-BFGS-B": ("#e69f00", "--"),
    "SLSQP": ("#d55e00", "--"),
    "trust-constr": ("#7f7f7f", "-"),
    "trust-constr, BFGS": ("#7f7f7f", "--"),
}
"""Colour (safe for the colour-blind) and line of each method: dashed without second derivatives."""

Table = dict[int, dict[str, Run]]


def measure(turns: int, limit_s: float) -> Table:
    """Return one run of every method on every problem, seconds being medians over turns taken in alternation."""
    table: Table = {}
    for example in watched(EXAMPLES, "published problems"):
        form = example.form()
        rounds = [[run(name, form, limit_s) for name in STYLES] for _ in range(turns)]
        table[example.number] = {
            first.method: Run(
                **{**vars(first), "seconds": median(again[place].seconds for again in rounds)},
            )
            for place, first in enumerate(rounds[0])
        }
    return table


def solved(example: Example, found: Run) -> bool:
    """Return whether a run ended feasibly at the published objective, or lower, or at another known local optimum."""
    return example.solved_by(found.objective)


def listing(table: Table) -> str:
    """Return steps and calls of functions and gradients, by problem and method; x: not solved."""

    def cell(example: Example, found: Run) -> str:
        cost = f"{found.steps} {found.calls.objective}/{found.calls.gradient}"
        return cost if solved(example, found) else f"{cost} x"

    head = ("problem", *STYLES)
    rows = [(f"HS{e.number}", *(cell(e, table[e.number][name]) for name in STYLES)) for e in EXAMPLES]
    return figures(head, rows)


def summary(table: Table) -> str:
    """Return one line for every method, sums over the problems that all methods solve."""
    common = [e for e in EXAMPLES if all(solved(e, found) for found in table[e.number].values())]
    head = ("method", "solved", "precise", "worst kkt of those", "steps", "functions", "gradients", "hessians", "time")
    rows = []
    for name in STYLES:
        good = [table[e.number][name] for e in EXAMPLES if solved(e, table[e.number][name])]
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
    missed = {name: [e.number for e in EXAMPLES if not solved(e, table[e.number][name])] for name in STYLES}
    lines = [f"not solved by {name}: {', '.join(map(str, numbers))}" for name, numbers in missed.items() if numbers]
    return "\n".join(
        [figures(head, rows), f"steps to time: sums over the {len(common)} problems solved by all", *lines]
    )


def draw(table: Table, path: Path) -> None:
    """Draw performance profiles (Dolan and Moré 2002): the part of problems solved within a factor of the best."""
    plt.switch_backend("Agg")
    figure, panels = plt.subplots(1, 2, figsize=(10.0, 4.6), sharey=True, layout="constrained")
    costs = {
        "points at which functions were computed": lambda found: found.calls.objective,
        "seconds": lambda found: found.seconds,
    }
    for axes, (label, cost) in zip(panels, costs.items(), strict=True):
        paid = np.array(
            [[cost(f) if solved(e, f) else np.inf for f in table[e.number].values()] for e in EXAMPLES], dtype=float
        )
        best = paid.min(axis=1, keepdims=True)
        ratios = np.divide(paid, best, out=np.full_like(paid, np.inf), where=np.isfinite(best))
        for place, name in enumerate(STYLES):
            finite = np.sort(ratios[np.isfinite(ratios[:, place]), place])
            colour, line = STYLES[name]
            within, share = np.r_[1.0, finite, FARTHEST], np.r_[0.0, np.arange(1, len(finite) + 1), len(finite)]
            axes.step(within, 100 * share / len(EXAMPLES), where="post", color=colour, ls=line, lw=1.8, label=name)
        axes.set_xscale("log", base=4)
        ticks = 4.0 ** np.arange(np.log(FARTHEST) / np.log(4) + 1)
        axes.set_xlim(0.9, FARTHEST)
        axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(f"{label}, times the least of all methods")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(0, 101)
    panels[0].set_ylabel(f"of {len(EXAMPLES)} published problems solved [%]")
    panels[0].legend(frameon=False, fontsize=9, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)
