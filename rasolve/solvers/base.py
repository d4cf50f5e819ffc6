"""A solver is a frozen record of settings with init, step and done; the loop that drives it stands here, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from rasolve.errors import SolverUnavailable
from rasolve.forms import BoundKind, Form, Progress, Solution, Termination, relative_gap
from rasolve.forms.batch import stacked
from rasolve.solvers.limits import DEFAULT_GAP, INFINITY, Limits

F = TypeVar("F", bound=Form)
S = TypeVar("S", bound="State")


@dataclass(frozen=True, eq=False)
class State:
    """Where a solver stands: its incumbent (None before the first), that one's objective, and a proved lower bound."""

    value: Any
    objective: float
    bound: float

    @property
    def mark(self) -> Any:
        """What the history of many instances keeps of this state; nothing by default."""
        return None

    @property
    def gap(self) -> float | None:
        """Relative gap between objective and bound; None where either is not finite."""
        return relative_gap(self.objective, self.bound)

    @property
    def cut_short(self) -> bool:
        """Whether the solver of a sub-form ran out of its share of the time, so that this one ends for want of it."""
        return False


@dataclass(frozen=True)
class Ending:
    """Why a solver has stopped, and in words what keeps it from an answer."""

    termination: Termination
    reasons: tuple[str, ...] = ()


class Solver(ABC, Generic[F, S]):
    """Base of all solvers: a frozen dataclass whose fields are its options.

    ``exact`` says that, left alone, it ends with objective and proved bound together; ``tightens`` that it ends by
    itself with a bound that its search has raised, so that the gap says something. ``batched`` says that its forms may
    hold many instances, and that its states are then `rasolve.solvers.batch.BatchState`.
    """

    name: ClassVar[str]
    form: ClassVar[type[Form]]
    purpose: ClassVar[str]
    exact: ClassVar[bool] = False
    tightens: ClassVar[bool] = False
    batched: ClassVar[bool] = False

    def refuses(self, form: F) -> str | None:
        """Return why this solver cannot take this form, or None when it can."""
        return None

    def parts(self, form: F) -> tuple[Form, ...]:
        """Return the sub-forms whose solvers decide whether this solver's answer is exact; none by default."""
        return ()

    def alike(self, form: F) -> Hashable:
        """Return a key: forms with equal keys may go :meth:`together`."""
        return None

    @property
    def takes_many(self) -> bool:
        """Whether several forms can go :meth:`together`."""
        return type(self).together is not Solver.together

    def together(self, forms: Sequence[F]) -> tuple[Solver[Any, Any], Form]:
        """Return one form that holds all of these in their order, as a batch [B], and the ``batched`` solver of it.

        Raises SolverUnavailable where this solver knows no such form.
        """
        raise SolverUnavailable(f"solver '{self.name}' takes no batch of {self.form.name}: solve them one by one")

    def starts(self, values: Sequence[Any]) -> Any:
        """Return what the solver of many :meth:`together` starts from, given a value, or None, for each.

        By default one record of arrays, or nothing where a value is missing.
        """
        return None if any(value is None for value in values) else stacked(values)

    @abstractmethod
    def init(self, form: F, limits: Limits) -> S:
        """Return the state before the first step."""

    @abstractmethod
    def step(self, form: F, state: S, limits: Limits) -> S:
        """Return the state after one more step; it is never worse."""

    @abstractmethod
    def done(self, form: F, state: S, limits: Limits) -> bool:
        """Return whether no step can improve the state any more."""

    def multipliers(self, form: F, state: S) -> dict[str, Any]:
        """Return the multipliers at the state, by constraint; none by default."""
        return {}

    def ending(self, form: F, state: S) -> Ending | None:
        """Return why a solver that is done has stopped; None, as by default, where objective and bound say it."""
        return None

    def last_resort(self, form: F, state: S) -> Any:
        """Return a value to offer where a limit comes before the first incumbent; none by default. The form judges."""
        return None


