"""The time model against its data: predicted and measured seconds of every piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rasolve.plots.style import BLUE, DARK, GREEN, GREY, ORANGE, PURPLE, VERMILLION, new_figure, plain, save, title
from rasolve.surrogate_models.time import TimeModel

SHAPES = (("o", BLUE), ("s", ORANGE), ("^", GREEN), ("v", PURPLE), ("D", VERMILLION), ("P", DARK))
"""Shape and colour of each width, in turn."""


def time_fit(model: TimeModel, path: str | Path) -> Path:
    """Draw each piece's median timing, with its fastest and slowest, over its prediction, on logarithmic axes.

    Raises SolverUnavailable without matplotlib.
    """
    figure = new_figure(7.2, 5.0)
    from matplotlib.ticker import EngFormatter

    axes = figure.subplots()
    plain(axes)
    predicted, measured = model.predicted, np.median(model.seconds, axis=1)
    ends = np.array([0.7 * predicted.min(), 1.4 * predicted.max()])
    label = f"{100 * model.level:g} % of timings"
    axes.fill_between(ends, model.low_ratio * ends, model.high_ratio * ends, color=GREY, alpha=0.18, lw=0, label=label)
    axes.plot(ends, ends, color=GREY, linewidth=1.2, label="as predicted")
    kinds = [name.partition(",")[0] for name in model.names]
    if len(set(kinds)) > len(SHAPES):
        kinds = ["pieces of work"] * len(kinds)
    for number, kind in enumerate(dict.fromkeys(kinds)):
        own = np.array([each == kind for each in kinds])
        marker, colour = SHAPES[number % len(SHAPES)]
        seconds = model.seconds[own]
        reach = np.abs(np.stack([seconds.min(axis=1), seconds.max(axis=1)]) - measured[own])
        axes.errorbar(
            predicted[own],
            measured[own],
            yerr=reach,
            fmt=marker,
            color=colour,
            markersize=5,
            elinewidth=0.8,
            alpha=0.9,
            label=kind,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter(unit="s"))
    axes.set_xlabel("predicted")
    axes.set_ylabel("measured: median, fastest, slowest")
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    title(figure, f"Time of a piece of work; median error {100 * model.typical_error:.2g} % ({model.machine})")
    return save(figure, path)
