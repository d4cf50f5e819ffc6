"""`drift_plus_penalty`: slot after slot by virtual queues, knowing nothing of the slots to come."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.errors import InputError, is_real
from rasolve.forms import Response, Slots
from rasolve.forms.dual import enclose, narrow, out_of_reach
from rasolve.forms.queues import queue_path
from rasolve.forms.response import joined
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

GUESSES = 8
"""Steps on the dual from which the scale of V is read."""

SHARE = 0.1
"""What V is, relative to its scale, for each slot's worth of declared slack."""

WALKED = 4096
"""Slots of a step, over the square of the number of budgets: deciding one takes about as long as there are pairs."""


@dataclass(frozen=True, eq=False)
class PathState(State):
    """What was chosen batch by batch, the queues [B] after it, the weight V of the penalty, and the slots decided."""

    chosen: tuple[Response, ...]
    queue: tuple[float, ...]
    v: float
    slots: int


@register
@dataclass(frozen=True)
class DriftPlusPenalty(Solver[Slots, PathState]):
    """Minimise V·penalty + q·cost in each slot, then q = max(q + cost - target, 0) (Neely 2010; published as OPEN).

    ``v`` has the unit of cost² per penalty; `natural_v` by default. The mean cost is at most target + q(T+1)/T. The
    bound is the dual at the prices q/V that the queues end with and have on average, for those approach the multipliers
    (ours). A step is some slots; where a limit comes before the last, the value holds, for the slots still to come,
    what the prices reached would choose, or what costs least.
    """

    name = "drift_plus_penalty"
    form = Slots
    purpose = "published: online, by virtual queues; the bound is the dual at the queues' prices"
    v: float | None = None

    def __post_init__(self) -> None:
        if self.v is not None and not (is_real(self.v) and 0 < self.v < INFINITY):
            raise InputError(f"v = {self.v!r}: must be finite and above 0, in the unit of cost² per penalty")

    def init(self, form: Slots, limits: Limits) -> PathState:
        v = natural_v(form) if self.v is None else float(self.v)
        return PathState(None, INFINITY, -INFINITY, (), (0.0,) * form.budgets, v, 0)

    def step(self, form: Slots, state: PathState, limits: Limits) -> PathState:
        found, queue = walk(form, state.slots, state.v, state.queue)
        chosen, slots = (*state.chosen, found), state.slots + len(found.penalty)
        late = perf_counter() >= limits.deadline
        if slots < form.items and not late and len(chosen) != limits.max_iterations:
            return PathState(None, INFINITY, -INFINITY, chosen, queue, state.v, slots)
        value = completed(form, chosen, queue, state.v)
        objective = form.judge(value)
        if objective == INFINITY and out_of_reach(form):
            return PathState(None, INFINITY, INFINITY, chosen, queue, state.v, form.items)
        average = queue_path(value.cost, form.steered)[:-1].mean(axis=0)
        asked = (np.array(queue),) if late else (np.array(queue), average)
        bound = max(form.proved(form.priced(1.0, each / state.v)) for each in asked)
        return PathState(value, objective, bound, chosen, queue, state.v, form.items)

    def done(self, form: Slots, state: PathState, limits: Limits) -> bool:
        return state.slots == form.items

    def last_resort(self, form: Slots, state: PathState) -> Response | None:
        """Return the path as far as it is decided, completed; None where nothing is left to decide."""
        return completed(form, state.chosen, state.queue, state.v) if state.slots < form.items else None

    def multipliers(self, form: Slots, state: PathState) -> dict[str, Any]:
        """Return the final queues [B], the weight V, and the prices q/V that they stand for."""
        queue = np.array(state.queue)
        return {"prices": queue / state.v, "queues": queue, "v": state.v}


def completed(form: Slots, chosen: tuple[Response, ...], queue: tuple[float, ...], v: float) -> Response:
    """Return what was chosen, and for the slots after it what the queues [B] reached would choose.

    Early queues may be too short for that to keep the budgets; then those slots take what costs least.
    """
    slots = sum(len(part.penalty) for part in chosen)
    if slots == form.items:
        return joined(chosen)
    value = joined((*chosen, form.answer(1.0, np.array(queue) / v, slots)))
    return value if form.keeps(value) else joined((*chosen, form.answer(0.0, 1.0 / form.scale, slots)))


def natural_v(form: Slots) -> float:
    """Return the scale of V, Σ target² / penalty, times a tenth of what the slack declares over the horizon (ours).

    The penalty is what the dual says of a slot at the target, which is known in hindsight only: online, give V. The
    queue grows to about V·price, hence the overspend to V·price/T; the factor, at least 1, keeps it well within the
    slack.
    """
    at_target = form.at_target()
    ray = enclose(at_target)
    for _ in range(GUESSES):
        ray = ray if ray.closed else narrow(at_target, ray)
    penalty = (ray.best if 0 < ray.best < INFINITY else ray.low.penalty) / (form.share * form.items)
    with np.errstate(divide="ignore", invalid="ignore"):
        slack = float(np.nanmin(form.budget / at_target.budget, initial=INFINITY) - 1)
    v = float((form.steered**2).sum()) / max(penalty, np.finfo(float).tiny) * max(1.0, SHARE * slack * form.items)
    return v if 0 < v < INFINITY else 1.0


def walk(form: Slots, first: int, v: float, queue: tuple[float, ...]) -> tuple[Response, tuple[float, ...]]:
    """Return what the policy chooses in the slots of the next step, and the queues after it."""
    slots = slice(first, min(first + max(WALKED // form.budgets**2, 1), form.items))
    step, target, now = form.stepper(slots), form.steered.tolist(), list(queue)
    penalties: list[float] = []
    costs: list[tuple[float, ...]] = []
    choices: list[tuple[Any, ...]] = []
    for slot in range(slots.stop - slots.start):
        penalty, cost, choice = step(slot, v, now)
        now = [max(q + spent - aim, 0.0) for q, spent, aim in zip(now, cost, target, strict=True)]
        penalties.append(penalty)
        costs.append(cost)
        choices.append(choice)
    columns: tuple[Any, ...] = tuple(np.array(column) for column in zip(*choices, strict=True))
    spent: FloatArray = np.array(costs).reshape(len(costs), form.budgets)
    return Response(np.array(penalties), spent, columns), tuple(now)
