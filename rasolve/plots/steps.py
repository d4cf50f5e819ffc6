"""How a solver got to its answer, beside what is proved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import Blocks, Termination, relative_gap
from rasolve.numerics import FloatArray, IntArray
from rasolve.plots.style import (
    BLUE,
    DARK,
    DASHED,
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
from rasolve.problems import Problem
from rasolve.result import Result
from rasolve.scenario.units import prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = (("s", BLUE), ("D", SKY), ("^", ORANGE), ("v", GREEN), ("P", PURPLE))
"""Shape and colour of the steps of each block, in turn."""

SAME = 1e-6
"""Relative distance within which a result counts as the optimum."""

LOG_ABOVE = 10.0
"""Ratio of largest to smallest value above which the objective is drawn in logarithms."""


def convergence(problem: Problem, result: Result, path: str | Path, *, best: Result | None = None) -> Path:
    """Draw a solver's objective after every step beside its proved bound and, where given, the best known result.

    The steps of `alternating` are marked by the block that was solved. Raises InputError for a result whose history
    holds no objective, SolverUnavailable without matplotlib.
    """
    figure = new_figure(9.2, 4.0)
    from matplotlib.ticker import MaxNLocator

    steps = np.array([line.iteration for line in result.history])
    objective = np.array([line.objective for line in result.history], dtype=np.float64)
    bound = np.array([line.bound for line in result.history], dtype=np.float64)
    if result.objective is None or not np.isfinite(objective).any():
        raise InputError(f"this result of {result.solver} has no history to draw")
    scale, unit = prefix(float(objective[np.isfinite(objective)].max()), result.unit)
    axes = figure.subplots()
    plain(axes)
    _objective(axes, _blocks(problem, result), steps, objective / scale)
    _line(axes, steps, bound / scale, color=DARK, linestyle=DASHED, label="proved bound on the way")
    if best is not None and best.objective is not None:
        label = "proved optimum" if _proved(best) else f"best known ({best.solver})"
        axes.axhline(best.objective / scale, color=VERMILLION, linewidth=3, alpha=0.6, zorder=1, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel(f"objective [{unit}]")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if _ratio(objective, bound) > LOG_ABOVE:
        axes.set_yscale("log")
    axes.margins(x=0.03, y=0.08)
    title(figure, _title(problem, result, best))
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    return save(figure, path)


def _blocks(problem: Problem, result: Result) -> list[str]:
    """Return the names of the blocks that a run of `alternating` goes through in turn; none for other solvers."""
    if result.solver != "alternating" or Blocks not in problem.forms:
        return []
    return [block.name for block in problem.as_form(Blocks).blocks]


def _objective(axes: Axes, blocks: list[str], steps: IntArray, objective: FloatArray) -> None:
    _line(axes, steps, objective, color=GREY if blocks else BLUE, label=None if blocks else "objective")
    if blocks:
        axes.plot(steps[:1], objective[:1], linestyle="", marker="o", color=DARK, markersize=7, label="start")
    for turn, name in enumerate(blocks):
        own = (steps > 0) & ((steps - 1) % len(blocks) == turn)
        marker, colour = MARKERS[turn % len(MARKERS)]
        axes.plot(steps[own], objective[own], linestyle="", marker=marker, color=colour, markersize=7, label=name)


def _line(axes: Axes, steps: IntArray, values: FloatArray, **style: Any) -> None:
    known = np.isfinite(values)
    if known.any():
        axes.step(steps[known], values[known], where="post", linewidth=1.3, **style)


def _ratio(objective: FloatArray, bound: FloatArray) -> float:
    """Return the largest over the smallest value to draw; 1 where some are not positive."""
    drawn = np.concatenate([objective, bound])
    drawn = drawn[np.isfinite(drawn)]
    return float(drawn.max() / drawn.min()) if drawn.min() > 0 else 1.0


def _proved(best: Result) -> bool:
    return best.termination is Termination.OPTIMAL


def _title(problem: Problem, result: Result, best: Result | None) -> str:
    said = f"{problem.kind} by {result.solver}: {result.objective:.6g} {result.unit}"
    if best is None or best.objective is None or result.objective is None:
        return said
    name = "the proved optimum" if _proved(best) else "the best known"
    gap = relative_gap(best.objective, result.objective)
    return f"{said}, {name}" if gap is None or gap <= SAME else f"{said}, {100 * gap:.2g} % above {name}"
