"""`sum`: solves independent terms one by one, each with what the others leave below the cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rasolve.forms import Form, Solution, Sum, Term
from rasolve.solvers.abreast import InStep
from rasolve.solvers.base import State
from rasolve.solvers.each import solve_each
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class SumState(State):
    """Whether every term that matters has been solved, each one's multipliers, and whether time was short for one."""

    finished: bool = False
    worth: tuple[dict[str, Any], ...] = ()
    late: bool = False

    @property
    def cut_short(self) -> bool:
        """Whether a term's solver ran out of time."""
        return self.late


@register
@dataclass(frozen=True)
class SumOfTerms(InStep[Sum, SumState]):
    """Independent terms are minimised apart (textbook); exact where the terms' solvers are.

    A term may stop as soon as its bound shows the whole sum at or above the cutoff; then the rest is left unsolved.
    Terms that were solved before in this run count from the beginning with what they came to. What time is left is
    shared equally by the terms that are left.
    """

    name = "sum"
    form = Sum
    purpose = "exact: each independent term by its own solver"
    exact = True

    def parts(self, form: Sum) -> tuple[Form, ...]:
        return tuple(term.form for term in form.terms)

    def init(self, form: Sum, limits: Limits) -> SumState:
        return SumState(None, INFINITY, form.constant + sum(t.weight * _least(t, limits) for t in form.terms))

    def step_each(self, forms: Sequence[Sum], states: Sequence[SumState], limits: Limits) -> list[SumState]:
        outer = limits.cutoffs((len(forms),)).tolist()
        objective, bound = [form.constant for form in forms], [state.bound for state in states]
        solved: list[list[Solution]] = [[] for _ in forms]
        late = [False for _ in forms]
        places = max(len(form.terms) for form in forms)
        for place in range(places):
            asked = [i for i, form in enumerate(forms) if place < len(form.terms) and place == len(solved[i])]
            terms = [forms[i].terms[place] for i in asked]
            least = [_least(term, limits) for term in terms]
            cutoffs = [
                low + (outer[i] - bound[i]) / term.weight if term.weight > 0 else INFINITY
                for i, term, low in zip(asked, terms, least, strict=True)
            ]
            starts = [None if limits.start[i] is None else limits.start[i][place] for i in asked]
            answers = solve_each(
                [term.form for term in terms], limits.inner_each(cutoffs, starts).sharing(1 / (places - place))
            )
            proved, found = answers.bound.tolist(), answers.objective.tolist()
            for j, (i, term, low) in enumerate(zip(asked, terms, least, strict=True)):
                late[i] |= answers.cut_short([j], limits)
                bound[i] = INFINITY if proved[j] == INFINITY else bound[i] + term.weight * (max(proved[j], low) - low)
                if found[j] < INFINITY:
                    objective[i] += term.weight * found[j]
                    solved[i].append(answers[j])
        return [_state(*each) for each in zip(forms, objective, bound, solved, late, strict=True)]

    def multipliers(self, form: Sum, state: SumState) -> dict[str, Any]:
        """Return under "terms" the multipliers of every term, times its weight: what they are worth to the sum."""
        weighted = zip(form.terms, state.worth, strict=True)
        return {"terms": tuple({name: term.weight * m for name, m in worth.items()} for term, worth in weighted)}

    def done(self, form: Sum, state: SumState, limits: Limits) -> bool:
        return state.finished or state.bound >= limits.cutoff


def _state(form: Sum, objective: float, bound: float, solved: list[Solution], late: bool) -> SumState:
    """Return where a sum stands after those of its terms that could be solved."""
    if len(solved) < len(form.terms):
        return SumState(None, INFINITY, float(bound), finished=True, late=late)
    values, worth = tuple(s.value for s in solved), tuple(s.multipliers for s in solved)
    return SumState(values, float(objective), float(bound), finished=True, worth=worth, late=late)


def _least(term: Term, limits: Limits) -> float:
    """Return the best bound that is known of a term's form."""
    known = limits.solved.get(term.form)
    return max(term.bound, known.bound) if known is not None else term.bound
