"""Training in turn, as it was predicted and as it was measured: which device has the model when, and what it does."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rasolve.errors import InputError
from rasolve.plan import Stage
from rasolve.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_entries,
    new_figure,
    plain,
    save,
    title,
)
from rasolve.scenario.units import prefix, quantity

if TYPE_CHECKING:
    from rasolve.executor.report import Report

STAGES = {
    Stage.ADAPTERS_DOWN: ("model down", VERMILLION),
    Stage.CLIENT_FORWARD: ("client forward", BLUE),
    Stage.ACTIVATIONS: ("activations up", ORANGE),
    Stage.SERVER: ("server", GREY),
    Stage.GRADIENTS: ("gradients down", SKY),
    Stage.CLIENT_BACKWARD: ("client backward", GREEN),
    Stage.ADAPTERS_UP: ("model up", PURPLE),
}
"""Every stage's name and colour, in the order of a turn."""

SOURCES: tuple[tuple[Literal["predicted", "measured"], float, float], ...] = (
    ("predicted", -0.2, 0.45),
    ("measured", 0.2, 1.0),
)
"""The prediction above the measurement, in rows, and its opacity."""
HEIGHT = 0.36
DRAWN = 60
"""Most turns that are drawn."""


def turns(report: Report, path: str | Path) -> Path:
    """Draw the first turns of a run, a row for every device, each stage as long as all of the turn's local steps take.

    The upper, pale bar is the prediction, the lower one the time that measured FLOPs and bits take. Raises InputError
    for a report whose clients are not in turn, SolverUnavailable without matplotlib.
    """
    if report.device is None:
        raise InputError(f"a report of {report.protocol} has no turns to draw")
    from matplotlib.patches import Patch

    devices, rows = np.unique(report.device, return_inverse=True)
    count = min(len(rows), DRAWN)
    figure = new_figure(9.6, 2.1 + 0.42 * len(devices))
    axes: Any = figure.subplots()
    plain(axes)
    ends = {source: _draw(axes, report, source, rows[:count] + offset, opacity) for source, offset, opacity in SOURCES}
    scale, unit = prefix(max(ends.values()), "s")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / scale:g}")
    axes.set_xlabel(f"time [{unit}]" + (f", first {count} of {len(rows)} turns" if count < len(rows) else ""))
    axes.set_xlim(0, 1.02 * max(ends.values()))
    axes.set_yticks(range(len(devices)), [f"device {d + 1}" for d in devices])
    axes.set_ylim(len(devices) - 0.4, -0.6)
    predicted, measured = (quantity(ends[source], "s") for source, *_ in SOURCES)
    title(figure, f"{report.model}, {report.solver}: {count} turns take {predicted} predicted, {measured} measured")
    handles, labels = legend_entries([name for name, _ in STAGES.values()], axes)
    handles += [Patch(color="black", alpha=opacity) for *_, opacity in SOURCES]
    labels += ["predicted (upper bar)", "measured (lower bar)"]
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return save(figure, path)


def _draw(axes: Any, report: Report, source: Literal["predicted", "measured"], rows: Any, opacity: float) -> float:
    """Draw one source's bars, turn after turn, and return when the last one ends."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for row in report.rows:
        if row.quantity == "seconds":
            seconds[row.party][row.stage] = getattr(row, source)
    lengths = np.array([[seconds[f"client {k + 1}"].get(stage, 0.0) for stage in STAGES] for k in range(len(rows))])
    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    for (name, colour), left, length in zip(STAGES.values(), starts.T, lengths.T, strict=True):
        if (length > 0).any():
            label = name if source == "measured" else f"_{name}"
            axes.barh(rows, length, left=left, height=HEIGHT, color=colour, alpha=opacity, label=label)
    return float(lengths.sum())
