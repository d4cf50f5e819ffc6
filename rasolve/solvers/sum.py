"""`sum`: solves independent terms one by one, each with what the others leave below the cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasolve.forms import Form, Solution, Sum, Term, Termination
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class SumState(State):
    """Whether every term that matters has been solved, and in time, and the multipliers of each term by itself."""

    finished: bool = False
    worth: tuple[dict[str, Any], ...] = ()
    late: bool = False

    def cut_short(self) -> bool:
        return self.late


@register
@dataclass(frozen=True)
class SumOfTerms(Solver[Sum, SumState]):
    """Independent terms are minimised apart (textbook); exact where the terms' solvers are.

    A term may stop as soon as its bound shows the whole sum at or above the cutoff; then the rest is left unsolved.
    What time is left is shared equally by the terms that are left.
    """

    name = "sum"
    form = Sum
    purpose = "exact: each independent term by its own solver"
    exact = True

    def parts(self, form: Sum) -> tuple[Form, ...]:
        return tuple(term.form for term in form.terms)

    def init(self, form: Sum, limits: Limits) -> SumState:
        known = sum(term.weight * _known(term, limits) for term in form.terms)
        return SumState(None, INFINITY, form.constant + known)

    def step(self, form: Sum, state: SumState, limits: Limits) -> SumState:
        solutions: list[Solution] = []
        objective, bound = form.constant, state.bound
        for place, term in enumerate(form.terms):
            known = _known(term, limits)
            cutoff = known + (limits.cutoff - bound) / term.weight if term.weight > 0 else INFINITY
            solution = solve_form(term.form, limits=limits.inner(cutoff, share=1 / (len(form.terms) - place)))
            if solution.termination is Termination.INFEASIBLE:
                return SumState(None, INFINITY, INFINITY, finished=True)
            bound += term.weight * (max(solution.bound, known) - known)
            if solution.value is None:
                return SumState(None, INFINITY, bound, finished=True)
            objective += term.weight * solution.objective
            solutions.append(solution)
        return SumState(
            tuple(solution.value for solution in solutions),
            objective,
            bound,
            finished=True,
            worth=tuple(solution.multipliers for solution in solutions),
            late=any(solution.termination is Termination.TIME_LIMIT for solution in solutions),
        )

    def multipliers(self, form: Sum, state: SumState) -> dict[str, Any]:
        """Return under "terms" the multipliers of every term, times its weight: what they are worth to the sum."""
        weighted = zip(form.terms, state.worth, strict=True)
        return {"terms": tuple({name: term.weight * m for name, m in worth.items()} for term, worth in weighted)}

    def done(self, form: Sum, state: SumState, limits: Limits) -> bool:
        return state.finished or state.bound >= limits.cutoff


def _known(term: Term, limits: Limits) -> float:
    """Return the best bound on a term's form: the given one, or what its solver proved before in this run."""
    solved = limits.solved.get(term.form)
    return term.bound if solved is None else max(term.bound, solved.bound)
