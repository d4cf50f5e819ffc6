"""Pictures of the Lyapunov benchmarks: what V brings, and what things cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.panels import DARK, GREY, panels, save

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colours that the colour-blind can tell apart."""

TITLES = (
    "delay above the bound at what was spent [%]",
    "energy above the budget [%]",
    "mean queue over V times multiplier",
)
"""What is drawn against V, in the order of `_measured`."""


def draw_sweep(outcomes: Mapping[str, Sequence[dict[str, Any]]], factors: Sequence[float], path: Path) -> None:
    """Draw the gap at what was spent, the overspend, and the queue over V·λ against V: mean and range over seeds.

    Where the budget does not bind there is no multiplier, and nothing to draw.
    """
    figure, axes = panels(3, 12.5, 4.0)
    for colour, (label, every) in zip(COLOURS, outcomes.items(), strict=False):
        found = [o for o in every if o["multiplier"] > 0]
        table = np.array([[_measured(o, i) for o in found] for i in range(len(factors))])
        for axis, values in zip(axes, np.moveaxis(table, 2, 0), strict=True):
            axis.plot(factors, values.mean(axis=1), "o-", color=colour, ms=4, lw=1.5, label=label)
            axis.fill_between(factors, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, lw=0)
    for axis, title in zip(axes, TITLES, strict=True):
        axis.set(xscale="log", xlabel="V, relative to Ē²/τ̄")
        axis.set_title(title, fontsize=10, loc="left")
    axes[0].set_yscale("log")
    axes[1].set_yscale("symlog", linthresh=0.1)
    axes[1].axhline(0, color=DARK, lw=0.8)
    axes[2].set_yscale("log")
    axes[2].axhline(1, color=DARK, lw=0.8)
    axes[2].legend(frameon=False, fontsize=9)
    save(figure, path)


def _measured(outcome: dict[str, Any], i: int) -> tuple[float, float, float]:
    """Return gap at spent [%], overspend [%] and the queue over V·λ of one value of V."""
    swept = outcome["sweep"][i]
    return (
        max(100 * (swept["path"]["delay_s"] / swept["bound_at_spent_s"] - 1), 1e-3),
        100 * (swept["path"]["energy_j"] / outcome["budget_j"] - 1),
        swept["mean_queue_j"] / (swept["v"] * outcome["multiplier"]),
    )


def draw_costs(curves: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Draw seconds over size for each method, with a line of slope one for comparison."""
    figure, (axes,) = panels(1, 7.4, 4.8)
    for colour, marker, (label, points) in zip(COLOURS, "osD^", curves.items(), strict=False):
        size, seconds = np.array(points).T
        axes.plot(size, seconds, marker=marker, color=colour, ms=5, lw=1.6, label=label)
    first = min(points[0] for points in curves.values())
    last = max(size for points in curves.values() for size, _ in points)
    ends = np.array([first[0], last])
    axes.plot(ends, first[1] / 3 * ends / first[0], color=GREY, lw=1, ls="--", label="linear")
    axes.set(xscale="log", yscale="log", xlabel="slots, or decisions", ylabel="seconds")
    axes.legend(frameon=False, fontsize=9)
    save(figure, path)
