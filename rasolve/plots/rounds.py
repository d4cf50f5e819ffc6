"""Rounds to the target against the rank: every run, the fitted curve, and how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rasolve.errors import InputError
from rasolve.plots.style import BLUE, DARK, DASHED, GREY, ORANGE, VERMILLION, new_figure, plain, save, title
from rasolve.surrogate_models.evidence import Evidence
from rasolve.surrogate_models.rounds import Rounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP*X<>"
"""A shape for each seed."""

SPREAD = 1.035
"""Factor of the rank by which the runs of neighbouring seeds stand apart."""


def rounds_by_rank(rounds: Rounds, path: str | Path, *, before: Rounds | None = None) -> Path:
    """Draw fitted rounds with the losses that they were read off beside them, and the curve `before` where given.

    Raises InputError for rounds that were never fitted, SolverUnavailable without matplotlib.
    """
    evidence = rounds.evidence
    if evidence is None:
        raise InputError(f"{rounds} have no runs to draw")
    figure = new_figure(9.6, 4.6)
    losses, curve = figure.subplots(1, 2, width_ratios=(1.1, 1))
    _losses(losses, evidence)
    _curve(curve, rounds, evidence, before)
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    title(figure, f"{rounds.model}: rounds to loss {evidence.target:.4g} ({evidence.settings})")
    return save(figure, path)


def _losses(axes: Axes, evidence: Evidence) -> None:
    """Draw every run's loss without its noise, darker with the rank, and mark where it reaches the target."""
    from matplotlib import colormaps

    plain(axes)
    ranks = sorted({run.rank for run in evidence.runs})
    shades = dict(zip(ranks, colormaps["viridis_r"](np.linspace(0.12, 0.92, len(ranks))), strict=True))
    drawn: set[int] = set()
    for run, crossing in zip(evidence.runs, evidence.crossings(), strict=True):
        smooth = run.curve(evidence.settings.local_steps)
        label = None if run.rank in drawn else f"rank {run.rank}"
        axes.plot(smooth.rounds, smooth.levels, color=shades[run.rank], linewidth=1.4, label=label)
        drawn.add(run.rank)
        if crossing.reached:
            axes.plot(crossing.rounds, evidence.target, "o", color=shades[run.rank], markersize=5, zorder=3)
    axes.axhline(evidence.target, color=VERMILLION, linewidth=1.2, linestyle=DASHED, label="target", zorder=1)
    axes.set_xlabel("rounds of training")
    axes.set_ylabel("training loss, smoothed [nats]")
    axes.set_xlim(left=0)


def _curve(axes: Axes, rounds: Rounds, evidence: Evidence, before: Rounds | None) -> None:
    """Draw the table with its interval, every run, and censored runs as arrows upwards."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    plain(axes)
    ranks = sorted(rounds.table)
    low, middle, high = ([table[rank] for rank in ranks] for table in (evidence.low, rounds.table, evidence.high))
    axes.fill_between(
        ranks, low, high, color=BLUE, alpha=0.16, linewidth=0, label=f"{100 * evidence.level:g} % interval of the fit"
    )
    axes.plot(ranks, middle, color=BLUE, linewidth=2, marker="_", markersize=12, label="fitted: median over seeds")
    if before is not None:
        known = sorted(before.table)
        axes.plot(
            known, [before(rank) for rank in known], color=ORANGE, linewidth=1.6, linestyle=(0, (4, 2)), label="before"
        )
    seeds = sorted({run.seed for run in evidence.runs})
    for run, crossing in zip(evidence.runs, evidence.crossings(), strict=True):
        at = seeds.index(run.seed)
        x = run.rank * SPREAD ** (at - (len(seeds) - 1) / 2)
        label = f"seed {run.seed}" if run.rank == max(r.rank for r in evidence.runs if r.seed == run.seed) else None
        marker = MARKERS[at % len(MARKERS)]
        filled = DARK if crossing.reached else "white"
        axes.plot(
            x, crossing.rounds, marker, color=DARK, markerfacecolor=filled, markersize=5, linestyle="", label=label
        )
        if not crossing.reached:
            axes.annotate(
                "",
                (x, crossing.rounds * 1.16),
                (x, crossing.rounds * 1.03),
                arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1},
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({run.rank for run in evidence.runs})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("LoRA rank")
    axes.set_ylabel("rounds to the target")
