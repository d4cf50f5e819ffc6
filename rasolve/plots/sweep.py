"""Delay against energy as V sweeps: where drift plus penalty stands, and the bound below which nobody can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import Slots
from rasolve.numerics import FloatArray
from rasolve.plots.path import slots_of
from rasolve.plots.style import BLUE, DARK, DASHED, GREY, VERMILLION, new_figure, plain, save, title
from rasolve.problems import Problem
from rasolve.scenario.units import prefix
from rasolve.solvers.drift_plus_penalty import natural_v
from rasolve.solving import solve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACTORS = tuple(10 ** (i / 3) for i in range(-5, 6))
"""Values of V that are drawn by default, relative to the default V."""

BOUNDS = 40
"""Energies at which the bound is drawn."""

APART = 0.07
"""Least distance between points whose V is written, relative to the picture."""

CLEAR: dict[str, Any] = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.6}
"""What is behind a written V."""

BASELINES = ("no-queue", "energy-greedy", "delay-greedy")
"""Rules that are drawn where they lie within the picture."""


def tradeoff(problem: Problem, path: str | Path, *, v: Sequence[float] | None = None) -> Path:
    """Draw mean delay over mean energy of drift plus penalty for each V, and the proved bound at every energy.

    Raises InputError for a problem without slots or with several budgets, SolverUnavailable without matplotlib.
    """
    form = slots_of(problem)
    if v is not None and not len(v):
        raise InputError("v is empty: at least one value is needed")
    if form.budgets != 1:
        raise InputError(f"{problem.kind} has {form.budgets} budgets: a trade-off is drawn for one")
    values = [natural_v(form) * factor for factor in FACTORS] if v is None else list(v)
    paths = [solve(problem, "drift_plus_penalty", v=each).evaluation for each in values]
    delay = np.array([each.objective for each in paths])
    energy = np.array([float(each.parts["energy_j"].mean()) for each in paths])
    at = _energies(form, energy)
    bound = np.array([_bound(problem, each) for each in at])
    (second, seconds), (joule, joules) = prefix(float(delay.min()), problem.unit), prefix(float(energy.min()), "J")
    figure = new_figure(7.6, 4.8)
    axes = figure.subplots()
    plain(axes)
    label = "proved bound at that energy, all slots known"
    axes.plot(at / joule, bound / second, color=DARK, linewidth=1.6, label=label)
    axes.fill_between(at / joule, 0, bound / second, color=GREY, alpha=0.13, linewidth=0)
    axes.axvline(form.steered[0] / joule, color=VERMILLION, linewidth=1.3, linestyle=DASHED, label="energy budget")
    axes.plot(energy / joule, delay / second, "o-", color=BLUE, markersize=5, linewidth=1.2, label="drift plus penalty")
    top = _top(delay, bound, energy, float(form.steered[0])) / second
    axes.set_xlim(at[0] / joule, at[-1] / joule)
    axes.set_ylim(0.9 * float(bound.min()) / second, top)
    _name(axes, energy / joule, delay / second, np.array(values), top)
    _rules(axes, problem, joule, second, top)
    axes.set_xlabel(f"mean energy of a slot [{joules}]")
    axes.set_ylabel(f"mean delay of a slot [{seconds}]")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    title(figure, f"{problem.kind}: delay against energy as V grows, {form.items} slots")
    return save(figure, path)


def _energies(form: Slots, spent: FloatArray) -> FloatArray:
    """Return the energies at which the bound is drawn: around what was spent, from the least that is possible."""
    low = max(0.92 * float(spent.min()), float(form.priced(0.0, np.ones(1)).cost[0]))
    return np.linspace(low, 1.06 * float(spent.max()), BOUNDS)


def _bound(problem: Problem, energy_j: float) -> float:
    """Return the proved bound on the delay of whatever spends at most this energy."""
    changed: Any = problem.replace(energy_budget_j=energy_j, energy_slack=0.0)
    return float(changed.lower_bound())


def _top(delay: FloatArray, bound: FloatArray, energy: FloatArray, budget: float) -> float:
    """Return the upper end of the delays to draw: poor paths of the smallest V may lie beyond."""
    near = np.abs(energy - budget) <= 0.5 * budget
    return float(min(1.05 * delay.max(), 2.2 * np.median(delay[near]) if near.any() else 2 * bound.max()))


def _name(axes: Axes, energy: FloatArray, delay: FloatArray, values: FloatArray, top: float) -> None:
    """Write V beside the points within the picture that are far enough from the last one named."""
    width, last = float(np.ptp(axes.get_xlim())), (np.inf, np.inf)
    for i in np.flatnonzero(delay <= top):
        if np.hypot((energy[i] - last[0]) / width, (delay[i] - last[1]) / top) > APART:
            last = energy[i], delay[i]
            said = f"V = {values[i]:,.0f}" if values[i] >= 10 else f"V = {values[i]:.2g}"
            axes.annotate(said, last, xytext=(8, 6), textcoords="offset points", fontsize=8, color=BLUE, bbox=CLEAR)


def _rules(axes: Axes, problem: Problem, joule: float, second: float, top: float) -> None:
    """Mark what the rules spend and need, where that lies within the picture."""
    for name, marker in zip(BASELINES, "sDv", strict=True):
        if name in problem.baselines():
            found = solve(problem, f"baseline:{name}").evaluation
            energy, delay = float(found.parts["energy_j"].mean()) / joule, found.objective / second
            low, high = axes.get_xlim()
            if delay <= top and low <= energy <= high:
                axes.plot(energy, delay, marker, color=GREY, markersize=7, linestyle="", label=name)
