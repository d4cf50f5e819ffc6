"""`enumeration`: every alternative of a choice, the most promising first, as far as bounds do not exclude it."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.forms import Alternative, Choice, Chosen, Form
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class EnumerationState(State):
    """Alternatives still to be looked at, by rising bound, and the least bound of those already looked at."""

    waiting: tuple[Alternative, ...]
    examined_bound: float


@register
@dataclass(frozen=True)
class Enumeration(Solver[Choice, EnumerationState]):
    """Best-first enumeration with pruning (textbook branch and bound at depth one); exact where sub-solvers are.

    Each alternative is solved with the incumbent as its cutoff, so that a poor one costs no more than the proof that
    it is poor.
    """

    name = "enumeration"
    form = Choice
    purpose = "exact: all alternatives, pruned by proved bounds"
    exact = True

    def parts(self, form: Choice) -> tuple[Form, ...]:
        return tuple(alternative.form for alternative in form.alternatives if alternative.form is not None)

    def init(self, form: Choice, limits: Limits) -> EnumerationState:
        waiting = tuple(sorted(form.alternatives, key=lambda a: a.bound))
        return EnumerationState(None, INFINITY, waiting[0].bound if waiting else INFINITY, waiting, INFINITY)

    def step(self, form: Choice, state: EnumerationState, limits: Limits) -> EnumerationState:
        alternative, *rest = state.waiting
        value, objective, bound = state.value, state.objective, alternative.bound
        if alternative.form is None:
            found = Chosen(alternative.label) if bound < objective else None
            least = bound
        else:
            solution = solve_form(alternative.form, limits=limits.inner(self._cutoff(state, limits)))
            least, bound = solution.objective, max(solution.bound, bound)
            found = Chosen(alternative.label, solution.value) if solution.value is not None else None
        if found is not None and least < objective:
            value, objective = found, least
        examined = min(state.examined_bound, bound)
        waiting = tuple(a for a in rest if a.bound < INFINITY)
        return EnumerationState(value, objective, min([examined, *(a.bound for a in waiting[:1])]), waiting, examined)

    def done(self, form: Choice, state: EnumerationState, limits: Limits) -> bool:
        return not state.waiting or state.waiting[0].bound >= self._cutoff(state, limits)

    @staticmethod
    def _cutoff(state: EnumerationState, limits: Limits) -> float:
        """The least objective that is no use any more: within half the asked gap of the incumbent, or the caller's."""
        if state.objective == INFINITY:
            return limits.cutoff
        return min(limits.cutoff, state.objective - 0.5 * limits.gap * abs(state.objective))
