"""Where the delay comes from: who does what when in a round, and who is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.plots.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    NAMED_CLIENTS,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_entries,
    name_parties,
    new_figure,
    plain,
    save,
    title,
)
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.scenario.units import prefix, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STAGES = {
    "client_forward_s": ("client forward", BLUE),
    "upload_s": ("activations up", ORANGE),
    "server_s": ("server", GREY),
    "gradient_s": ("gradients down", SKY),
    "client_backward_s": ("client backward", GREEN),
    "adapter_upload_s": ("adapters up", PURPLE),
    "broadcast_s": ("adapters down", VERMILLION),
}
"""Name and colour of every stage, in the order of time."""

LAST = 1e-6
"""Relative distance to the end of a phase within which a client counts as the last to finish it."""

WAITED_FOR = "last to finish: all wait"

HEIGHT = 0.72
"""Height of a bar, in rows."""


def delay_by_stage(problem: Problem, result: Result, path: str | Path) -> Path:
    """Draw one local step as a bar in order of time for each client, and beside it the aggregation of a round.

    A triangle marks whoever ends a phase: the straggler that all others wait for. Raises InputError for a problem
    without these stages, InfeasibleError for a result without a decision, SolverUnavailable without matplotlib.
    """
    parts = result.of(problem).evaluation.parts
    if not STAGES.keys() <= parts.keys():
        raise InputError(f"{problem.kind} has no stages of split training to draw")
    clients = len(parts["client_forward_s"])
    figure = new_figure(9.2, 2.0 + 0.28 * min(clients + 1, NAMED_CLIENTS))
    step, aggregation = figure.subplots(1, 2, sharey=True, width_ratios=(3.2, 1))
    _local_step(step, parts)
    _aggregation(aggregation, parts)
    name_parties(step, clients)
    aggregation.tick_params(axis="y", left=False)
    title(figure, _title(problem, result, parts))
    order = [*(name for name, _ in STAGES.values()), "waiting", WAITED_FOR]
    handles, labels = legend_entries(order, step, aggregation)
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return save(figure, path)


def _local_step(axes: Axes, parts: dict[str, FloatArray]) -> None:
    """Draw the two client phases with the server between them; whoever is early waits."""
    forward, upload, gradient, backward = (
        parts[f"{name}_s"] for name in ("client_forward", "upload", "gradient", "client_backward")
    )
    clients = len(forward)
    rows = np.arange(clients)
    uploaded = forward + upload
    sent = uploaded.max()
    served = sent + parts["server_s"]
    ended = served + gradient + backward
    scale, unit = prefix(float(ended.max()), "s")
    plain(axes)
    _bars(axes, rows, 0.0, forward / scale, *STAGES["client_forward_s"])
    _bars(axes, rows, forward / scale, upload / scale, *STAGES["upload_s"])
    _bars(axes, clients, sent / scale, parts["server_s"] / scale, *STAGES["server_s"])
    _bars(axes, rows, served / scale, gradient / scale, *STAGES["gradient_s"])
    _bars(axes, rows, (served + gradient) / scale, backward / scale, *STAGES["client_backward_s"])
    _bars(axes, rows, uploaded / scale, (served - uploaded) / scale, "waiting", PALE)
    _bars(axes, rows, ended / scale, (ended.max() - ended) / scale, "waiting", PALE)
    _mark_last(axes, uploaded / scale)
    _mark_last(axes, ended / scale)
    for instant in (sent, served, ended.max()):
        axes.axvline(instant / scale, color=DARK, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xlabel(f"time in one local step [{unit}]")
    axes.set_xlim(0, 1.03 * ended.max() / scale)


def _aggregation(axes: Axes, parts: dict[str, FloatArray]) -> None:
    """Draw the adapters' way up and, where it is modelled, down."""
    up, down = parts["adapter_upload_s"], parts["broadcast_s"]
    rows = np.arange(len(up))
    ended = up.max() + down
    scale, unit = prefix(float(ended.max()), "s")
    plain(axes)
    _bars(axes, rows, 0.0, up / scale, *STAGES["adapter_upload_s"])
    _bars(axes, rows, up / scale, (up.max() - up) / scale, "waiting", PALE)
    _bars(axes, rows, up.max() / scale, down / scale, *STAGES["broadcast_s"])
    _mark_last(axes, up / scale)
    if down.any():
        _mark_last(axes, ended / scale)
    axes.set_xlabel(f"adapters, once a round [{unit}]")
    axes.set_xlim(0, 1.08 * ended.max() / scale)


def _bars(axes: Axes, rows: ArrayLike, start: ArrayLike, length: ArrayLike, label: str, colour: str) -> None:
    rows, start, length = np.broadcast_arrays(rows, start, length)
    if (length > 0).any():
        axes.barh(rows, length, left=start, color=colour, height=HEIGHT, label=label)


def _mark_last(axes: Axes, ended: FloatArray) -> None:
    """Mark the clients that end a phase, unless all end it together."""
    from matplotlib.transforms import offset_copy

    last = np.flatnonzero(ended >= ended.max() * (1 - LAST))
    if len(last) < len(ended):
        beside = offset_copy(axes.transData, fig=axes.get_figure(root=True), x=4, units="points")
        axes.plot(ended[last], last, "<", color=DARK, markersize=5, transform=beside, label=WAITED_FOR, clip_on=False)


def _title(problem: Problem, result: Result, parts: dict[str, FloatArray]) -> str:
    rounds, in_round, in_step = (float(parts[name]) for name in ("rounds", "round_s", "local_step_s"))
    return (
        f"{problem.kind} by {result.solver}: {quantity(rounds * in_round, 's')} = {rounds:g} rounds "
        f"of {quantity(in_round, 's')}; a local step takes {quantity(in_step, 's')}"
    )
