"""Many instances of one form in one call: the state that its solvers keep, and the way there and back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import Form, Solution, Termination
from rasolve.forms.batch import BatchSolution, Histories, Picked, Rows, relative_gaps, stacked
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Run, Solver, State, drive
from rasolve.solvers.limits import DEFAULT_GAP, Limits
from rasolve.solvers.registry import chosen, solve_form


@dataclass(frozen=True, eq=False)
class BatchState(State):
    """Where a solver of many instances stands: objective and bound are the largest, the arrays [...] are everyone's.

    ``value`` is a record of arrays whose leading dimensions are the batch; an instance without an incumbent has the
    objective inf.
    """

    objectives: FloatArray
    bounds: FloatArray

    @cached_property
    def gaps(self) -> FloatArray:
        """The relative gap of each instance [...]; nan where it has none."""
        return relative_gaps(self.objectives, self.bounds)

    @property
    def mark(self) -> tuple[FloatArray, FloatArray]:
        """Everyone's objective and bound."""
        return self.objectives, self.bounds

    @property
    def rested(self) -> NDArray[np.bool_]:
        """Which instances [...] were left before they were done, their gap being within the asked one; none here."""
        return np.zeros(self.objectives.shape, dtype=bool)

    @property
    def cut_short_each(self) -> NDArray[np.bool_]:
        """Which instances [...] end because a sub-form's solver ran out of its share of the time; none here."""
        return np.zeros(self.objectives.shape, dtype=bool)

    @property
    def gap(self) -> float | None:
        """The worst relative gap of the batch; None while an instance has none."""
        worst = float(self.gaps.max())
        return None if np.isnan(worst) else worst


def solve_together(
    forms: Form | Sequence[Form], solver: str = "auto", limits: Limits | None = None, **options: Any
) -> BatchSolution:
    """Solve a form that holds a batch, or several forms of one kind, in as few runs of the loop as their shapes allow.

    ``limits.start`` is a value of the batched form, or a sequence of values, one for each instance. Raises
    SolverUnavailable where the solver takes no batch, InputError where forms or starts do not go together.
    """
    limits = limits or Limits()
    if isinstance(forms, Form):
        begun = None if limits.start is None else forms.as_start(_arrays(limits.start))
        return _solve_batched(chosen(forms, solver, options), forms, limits.starting(begun))
    _one_kind(forms)
    if limits.start is not None:
        starts = each_start(limits.start, len(forms), "forms")
        if any(value is None for value in starts):
            raise InputError("start: every form needs a value to start from")
        limits = limits.starting([form.as_start(value) for form, value in zip(forms, starts, strict=True)])
    taker = chosen(forms[0], solver, options)
    for i, form in enumerate(forms):
        if reason := taker.refuses(form):
            raise SolverUnavailable(f"solver '{taker.name}' cannot take form {i}: {reason}")
    return solve_alike(taker, forms, limits)


def each_start(start: Any, size: int, instances: str) -> Sequence[Any]:
    """Return starts as a sequence with one for each instance; raises InputError where it is none."""
    if not isinstance(start, Sequence) or isinstance(start, str):
        raise InputError(f"start: a sequence with one value for each of the {instances} is needed")
    if len(start) != size:
        raise InputError(f"start: {len(start)} values for {size} {instances}")
    return start


def solve_many(forms: Sequence[Form], solver: str, limits: Limits, **options: Any) -> Sequence[Solution]:
    """Solve forms of one kind by one solver: together where it takes many, else one by one.

    ``limits.start`` has an entry for each form, which may be None. One by one, each has an equal share of what time is
    left. Raises as :func:`rasolve.solvers.solve_form` does.
    """
    takers = [chosen(form, solver, options) for form in forms]
    if takers[0].takes_many:
        return solve_alike(takers[0], forms, limits)
    shares = 1 / np.arange(len(forms), 0, -1)
    return [solve_form(form, solver, limits.alone(i).sharing(shares[i]), **options) for i, form in enumerate(forms)]


