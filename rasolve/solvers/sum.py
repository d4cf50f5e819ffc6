"""`sum`: solves independent terms one by one, each with what the others leave below the cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasolve.forms import Form, Sum, Term, Termination
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class SumState(State):
    """Whether every term that matters has been solved, and the multipliers of each term by itself."""

    finished: bool = False
    worth: tuple[dict[str, Any], ...] = ()


@register
@dataclass(frozen=True)
class SumOfTerms(Solver[Sum, SumState]):
    """Independent terms are minimised apart (textbook); exact where the terms' solvers are.

    A term may stop as soon as its bound shows the whole sum at or above the cutoff; then the rest is left unsolved.
    """

    name = "sum"
    form = Sum
    purpose = "exact: each independent term by its own solver"
    exact = True

    def parts(self, form: Sum) -> tuple[Form, ...]:
        return tuple(term.form for term in form.terms)

    def init(self, form: Sum, limits: Limits) -> SumState:
        return SumState(None, INFINITY, form.constant + sum(term.weight * term.bound for term in form.terms))

    def step(self, form: Sum, state: SumState, limits: Limits) -> SumState:
        solutions, objective, bound = [], form.constant, state.bound
        for term in form.terms:
            solution = solve_form(term.form, limits=limits.inner(self._cutoff(term, limits.cutoff - bound)))
            if solution.termination is Termination.INFEASIBLE:
                return SumState(None, INFINITY, INFINITY, finished=True)
            bound += term.weight * (max(solution.bound, term.bound) - term.bound)
            if solution.value is None:
                return SumState(None, INFINITY, bound, finished=True)
            objective += term.weight * solution.objective
            solutions.append(solution)
        values = tuple(solution.value for solution in solutions)
        return SumState(values, objective, bound, finished=True, worth=tuple(s.multipliers for s in solutions))

    @staticmethod
    def _cutoff(term: Term, spared: float) -> float:
        """Return the term's objective at which the sum, given what is spared below its cutoff, reaches it."""
        return term.bound + spared / term.weight if term.weight > 0 else INFINITY

    def multipliers(self, form: Sum, state: SumState) -> dict[str, Any]:
        """Return under "terms" the multipliers of every term, times its weight: what they are worth to the sum."""
        weighted = zip(form.terms, state.worth, strict=True)
        return {"terms": tuple({name: term.weight * m for name, m in worth.items()} for term, worth in weighted)}

    def done(self, form: Sum, state: SumState, limits: Limits) -> bool:
        return state.finished or state.bound >= limits.cutoff
