"""The picture of cost against clients, ours and rivals'."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from benchmarks.fdma import Run

STYLES = {
    "rasolve (fdma)": ("#0072b2", "o", "rasolve (fdma), certified to 1e-10"),
    "cvxpy + Clarabel": ("#e69f00", "s", "cvxpy + Clarabel, compiled beforehand"),
    "scipy SLSQP": ("#009e73", "^", "scipy SLSQP, exact derivatives"),
    "scipy trust-constr": ("#d55e00", "v", "scipy trust-constr, exact derivatives"),
}
"""Colour (safe for the colour-blind), marker and label of each method."""


def draw(growth: Sequence[Run], rivals: Sequence[Run], limit_s: float, path: Path) -> None:
    """Draw median seconds and their range over instances; a hollow marker: some are above the optimum or stopped."""
    plt.switch_backend("Agg")
    figure, axes = plt.subplots(figsize=(8.0, 5.2), layout="constrained")
    for method, (colour, marker, label) in STYLES.items():
        runs = growth if method == "rasolve (fdma)" else [r for r in rivals if r.method == method]
        sizes = sorted({r.clients for r in runs})
        groups = [[r for r in runs if r.clients == size] for size in sizes]
        middle = [median(r.seconds for r in group) for group in groups]
        below = [m - min(r.seconds for r in group) for m, group in zip(middle, groups, strict=True)]
        above = [max(r.seconds for r in group) - m for m, group in zip(middle, groups, strict=True)]
        line = {"color": colour, "marker": marker, "ms": 6, "lw": 1.6, "elinewidth": 1, "capsize": 2.5}
        axes.errorbar(sizes, middle, [below, above], label=label, **line)
        for x, y, group in zip(sizes, middle, groups, strict=True):
            failed = [r for r in group if not (isfinite(r.excess) and r.excess <= 1e-6)]
            if failed:
                axes.plot(x, y, marker=marker, ms=6, color=colour, mfc="white", zorder=5)
                axes.annotate(
                    f"{len(failed)} of {len(group)}",
                    (x, y),
                    xytext=(9, 0),
                    textcoords="offset points",
                    color=colour,
                    fontsize=8,
                    va="center",
                )
    last = max(growth, key=lambda r: r.clients)
    linear = [last.seconds * size / last.clients for size in (1000, last.clients)]
    axes.plot((1000, last.clients), linear, color="#888888", lw=0.9, ls=":", zorder=0, label="proportional to clients")
    axes.axhline(limit_s, color="#888888", lw=0.8, ls="--", zorder=0)
    axes.text(
        0.99,
        limit_s * 1.1,
        f"limit of scipy: {limit_s:g} s",
        transform=axes.get_yaxis_transform(),
        fontsize=8,
        ha="right",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("clients          (hollow: this many instances stopped, or more than 1e-6 above the optimum)")
    axes.set_ylabel("seconds of processor time for one link")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)
