"""A path over time slots: running averages of delay and energy, and the virtual queues behind the decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import Slots
from rasolve.forms.dual import best_ray
from rasolve.forms.queues import queue_path
from rasolve.numerics import FloatArray
from rasolve.plots.style import (
    BLUE,
    DARK,
    DASHED,
    GREEN,
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
from rasolve.scenario.units import prefix, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, SKY, PURPLE, VERMILLION)
"""Colour of each device, in turn."""

DRAWN = 4000
"""Most slots that are drawn one by one."""


def queues(problem: Problem, result: Result, path: str | Path) -> Path:
    """Draw a path's running mean delay over the proved bound, its running mean energy over the budget, and the queue.

    Beside the queue stands V·λ, where V and the clairvoyant multiplier λ of one budget are known: what the queue of
    drift plus penalty approaches. Several budgets are drawn relative to their own. Raises InputError for a problem
    without slots, InfeasibleError for a result without a decision, SolverUnavailable without matplotlib.
    """
    form = slots_of(problem)
    parts = result.of(problem).evaluation.parts
    delay, energy, target = parts["slot_s"], parts["energy_j"], form.steered
    queue = queue_path(energy, target)
    figure = new_figure(9.2, 6.6)
    axes: Any = figure.subplots(3, 1, sharex=True)
    for each in axes:
        plain(each)
    drawn = np.unique(np.linspace(1, len(delay), min(len(delay), DRAWN)).astype(int))
    known = result.bound if result.bound is not None else -np.inf
    bound = max(known, problem.lower_bound())
    _delay(axes[0], problem.unit, form, drawn, running_mean(delay)[drawn - 1], bound)
    _energy(axes[1], form, drawn, running_mean(energy)[drawn - 1])
    _queue(axes[2], form, result, drawn, queue[drawn])
    axes[2].set_xlabel("slot")
    axes[2].set_xlim(0, len(delay))
    for each in axes:
        each.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    title(figure, _title(problem, result, float(delay.mean()), energy.mean(axis=0) / target))
    return save(figure, path)


def slots_of(problem: Problem) -> Slots:
    """Return the slots of a problem; raises InputError where it has none."""
    if Slots not in problem.forms:
        raise InputError(f"{problem.kind} has no time slots to draw")
    return problem.as_form(Slots)


def running_mean(values: FloatArray) -> FloatArray:
    """Return the mean of the first t values, for every t, along the first axis."""
    count = np.arange(1, len(values) + 1).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(np.cumsum(values, axis=0) / count)


def _delay(axes: Axes, unit: str, form: Slots, slots: Any, mean: FloatArray, bound: float) -> None:
    scale, unit = prefix(float(mean[-1]), unit)
    slack = " with slack" if (form.budget > form.at_target().budget).any() else ""
    axes.plot(slots, mean / scale, color=BLUE, linewidth=1.5, label="mean so far")
    if np.isfinite(bound):
        axes.axhline(
            bound / scale,
            color=DARK,
            linewidth=1.2,
            linestyle=DASHED,
            label=f"proved bound{slack},\nall slots known",
        )
    axes.set_ylabel(f"delay of a slot [{unit}]")
    axes.set_ylim(*_range(np.append(mean[len(mean) // 50 :], bound) / scale))


def _energy(axes: Axes, form: Slots, slots: Any, mean: FloatArray) -> None:
    one = form.budgets == 1
    scale, unit = prefix(float(form.steered[0]), "J") if one else (1.0, "")
    reference = np.array([scale]) if one else form.steered
    for b in range(form.budgets):
        name = "mean so far" if one else f"device {b + 1}"
        axes.plot(slots, mean[:, b] / reference[b % len(reference)], color=COLOURS[b % 6], linewidth=1.5, label=name)
    budget = form.steered[0] / scale if one else 1.0
    limit = budget * float((form.budget / form.steered).max())
    axes.axhline(budget, color=VERMILLION, linewidth=1.4, label="budget")
    if limit > budget:
        axes.axhspan(budget, limit, color=VERMILLION, alpha=0.15, linewidth=0, label="declared slack")
    axes.set_ylabel(f"energy of a slot [{unit}]" if one else "energy over budget")
    axes.set_ylim(*_range(np.append(mean[len(mean) // 50 :] / reference, [budget, limit])))


def _queue(axes: Axes, form: Slots, result: Result, slots: Any, queue: FloatArray) -> None:
    one = form.budgets == 1
    scale, unit = prefix(float(max(queue.max(), form.steered[0])), "J") if one else (1.0, "slots at budget")
    reference = np.array([scale]) if one else form.steered
    for b in range(form.budgets):
        name = "queue" if one else f"device {b + 1}"
        axes.plot(slots, queue[:, b] / reference[b % len(reference)], color=COLOURS[b % 6], linewidth=1.2, label=name)
    price = result.multipliers.get("energy_budget_j")
    if result.solver == "drift_plus_penalty" and one and price:
        level = float(queue[-1, 0]) / float(price) * float(best_ray(form.at_target()).prices[0])
        axes.axhline(level / scale, color=DARK, linewidth=1.2, linestyle=DASHED, label="V times the\nbest multiplier")
    axes.set_ylabel(f"queue [{unit}]")
    axes.set_ylim(bottom=0)


def _range(values: FloatArray) -> tuple[float, float]:
    """Return limits around finite values with some air."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    air = 0.12 * (high - low) if high > low else 0.1 * abs(high)
    return max(low - air, 0.0), high + 2 * air


def _title(problem: Problem, result: Result, delay: float, used: FloatArray) -> str:
    whose = "" if len(used) == 1 else "up to "
    return (
        f"{problem.kind} by {result.solver}: {quantity(delay, problem.unit)} a slot, "
        f"{whose}{100 * float(used.max()):.4g} % of the energy budget"
    )
