"""The picture of cost against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import matplotlib

if TYPE_CHECKING:
    from benchmarks.fedsllm_speed import Run

STYLES = {
    "FedsLLM, exact": ("#222222", "D", "whole FedsLLM: 2 links, 60 (cut, rank) pairs"),
    "link: counts": ("#0072b2", "o", "one link: rasolve (counts)"),
    "link: bisection + greedy": ("#e69f00", "s", "one link: bisection + greedy"),
    "link: HiGHS": ("#d55e00", "^", "one link: HiGHS, outer approximation"),
}
"""Colour (safe for the colour-blind), marker and label of each method."""


def draw(groups: Sequence[Sequence[Run]], path: Path) -> None:
    """Draw median seconds (line) and their range over instances (bars) against the clients; hollow: not proved."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.8), constrained_layout=True)
    for method, (colour, marker, label) in STYLES.items():
        of_method = [group for group in groups if group[0].method == method]
        size = [group[0].clients for group in of_method]
        middle = [median(run.seconds for run in group) for group in of_method]
        below = [m - min(run.seconds for run in group) for m, group in zip(middle, of_method, strict=True)]
        above = [max(run.seconds for run in group) - m for m, group in zip(middle, of_method, strict=True)]
        axes.errorbar(
            size,
            middle,
            [below, above],
            color=colour,
            marker=marker,
            ms=6,
            lw=1.6,
            elinewidth=1,
            capsize=3,
            label=label,
        )
        for x, y, group in zip(size, middle, of_method, strict=True):
            left = max(run.gap for run in group if run.status != "optimal") if _unproved(group) else None
            if left is not None:
                axes.plot(x, y, marker=marker, ms=6, color=colour, mfc="white", zorder=5)
                axes.annotate(
                    f"{100 * left:.2g} % left",
                    (x, y),
                    xytext=(-8, 6),
                    textcoords="offset points",
                    ha="right",
                    color=colour,
                )
    sizes = dict.fromkeys((group[0].clients, group[0].subchannels) for group in groups)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([k for k, _ in sizes], [f"{k}\n{m}" for k, m in sizes])
    axes.minorticks_off()
    axes.set_xlabel("clients (above), subchannels of each link (below)")
    axes.set_ylabel("seconds to the proved optimum")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)


def _unproved(group: Sequence[Run]) -> bool:
    return any(run.status != "optimal" for run in group)
