"""Composite solvers on many forms at once: all go in step, so that the sub-forms of all can be solved together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.forms import Form
from rasolve.forms.batch import relative_gaps
from rasolve.solvers.base import F, S, Solver, State
from rasolve.solvers.batch import BatchState
from rasolve.solvers.limits import Limits


class InStep(Solver[F, S]):
    """Base of solvers whose step is written once, for many forms."""

    @abstractmethod
    def step_each(self, forms: Sequence[F], states: Sequence[S], limits: Limits) -> list[S]:
        """Return every form's state after one more step; the limits have a start for each, which may be None.

        `init` and `done` see neither cutoff nor start.
        """

    def step(self, form: F, state: S, limits: Limits) -> S:
        return self.step_each([form], [state], limits.starting([limits.start]))[0]

    def together(self, forms: Sequence[F]) -> tuple[Solver[Any, Any], Form]:
        return Abreast(self), Several(tuple(forms))

    def starts(self, values: Sequence[Any]) -> Any:
        return values


@dataclass(frozen=True, eq=False)
class Several(Form):
    """Independent forms of one kind."""

    name: ClassVar[str] = "Several"
    says: ClassVar[str] = "independent forms of one kind"

    forms: tuple[Form, ...]


@dataclass(frozen=True, eq=False)
class SeveralStates(BatchState):
    """Every form's own state, which of them go on, and which rest, their gap being within the asked one."""

    states: tuple[State, ...]
    going: tuple[int, ...]
    resting: NDArray[np.bool_]

    @property
    def rested(self) -> NDArray[np.bool_]:
        """Those that rest."""
        return self.resting

    @property
    def cut_short_each(self) -> NDArray[np.bool_]:
        """Those that say so themselves."""
        return np.asarray([state.cut_short for state in self.states])


@dataclass(frozen=True)
class Abreast(Solver[Several, SeveralStates]):
    """Drives one solver on several forms, step by step together; a form that is done waits for the others."""

    solver: InStep[Any, Any]

    name = "abreast"
    form = Several
    purpose = "many forms in step, by the solver of each"
    batched = True

    def init(self, form: Several, limits: Limits) -> SeveralStates:
        shared = limits.inner()
        return self._side_by_side(form, [self.solver.init(f, shared) for f in form.forms], limits, stepped=False)

    def step(self, form: Several, state: SeveralStates, limits: Limits) -> SeveralStates:
        going, states, within = state.going, list(state.states), limits.of(state.going)
        within = within if within.start is not None else within.starting([None] * len(going))
        after = self.solver.step_each([form.forms[i] for i in going], [states[i] for i in going], within)
        for i, one in zip(going, after, strict=True):
            states[i] = one
        return self._side_by_side(form, states, limits, stepped=True)

    def _side_by_side(self, form: Several, states: Sequence[State], limits: Limits, stepped: bool) -> SeveralStates:
        """Return the states; those go on that are neither done nor at a cutoff nor, once stepped, within the gap."""
        objectives, bounds = np.asarray([s.objective for s in states]), np.asarray([s.bound for s in states])
        shared, pairs = limits.inner(), zip(form.forms, states, strict=True)
        left = np.asarray([not self.solver.done(f, one, shared) for f, one in pairs])
        left &= bounds < limits.cutoffs(bounds.shape)
        resting = left & stepped & (relative_gaps(objectives, bounds) <= limits.gap)
        return SeveralStates(
            value=tuple(s.value for s in states),
            objective=float(objectives.max()),
            bound=float(bounds.max()),
            objectives=objectives,
            bounds=bounds,
            states=tuple(states),
            going=tuple(np.flatnonzero(left & ~resting).tolist()),
            resting=resting,
        )

    def done(self, form: Several, state: SeveralStates, limits: Limits) -> bool:
        return not state.going

    def multipliers(self, form: Several, state: SeveralStates) -> Any:
        """Return the multipliers of each form by itself."""
        pairs = zip(form.forms, state.states, strict=True)
        return tuple(self.solver.multipliers(f, one) if one.value is not None else {} for f, one in pairs)
