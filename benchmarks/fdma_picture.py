"""The picture of cost against clients, ours and rivals'."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.panels import GREY, panels, save, with_range

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
    figure, (axes,) = panels(1, 8.0, 5.2)
    for method, (colour, marker, label) in STYLES.items():
        runs = growth if method == "rasolve (fdma)" else [r for r in rivals if r.method == method]
        sizes = sorted({r.clients for r in runs})
        groups = [[r for r in runs if r.clients == size] for size in sizes]
        taken = [[r.seconds for r in group] for group in groups]
        middle = with_range(axes, sizes, taken, colour, marker, label)
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
    axes.plot((1000, last.clients), linear, color=GREY, lw=0.9, ls=":", zorder=0, label="proportional to clients")
    axes.axhline(limit_s, color=GREY, lw=0.8, ls="--", zorder=0)
    axes.text(
        0.99,
        limit_s * 1.1,
        f"limit of scipy: {limit_s:g} s",
        transform=axes.get_yaxis_transform(),
        fontsize=8,
        ha="right",
    )
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("clients          (hollow: this many instances stopped, or more than 1e-6 above the optimum)")
    axes.set_ylabel("seconds of processor time for one link")
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
    save(figure, path)
