"""Training in turn, as it was predicted and as it was measured: which device has the model when, and what it does."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.plan import Stage
from rasolve.plots.measured import HEIGHT, LOOKS, Source, legend
from rasolve.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
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

DRAWN = 60
"""Most turns that are drawn."""


def turns(report: Report, path: str | Path) -> Path:
    """Draw the first turns of a run, a row for every device, each stage as long as all of the turn's local steps take.

    The upper, pale bar is the prediction, the lower one the time that measured FLOPs and bits take. Raises InputError
    for a report whose clients are not in turn, SolverUnavailable without matplotlib.
    """
    if report.device is None:
        raise InputError(f"a report of {report.protocol} has no turns to draw")
    devices, rows = np.unique(report.device, return_inverse=True)
    count = min(len(rows), DRAWN)
    figure = new_figure(9.6, 2.1 + 0.42 * len(devices))
    axes: Any = figure.subplots()
    plain(axes)
    ends = {source: _draw(axes, report, source, rows[:count]) for source in LOOKS}
    scale, unit = prefix(max(ends.values()), "s")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / scale:g}")
    axes.set_xlabel(f"time [{unit}]" + (f", first {count} of {len(rows)} turns" if count < len(rows) else ""))
    axes.set_xlim(0, 1.02 * max(ends.values()))
    axes.set_yticks(range(len(devices)), [f"device {d + 1}" for d in devices])
    axes.set_ylim(len(devices) - 0.4, -0.6)
    predicted, measured = (quantity(ends[source], "s") for source in LOOKS)
    title(figure, f"{report.model}, {report.solver}: {count} turns take {predicted} predicted, {measured} measured")
    legend(figure, [name for name, _ in STAGES.values()], axes, ncols=5)
    return save(figure, path)


def _draw(axes: Any, report: Report, source: Source, rows: Any) -> float:
    """Draw one source's bars, turn after turn, and return when the last one ends."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for row in report.rows:
        if row.quantity == "seconds":
            seconds[row.party][row.stage] = getattr(row, source)
    lengths = np.array([[seconds[f"client {k + 1}"].get(stage, 0.0) for stage in STAGES] for k in range(len(rows))])
    look = LOOKS[source]
    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    for (name, colour), left, length in zip(STAGES.values(), starts.T, lengths.T, strict=True):
        if (length > 0).any():
            label = name if source == "measured" else f"_{name}"
            axes.barh(
                rows + look.offset, length, left=left, height=HEIGHT, color=colour, alpha=look.opacity, label=label
            )
    return float(lengths.sum())
