"""The Pareto front of delay and energy of one decision, and the point that was chosen on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError, whole_number
from rasolve.numerics import FloatArray, IntArray
from rasolve.plots.style import BLUE, DARK, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, new_figure, plain, save, title
from rasolve.problems import Problem
from rasolve.problems.cut_and_clock import CutAndClock
from rasolve.problems.cut_and_clock.costs import curves
from rasolve.result import Result
from rasolve.scenario.units import prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, GREEN, ORANGE, PURPLE, SKY)
"""Colour of each cut on the front, in turn; of more cuts than colours all but the ends have one."""


def pareto(problem: Problem, result: Result, path: str | Path, *, round_: int = 0, device: int = 0) -> Path:
    """Draw the exact front of one round and device, counted from 0, what other cuts can do, and the chosen point.

    Raises InputError for another problem, round or device, InfeasibleError for a result without a decision,
    SolverUnavailable without matplotlib.
    """
    if not isinstance(problem, CutAndClock):
        raise InputError(f"{problem.kind} has no front of delay and energy to draw")
    parts = result.of(problem).evaluation.parts
    for name, given, count in (("round", round_, problem.rounds), ("device", device, problem.devices)):
        if not 0 <= whole_number(name, given, -1) < count:
            raise InputError(f"{name} {given + 1}: there are {count}, counted from 1")
    points = problem.front(round_, device).points(200)
    (second, seconds), (joule, joules) = (
        prefix(float(each.max()), unit) for each, unit in zip(points[:2], "sJ", strict=True)
    )
    figure = new_figure(7.6, 4.8)
    axes = figure.subplots()
    plain(axes)
    _cuts(axes, problem, round_ * problem.devices + device, second, joule)
    _front(axes, points, second, joule)
    chosen = parts["delay_s"][round_, device] / second, parts["server_j"][round_, device] / joule
    axes.plot(*chosen, "*", color=VERMILLION, markersize=16, markeredgecolor=DARK, label="chosen", zorder=4)
    axes.set_xlabel(f"delay of the device's round [{seconds}]")
    axes.set_ylabel(f"energy of the server [{joules}]")
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
    axes.legend(frameon=False, fontsize=9)
    cut = int(result.decision.cut[round_, device])
    title(figure, f"{problem.kind}: round {round_ + 1}, device {device + 1}; w = {problem.weight:g} takes cut {cut}")
    return save(figure, path)


def _cuts(axes: Axes, problem: CutAndClock, place: int, second: float, joule: float) -> None:
    """Draw what every cut can do in one decision, over the range of the clock."""
    at = curves(problem, slice(place, place + 1))
    clock_hz = np.geomspace(float(at.least_hz[0]), at.most_hz, 200)
    for cut in problem.candidates.tolist():
        cycles, label = float(at.cycles[cut]), "what other cuts can do" if cut == problem.candidates[0] else None
        line = at.delay_s[0, cut] + cycles / clock_hz, at.xi * clock_hz**2 * cycles
        axes.plot(line[0] / second, line[1] / joule, color=GREY, linewidth=0.8, alpha=0.7, label=label, zorder=1)


def _front(axes: Axes, points: tuple[FloatArray, FloatArray, IntArray], second: float, joule: float) -> None:
    """Draw the front, a colour for each cut or group of cuts, a diamond where that is a single point."""
    delays, energies, cuts = points
    for colour, group in zip(COLOURS, _grouped(list(dict.fromkeys(cuts.tolist()))), strict=False):
        own = np.isin(cuts, group)
        style: dict[str, Any] = {"marker": "D", "linestyle": ""} if own.sum() == 1 else {"linewidth": 3.2}
        name = f"front, cut {group[0]}" if len(group) == 1 else f"front, cuts {min(group)} to {max(group)}"
        axes.plot(delays[own] / second, energies[own] / joule, color=colour, label=name, zorder=2, **style)


def _grouped(cuts: list[int]) -> list[list[int]]:
    """Return the cuts along the front one by one or, where they are many, those between the ends as one group."""
    return [[cut] for cut in cuts] if len(cuts) <= len(COLOURS) else [cuts[:1], cuts[1:-1], cuts[-1:]]