@dataclass(frozen=True, eq=False)
class Run(Generic[S]):
    """How the loop went: where it ended, what stopped it before it was done (or None), its history and its seconds.

    ``marks`` are those of the states that the history tells of.
    """

    state: S
    stopped: Termination | None
    history: tuple[Progress, ...]
    seconds: float
    marks: tuple[Any, ...]


def drive(solver: Solver[F, S], form: F, limits: Limits) -> Run[S]:
    """Step a solver until it is done or a limit is met.

    At least one step is taken, so that any time limit yields an incumbent where the first step finds one. An interrupt
    ends the innermost loop with what it has, then those around it with what they make of that. A callback that returns
    True stops the solver as an interrupt does.
    """
    began = perf_counter()
    state = solver.init(form, limits)
    history, marks = [Progress(0, state.objective, state.bound, perf_counter() - began)], [state.mark]
    stopped: Termination | None = None
    try:
        while not solver.done(form, state, limits):
            iteration = len(history)
            if limits.interrupted.is_set() and (iteration > 1 or state.value is not None):
                break
            if iteration > 1 and (stopped := _limit_met(state, limits, iteration - 1)):
                break
            state = solver.step(form, state, limits)
            history.append(Progress(iteration, state.objective, state.bound, perf_counter() - began))
            marks.append(state.mark)
            if limits.callback and _asks_to_stop(limits.callback(history[-1])):
                stopped = Termination.INTERRUPTED
                break
    except KeyboardInterrupt:
        limits.interrupted.set()
    if limits.interrupted.is_set():
        stopped = Termination.INTERRUPTED
    return Run(state, stopped, tuple(history), perf_counter() - began, tuple(marks))


def iterate(solver: Solver[F, S], form: F, limits: Limits) -> Solution:
    """Drive a solver and return its incumbent; a caller's start that the form can judge is never made worse."""
    run = drive(solver, form, limits)
    state = run.state
    value, objective = _no_worse_than(None if limits.nested else limits.start, form, state)
    if value is None and run.stopped:
        value, objective = _no_worse_than(solver.last_resort(form, state), form, state)
    ending = None if run.stopped else solver.ending(form, state)
    return Solution(
        value=value,
        objective=objective,
        bound=state.bound,
        bound_kind=BoundKind.PROVED if state.bound > -INFINITY else BoundKind.NONE,
        termination=run.stopped or (ending.termination if ending else _verdict(state, limits)),
        solver=solver.name,
        iterations=len(run.history) - 1,
        seconds=run.seconds,
        multipliers=solver.multipliers(form, state) if state.value is not None else {},
        history=run.history,
        reasons=ending.reasons if ending else (),
    )


def _asks_to_stop(answer: object) -> bool:
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


def _no_worse_than(start: Any, form: Form, state: State) -> tuple[Any, float]:
    """Return the incumbent and its objective, or the start and its own where that is better."""
    judged = form.judge(start) if start is not None else None
    return (start, judged) if judged is not None and judged < state.objective else (state.value, state.objective)


def _limit_met(state: State, limits: Limits, iterations: int) -> Termination | None:
    gap = state.gap
    if gap is not None and gap <= limits.gap:
        return Termination.OPTIMAL if gap <= DEFAULT_GAP else Termination.GAP_REACHED
    if perf_counter() >= limits.deadline:
        return Termination.TIME_LIMIT
    if limits.max_iterations is not None and iterations >= limits.max_iterations:
        return Termination.ITERATION_LIMIT
    return None


def _verdict(state: State, limits: Limits) -> Termination:
    """Name what a solver that is done has achieved."""
    if state.bound == INFINITY:
        return Termination.INFEASIBLE
    if state.gap is not None and state.gap <= limits.gap:
        return Termination.OPTIMAL
    if state.bound >= limits.cutoff:
        return Termination.CUTOFF
    return Termination.TIME_LIMIT if state.cut_short or perf_counter() >= limits.deadline else Termination.CONVERGED
