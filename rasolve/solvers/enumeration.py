"""`enumeration`: every alternative of a choice, the most promising first, as far as bounds do not exclude it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasolve.forms import Alternative, Choice, Chosen, Form, Termination
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form

SHARE = 0.8
"""Share of the time left that one alternative may take."""


@dataclass(frozen=True, eq=False)
class EnumerationState(State):
    """Alternatives still to be looked at, by rising bound; the least bound of the others; the winner's multipliers.

    ``late`` says that some solver ran out of its share of the time.
    """

    waiting: tuple[Alternative, ...]
    examined_bound: float
    worth: dict[str, Any]
    late: bool = False

    def cut_short(self) -> bool:
        return self.late


@register
@dataclass(frozen=True)
class Enumeration(Solver[Choice, EnumerationState]):
    """Best-first enumeration with pruning (textbook branch and bound at depth one); exact where sub-solvers are.

    Each alternative is solved with the incumbent as its cutoff, so that a poor one costs no more than the proof that
    it is poor. Under a time limit each gets SHARE of what is left, so that there is some left for those proofs.
    """

    name = "enumeration"
    form = Choice
    purpose = "exact: all alternatives, pruned by proved bounds"
    exact = True

    def parts(self, form: Choice) -> tuple[Form, ...]:
        return tuple(alternative.form for alternative in form.alternatives if alternative.form is not None)

    def init(self, form: Choice, limits: Limits) -> EnumerationState:
        waiting = tuple(sorted(form.alternatives, key=lambda a: a.bound))
        return EnumerationState(None, INFINITY, waiting[0].bound if waiting else INFINITY, waiting, INFINITY, {})

    def step(self, form: Choice, state: EnumerationState, limits: Limits) -> EnumerationState:
        alternative, *rest = state.waiting
        found = self._explored(alternative, limits.inner(self._cutoff(state, limits), SHARE))
        best = found if found.objective < state.objective else state
        examined = min(state.examined_bound, found.bound)
        waiting = tuple(a for a in rest if a.bound < INFINITY)
        bound = min([examined, *(a.bound for a in waiting[:1])])
        return EnumerationState(
            best.value, best.objective, bound, waiting, examined, best.worth, state.late or found.late
        )

    @staticmethod
    def _explored(alternative: Alternative, limits: Limits) -> EnumerationState:
        """Return where the choice would stand with this alternative alone."""
        label, bound = alternative.label, alternative.bound
        if alternative.form is None:
            return EnumerationState(Chosen(label), bound, bound, (), bound, {})
        solution = solve_form(alternative.form, limits=limits)
        bound = max(bound, solution.bound)
        value = Chosen(label, solution.value) if solution.value is not None else None
        late = solution.termination is Termination.TIME_LIMIT
        return EnumerationState(value, solution.objective, bound, (), bound, solution.multipliers, late)

    def multipliers(self, form: Choice, state: EnumerationState) -> dict[str, Any]:
        """Return the multipliers of the winner's form."""
        return state.worth

    def done(self, form: Choice, state: EnumerationState, limits: Limits) -> bool:
        return not state.waiting or state.waiting[0].bound >= self._cutoff(state, limits)

    @staticmethod
    def _cutoff(state: EnumerationState, limits: Limits) -> float:
        """The least objective that is no use any more: within half the asked gap of the incumbent, or the caller's."""
        if state.objective == INFINITY:
            return limits.cutoff
        return min(limits.cutoff, state.objective - 0.5 * limits.gap * abs(state.objective))
