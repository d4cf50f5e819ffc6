"""Many instances of one form in one call: the state that its solvers keep, and the way there and back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import Form, Termination
from rasolve.forms.batch import BatchSolution, Rows, relative_gaps
from rasolve.numerics import FloatArray
from rasolve.solvers.base import DEFAULT_GAP, Limits, Run, Solver, State, drive
from rasolve.solvers.registry import chosen


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
        return _solve_batched(chosen(forms, solver, options), forms, limits.starting(_arrays(limits.start)))
    _one_kind(forms)
    if limits.start is not None and len(limits.start) != len(forms):
        raise InputError(f"start: {len(limits.start)} values for {len(forms)} forms")
    taker = chosen(forms[0], solver, options)
    for i, form in enumerate(forms):
        if reason := taker.refuses(form):
            raise SolverUnavailable(f"solver '{taker.name}' cannot take form {i}: {reason}")
    groups: dict[Hashable, list[int]] = {}
    for i, form in enumerate(forms):
        groups.setdefault(taker.alike(form), []).append(i)
    found = []
    for members in groups.values():
        together, form = taker.together([forms[i] for i in members])
        start = None if limits.start is None else _stacked([limits.start[i] for i in members])
        found.append(_solve_batched(together, form, limits.starting(start)))
    return found[0] if len(found) == 1 else _in_order(found, list(groups.values()))


def _arrays(start: Any) -> Any:
    """Return a start as one record of arrays, which it may be already."""
    if isinstance(start, Rows):
        return start.arrays
    return _stacked(start) if isinstance(start, Sequence) else start


def _stacked(values: Sequence[Any]) -> Any:
    """Return records of equally shaped arrays as one record of arrays with a leading dimension."""
    if any(value is None for value in values):
        raise InputError("start: every form needs a value to start from")
    return type(values[0])(*(np.stack([getattr(v, f.name) for v in values]) for f in fields(values[0])))


def _one_kind(forms: Sequence[Form]) -> None:
    if not forms:
        raise InputError("forms is empty: at least one is needed")
    for i, form in enumerate(forms):
        if type(form) is not type(forms[0]):
            raise InputError(f"forms[{i}] is a {_kind(form)}, forms[0] a {_kind(forms[0])}: one kind is needed")


def _kind(form: object) -> str:
    return form.name if isinstance(form, Form) else type(form).__name__


def _solve_batched(solver: Solver[Any, Any], form: Form, limits: Limits) -> BatchSolution:
    if not solver.batched:
        raise SolverUnavailable(f"solver '{solver.name}' takes no batch of {form.name}: solve them one by one")
    run: Run[BatchState] = drive(solver, form, limits)
    state = run.state
    batch = state.objectives.shape
    return BatchSolution(
        objective=state.objectives,
        bound=state.bounds,
        terminations=_terminations(state, run.stopped, limits),
        values=Rows(state.value, batch),
        multipliers=Rows(solver.multipliers(form, state) if state.value is not None else {}, batch),
        solver=solver.name,
        iterations=len(run.history) - 1,
        seconds=run.seconds,
        history=run.history,
    )


def _terminations(state: BatchState, stopped: Termination | None, limits: Limits) -> NDArray[Any]:
    """Return why each instance [...] stopped: for its own sake where it is solved, else for that of the whole batch."""
    late = Termination.TIME_LIMIT if perf_counter() >= limits.deadline else Termination.CONVERGED
    within = state.gaps <= limits.gap
    found = np.full(within.shape, stopped or late, dtype=object)
    found[state.bounds >= limits.cutoff] = Termination.CUTOFF
    found[within] = Termination.OPTIMAL if stopped is None else Termination.GAP_REACHED
    found[within & (state.gaps <= DEFAULT_GAP)] = Termination.OPTIMAL
    found[state.bounds == np.inf] = Termination.INFEASIBLE
    return found


def _in_order(found: Sequence[BatchSolution], groups: Sequence[Sequence[int]]) -> BatchSolution:
    """Return the answers of groups of forms as one, in the order of the forms."""
    order = np.argsort(np.concatenate([np.asarray(members) for members in groups]))
    values = [value for group in found for value in group.values]
    multipliers = [worth for group in found for worth in group.multipliers]
    return BatchSolution(
        objective=np.concatenate([group.objective for group in found])[order],
        bound=np.concatenate([group.bound for group in found])[order],
        terminations=np.concatenate([group.terminations for group in found])[order],
        values=tuple(values[i] for i in order),
        multipliers=tuple(multipliers[i] for i in order),
        solver=found[0].solver,
        iterations=max(group.iterations for group in found),
        seconds=sum(group.seconds for group in found),
    )