def solve_alike(taker: Solver[Any, Any], forms: Sequence[Form], limits: Limits) -> BatchSolution:
    """Solve forms that a solver takes, in one run of the loop for each group that is alike.

    ``limits.start`` has an entry for each form, or is None.
    """
    groups: dict[Hashable, list[int]] = {}
    for i, form in enumerate(forms):
        groups.setdefault(taker.alike(form), []).append(i)
    found = []
    for members in groups.values():
        together, form = taker.together([forms[i] for i in members])
        within = limits.of(members)
        starts = within.start and taker.starts(within.start)
        found.append(_solve_batched(together, form, within.starting(starts), taker.name))
    return found[0] if len(found) == 1 else _in_order(found, list(groups.values()))


def _arrays(start: Any) -> Any:
    """Return a start as one record of arrays, which it may be already."""
    if isinstance(start, Rows):
        return start.arrays
    if not isinstance(start, Sequence) or isinstance(start, str):
        return start
    if not start or not all(is_dataclass(value) and type(value) is type(start[0]) for value in start):
        raise InputError("start: one value for each instance of the batch is needed, all of one kind")
    return stacked(start)


def _one_kind(forms: Sequence[Form]) -> None:
    if not forms:
        raise InputError("forms is empty: at least one is needed")
    for i, form in enumerate(forms):
        if type(form) is not type(forms[0]):
            raise InputError(f"forms[{i}] is a {_kind(form)}, forms[0] a {_kind(forms[0])}: one kind is needed")


def _kind(form: object) -> str:
    return form.name if isinstance(form, Form) else type(form).__name__


def _solve_batched(solver: Solver[Any, Any], form: Form, limits: Limits, name: str | None = None) -> BatchSolution:
    """Drive the solver of a batched form; ``name`` is that of the solver whose forms it holds."""
    if not solver.batched:
        raise SolverUnavailable(f"solver '{solver.name}' takes no batch of {form.name}: solve them one by one")
    run: Run[BatchState] = drive(solver, form, limits)
    state = run.state
    batch = state.objectives.shape
    return BatchSolution(
        objective=state.objectives,
        bound=state.bounds,
        terminations=_terminations(state, run.stopped, limits),
        values=_each(state.value, batch),
        multipliers=_each(solver.multipliers(form, state) if state.value is not None else {}, batch),
        solver=name or solver.name,
        iterations=len(run.history) - 1,
        seconds=run.seconds,
        history=run.history,
        histories=Histories(run.history, run.marks),
    )


def _each(records: Any, batch: tuple[int, ...]) -> Sequence[Any]:
    """Return one record for each instance of a record of arrays, or what is a sequence of records already."""
    return records if isinstance(records, Sequence) else Rows(records, batch)


def _terminations(state: BatchState, stopped: Termination | None, limits: Limits) -> NDArray[Any]:
    """Return why each instance [...] stopped: for its own sake where it is solved, else for that of the whole batch."""
    late = Termination.TIME_LIMIT if perf_counter() >= limits.deadline else Termination.CONVERGED
    within = state.gaps <= limits.gap
    found = np.full(within.shape, stopped or late, dtype=object)
    found[state.cut_short_each] = stopped or Termination.TIME_LIMIT
    found[state.bounds >= limits.cutoffs(within.shape)] = Termination.CUTOFF
    found[within] = Termination.OPTIMAL if stopped is None else Termination.GAP_REACHED
    found[within & state.rested] = Termination.GAP_REACHED
    found[within & (state.gaps <= DEFAULT_GAP)] = Termination.OPTIMAL
    found[state.bounds == np.inf] = Termination.INFEASIBLE
    return found


def _in_order(found: Sequence[BatchSolution], groups: Sequence[Sequence[int]]) -> BatchSolution:
    """Return the answers of groups of forms as one, in the order of the forms."""
    order = np.argsort(np.concatenate([np.asarray(members) for members in groups]))
    places = [(group, i) for group in found for i in range(len(group))]
    ordered = [places[i] for i in order]
    return BatchSolution(
        objective=np.concatenate([group.objective for group in found])[order],
        bound=np.concatenate([group.bound for group in found])[order],
        terminations=np.concatenate([group.terminations for group in found])[order],
        values=Picked([(group.values, i) for group, i in ordered]),
        multipliers=Picked([(group.multipliers, i) for group, i in ordered]),
        solver=found[0].solver,
        iterations=max(group.iterations for group in found),
        seconds=sum(group.seconds for group in found),
        histories=Picked([(group.histories, i) for group, i in ordered]),
    )
