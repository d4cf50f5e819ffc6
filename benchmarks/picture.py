"""Pictures of cost against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.panels import DARK, GREY, panels, save, with_range

if TYPE_CHECKING:
    from benchmarks.fedsllm_speed import Run
    from benchmarks.scale import Cost

STYLES = {
    "FedsLLM, exact": (DARK, "D", "whole FedsLLM: 2 links, 60 (cut, rank) pairs"),
    "link: counts": ("#0072b2", "o", "one link: rasolve (counts)"),
    "link: bisection + greedy": ("#e69f00", "s", "one link: bisection + greedy"),
    "link: HiGHS": ("#d55e00", "^", "one link: HiGHS, outer approximation"),
}
"""Colour (safe for the colour-blind), marker and label of each method."""


def draw(groups: Sequence[Sequence[Run]], limit_s: float, path: Path) -> None:
    """Draw median seconds (line) and their range over instances (bars) against the clients.

    A hollow marker: not every instance was proved optimal; beside it how many were not, and the largest gap left.
    """
    figure, (axes,) = panels(1, 8.0, 5.2)
    for place, (method, (colour, marker, label)) in enumerate(STYLES.items()):
        of_method = [group for group in groups if group[0].method == method]
        size = [group[0].clients * 1.025 ** (place - 1.5) for group in of_method]
        taken = [[run.seconds for run in group] for group in of_method]
        middle = with_range(axes, size, taken, colour, marker, label)
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
        axes.axhline(limit_s, color=GREY, lw=0.8, ls="--", zorder=0)
        axes.text(
            0.01, limit_s * 1.1, f"limit of one MIP: {limit_s:g} s", transform=axes.get_yaxis_transform(), fontsize=8
        )
    sizes = dict.fromkeys((group[0].clients, group[0].subchannels) for group in groups)
    axes.set(xscale="log", yscale="log")
    axes.margins(y=0.1)
    axes.set_xticks([k for k, _ in sizes], [f"{k}\n{m}" for k, m in sizes])
    axes.minorticks_off()
    axes.set_xlabel("clients (above), subchannels of each link (below)")
    axes.set_ylabel("seconds to the proved optimum")
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
    save(figure, path)


def draw_growth(groups: Sequence[Sequence[Cost]], path: Path) -> None:
    """Draw seconds (median and range over instances) and peak memory against the clients; dotted: linear growth."""
    figure, (left, right) = panels(2, 9.0, 4.2)
    sizes = [group[0].clients for group in groups]
    drawn = (
        (left, "seconds to the proved optimum", DARK, [[cost.seconds for cost in group] for group in groups]),
        (right, "peak memory [MiB]", "#0072b2", [[cost.peak_bytes / 2**20 for cost in group] for group in groups]),
    )
    for axes, label, colour, values in drawn:
        middle = with_range(axes, sizes, values, colour, "o")
        linear = [middle[-1] * size / sizes[-1] for size in sizes]
        axes.plot(sizes, linear, color=GREY, lw=0.8, ls=":", zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="clients", ylabel=label)
    save(figure, path)
