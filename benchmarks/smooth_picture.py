"""The performance profile of the published collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hock_schittkowski import EXAMPLES
from benchmarks.panels import panels, save

if TYPE_CHECKING:
    from benchmarks.smooth_published import Table

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


def draw(table: Table, path: Path) -> None:
    """Draw performance profiles (Dolan and Moré 2002): the part of problems solved within a factor of the best."""
    figure, sides = panels(2, 10.0, 4.6, sharey=True)
    costs = {
        "points at which functions were computed": lambda found: found.calls.objective,
        "seconds": lambda found: found.seconds,
    }
    for axes, (label, cost) in zip(sides, costs.items(), strict=True):
        paid = np.array(
            [[cost(f) if e.solved_by(f.objective) else np.inf for f in table[e.number].values()] for e in EXAMPLES],
            dtype=float,
        )
        best = paid.min(axis=1, keepdims=True)
        ratios = np.divide(paid, best, out=np.full_like(paid, np.inf), where=np.isfinite(best))
        for (name, (colour, line)), ratio in zip(STYLES.items(), ratios.T, strict=True):
            finite = np.sort(ratio[np.isfinite(ratio)])
            within, share = np.r_[1.0, finite, FARTHEST], np.r_[0.0, np.arange(1, len(finite) + 1), len(finite)]
            axes.step(within, 100 * share / len(EXAMPLES), where="post", color=colour, ls=line, lw=1.8, label=name)
        axes.set_xscale("log", base=4)
        ticks = 4.0 ** np.arange(np.log(FARTHEST) / np.log(4) + 1)
        axes.set_xlim(0.9, FARTHEST)
        axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(f"{label}, times the least of all methods")
    sides[0].set_ylim(0, 101)
    sides[0].set_ylabel(f"of {len(EXAMPLES)} published problems solved [%]")
    sides[0].legend(frameon=False, fontsize=9, loc="lower right")
    save(figure, path)
