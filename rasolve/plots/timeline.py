"""A round as it was predicted and as it was measured: who does what when, party by party."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.plan import Stage
from rasolve.plots.measured import HEIGHT, LOOKS, Source, legend
from rasolve.plots.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    NAMED_CLIENTS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    name_parties,
    new_figure,
    plain,
    save,
    title,
)
from rasolve.plots.turns import turns
from rasolve.scenario.units import prefix, quantity
from rasolve.schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rasolve.executor.report import Report

COLOURS = {
    "client forward": BLUE,
    "activations and labels up": ORANGE,
    "server": GREY,
    "gradients down": SKY,
    "client backward": GREEN,
    "adapters up": PURPLE,
    "weights up": PURPLE,
    "adapters down": VERMILLION,
    "weights down": VERMILLION,
}
"""Every stage's colour, in the order of time."""


def timeline(report: Report, path: str | Path) -> Path:
    """Draw one local step of a run and beside it the aggregation of a round, two bars for every party.

    The upper, pale bar is the prediction, the lower one the time that measured FLOPs and bits take at the plan's speeds
    and rates. Dashed lines are the measured instants that all wait for. Clients in turn are drawn by
    `rasolve.plots.turns`. Raises InputError for a report without simulated seconds, SolverUnavailable without
    matplotlib.
    """
    if report.device is not None:
        return turns(report, path)
    schedules = {source: report.schedule(source) for source in LOOKS}
    if not any(schedule.step_s for schedule in schedules.values()):
        raise InputError("this report has no seconds of split training to draw")
    rounds = report.rounds > 0 and any(schedule.aggregation_s for schedule in schedules.values())
    travels = "weights" if any(row.stage == Stage.WEIGHTS_UP for row in report.rows) else "adapters"
    figure = new_figure(9.6 if rounds else 7.6, 2.1 + 0.42 * min(report.clients + 1, NAMED_CLIENTS))
    panels = figure.subplots(1, 1 + rounds, sharey=True, squeeze=False, width_ratios=(3.2, 1)[: 1 + rounds])[0]
    _panel(panels[0], {source: _local_step(schedule) for source, schedule in schedules.items()})
    measured = schedules["measured"]
    _instants(panels[0], (measured.arrived_s, measured.served_s, measured.step_s))
    _label(panels[0], "time in a local step", max(each.step_s for each in schedules.values()))
    if rounds:
        _panel(panels[1], {source: _aggregation(schedule, travels) for source, schedule in schedules.items()})
        _instants(panels[1], {float(measured.adapters_up.max()), measured.aggregation_s})
        _label(panels[1], f"{travels}, once a round", max(each.aggregation_s for each in schedules.values()))
        panels[1].tick_params(axis="y", left=False)
    name_parties(panels[0], report.clients)
    title(figure, _title(report))
    legend(figure, list(COLOURS), *panels, ncols=4 if rounds else 3)
    return save(figure, path)


Bars = dict[str, tuple[Any, FloatArray, FloatArray]]
"""Rows, starts [s] and lengths [s] of every stage's bars."""


def _local_step(schedule: Schedule) -> Bars:
    clients = np.arange(len(schedule.forward))
    served = np.full(len(clients), schedule.served_s)
    return {
        "client forward": (clients, np.zeros(len(clients)), schedule.forward),
        "activations and labels up": (clients, schedule.forward, schedule.upload),
        "server": (np.array([len(clients)]), np.array([schedule.arrived_s]), np.array([schedule.server])),
        "gradients down": (clients, served, schedule.gradient),
        "client backward": (clients, served + schedule.gradient, schedule.backward),
    }


def _aggregation(schedule: Schedule, travels: str) -> Bars:
    clients = np.arange(len(schedule.forward))
    averaged = np.full(len(clients), schedule.adapters_up.max())
    return {
        f"{travels} up": (clients, np.zeros(len(clients)), schedule.adapters_up),
        f"{travels} down": (clients, averaged, schedule.adapters_down),
    }


def _panel(axes: Axes, bars: dict[Source, Bars]) -> None:
    """Draw the predicted bars above the measured ones; stages that take no time are left out."""
    plain(axes)
    for source, stages in bars.items():
        look = LOOKS[source]
        for stage, (rows, start, length) in stages.items():
            if (length > 0).any():
                axes.barh(
                    rows + look.offset,
                    length,
                    left=start,
                    height=HEIGHT,
                    color=COLOURS[stage],
                    alpha=look.opacity,
                    label=stage if source == "measured" else f"_{stage} {source}",
                )


def _instants(axes: Axes, instants: Any) -> None:
    for instant in instants:
        axes.axvline(instant, color=DARK, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)


def _label(axes: Axes, what: str, end_s: float) -> None:
    """Name the axis of time in the unit that suits its end."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    scale, unit = prefix(end_s, "s")
    step = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10])
    ticks = [tick for tick in step.tick_values(0, end_s / scale) if tick * scale <= 1.03 * end_s]
    axes.set_xticks([tick * scale for tick in ticks])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:g}"))
    axes.set_xlabel(f"{what} [{unit}]")
    axes.set_xlim(0, 1.04 * end_s)


def _title(report: Report) -> str:
    schedules = [report.schedule(source) for source in LOOKS]
    if report.rounds:
        what = f"a round of {report.local_steps} local steps"
        predicted, measured = (quantity(schedule.round_s(report.local_steps), "s") for schedule in schedules)
    else:
        what = "a local step"
        predicted, measured = (quantity(schedule.step_s, "s") for schedule in schedules)
    return f"{report.model}, {report.protocol}: {what} takes {predicted} predicted, {measured} measured"
