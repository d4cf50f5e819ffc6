"""Pictures of cost against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from benchmarks.fedsllm_speed import Run
    from benchmarks.scale import Cost

STYLES = {
    "FedsLLM, exact": ("#222222", "D", "whole FedsLLM: 2 links, 60 (cut, rank) pairs"),
    "link: counts": ("#0072b2", "o", "one link: rasolve (counts)"),
    "link: bisection + greedy": ("#e69f00", "s", "one link: bisection + greedy"),
    "link: HiGHS": ("#d55e00", "^", "one link: HiGHS, outer approximation"),
}
"""Colour (safe for the colour-blind), marker and label of each method."""


def draw(groups: Sequence[Sequence[Run]], limit_s: float, path: Path) -> None:
    """Draw median seconds (line) and their range over instances (bars) against the clients.

    A hollow marker: not every instance was proved optimal; beside it how many were not, and the largest gap left.
    """
    plt.switch_backend("Agg")
    figure, axes = plt.subplots(figsize=(8.0, 5.2), layout="constrained")
    for place, (method, (colour, marker, label)) in enumerate(STYLES.items()):
        of_method = [group for group in groups if group[0].method == method]
        size = [group[0].clients * 1.025 ** (place - 1.5) for group in of_method]
        middle = [median(run.seconds for run in group) for group in of_method]
        below = [m - min(run.seconds for run in group) for m, group in zip(middle, of_method, strict=True)]
        above = [max(run.seconds for run in group) - m for m, group in zip(middle, of_method, strict=True)]
        line = {"color": colour, "marker": marker, "ms": 6, "lw": 1.6, "elinewidth": 1, "capsize": 2.5}
        axes.errorbar(size, middle, [below, above], label=label, **line)
        for x, y, group in zip(size, middle, of_method, strict=True):
            stopped = [run.gap for run in group if run.status != "optimal"]
            if stopped:
                axes.plot(x, y, marker=marker, ms=6, color=colour, mfc="white", zorder=5)
                says = f"{len(stopped)} of {len(group)} stopped,\nup to {100 * max(stopped):.1g} % left"
                axes.annotate(
                    says,
                    (x, y),
                    xytext=(-7, 5),
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                    color=colour,
                    fontsize=8,
                    bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.5},
                )
    if any(group[0].method == "link: HiGHS" for group in groups):
        axes.axhline(limit_s, color="#888888", lw=0.8, ls="--", zorder=0)
        axes.text(
            0.01, limit_s * 1.1, f"limit of one MIP: {limit_s:g} s", transform=axes.get_yaxis_transform(), fontsize=8
        )
    sizes = dict.fromkeys((group[0].clients, group[0].subchannels) for group in groups)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(y=0.1)
    axes.set_xticks([k for k, _ in sizes], [f"{k}\n{m}" for k, m in sizes])
    axes.minorticks_off()
    axes.set_xlabel("clients (above), subchannels of each link (below)")
    axes.set_ylabel("seconds to the proved optimum")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)


def draw_growth(groups: Sequence[Sequence[Cost]], path: Path) -> None:
    """Draw seconds (median and range over instances) and peak memory against the clients; dotted: linear growth."""
    plt.switch_backend("Agg")
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 4.2), layout="constrained")
    sizes = [group[0].clients for group in groups]
    drawn = (
        (left, "seconds to the proved optimum", "#222222", [[cost.seconds for cost in group] for group in groups]),
        (right, "peak memory [MiB]", "#0072b2", [[cost.peak_bytes / 2**20 for cost in group] for group in groups]),
    )
    for axes, label, colour, values in drawn:
        middle = [median(each) for each in values]
        spread = [[m - min(v) for m, v in zip(middle, values, strict=True)]]
        spread += [[max(v) - m for m, v in zip(middle, values, strict=True)]]
        axes.errorbar(sizes, middle, spread, color=colour, marker="o", ms=6, lw=1.6, elinewidth=1, capsize=2.5)
        linear = [middle[-1] * size / sizes[-1] for size in sizes]
        axes.plot(sizes, linear, color="#888888", lw=0.8, ls=":", zorder=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("clients")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    plt.close(figure)
