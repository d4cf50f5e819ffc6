"""`sum`: solves independent terms one by one, each with what the others leave below the cutoff."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.forms import Form, Sum, Termination
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class SumState(State):
    """The sum's bound so far, and whether every term that matters has been solved."""

    finished: bool = False


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
        values, objective, bound = [], form.constant, state.bound
        for term in form.terms:
            spared = (limits.cutoff - bound) / term.weight
            solution = solve_form(term.form, limits=limits.inner(cutoff=term.bound + spared))
            bound += term.weight * (max(solution.bound, term.bound) - term.bound)
            objective += term.weight * solution.objective
            values.append(solution.value)
            if solution.termination in (Termination.CUTOFF, Termination.INFEASIBLE):
                return SumState(None, INFINITY, bound, finished=True)
        return SumState(tuple(values), objective, bound, finished=True)

    def done(self, form: Sum, state: SumState, limits: Limits) -> bool:
        return state.finished or state.bound >= limits.cutoff
