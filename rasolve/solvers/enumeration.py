"""`enumeration`: every alternative of a choice, the most promising first, as far as bounds do not exclude it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rasolve.forms import Alternative, Choice, Chosen, Form
from rasolve.solvers.abreast import InStep
from rasolve.solvers.base import State
from rasolve.solvers.each import Answers, solve_each, takes_many
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

SHARE = 0.8
"""Share of the time left that the alternatives of one step may take while others wait."""


@dataclass(frozen=True, eq=False)
class EnumerationState(State):
    """Alternatives still to be looked at, by rising bound; the least bound of the others; the winner's multipliers.

    ``late`` says that time was short for one of the others.
    """

    waiting: tuple[Alternative, ...]
    examined_bound: float
    worth: dict[str, Any]
    late: bool = False

    @property
    def cut_short(self) -> bool:
        """Whether an alternative's solver ran out of time."""
        return self.late


@register
@dataclass(frozen=True)
class Enumeration(InStep[Choice, EnumerationState]):
    """Best-first enumeration with pruning (textbook branch and bound at depth one); exact where sub-solvers are.

    The alternative of the least bound, or the one that the start has chosen, is solved first. Each other is solved with
    the incumbent as its cutoff, so that a poor one costs no more than the proof that it is poor; where their solvers
    take many forms at once, all of them together. Under a time limit some is kept for those proofs.
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

    def step_each(
        self, forms: Sequence[Choice], states: Sequence[EnumerationState], limits: Limits
    ) -> list[EnumerationState]:
        cutoffs = limits.cutoffs((len(states),)).tolist()
        turns = [_turn(*each, limits) for each in zip(states, cutoffs, limits.start, strict=True)]
        asked = [(turn, a.form) for turn in turns for a in turn.asked if a.form is not None]
        inner = limits.inner_each([turn.cutoff for turn, _ in asked], [turn.start for turn, _ in asked])
        share = SHARE if any(turn.others for turn in turns) else 1.0
        answers = solve_each([form for _, form in asked], inner.sharing(share))
        after, done = [], 0
        for state, turn in zip(states, turns, strict=True):
            solved = sum(a.form is not None for a in turn.asked)
            late = state.late or answers.cut_short(range(done, done + solved), limits)
            after.append(_explored(state, turn, answers, done, late))
            done += solved
        return after

    def multipliers(self, form: Choice, state: EnumerationState) -> dict[str, Any]:
        """Return the multipliers of the winner's form."""
        return state.worth

    def done(self, form: Choice, state: EnumerationState, limits: Limits) -> bool:
        return not state.waiting or state.waiting[0].bound >= limits.cutoff_below(state.objective)


@dataclass(frozen=True, eq=False)
class _Turn:
    """What a choice has solved in one step: alternatives below a cutoff, from a start or none; the others wait."""

    asked: tuple[Alternative, ...]
    others: tuple[Alternative, ...]
    cutoff: float
    start: Any = None


def _turn(state: EnumerationState, cutoff: float, start: Chosen | None, limits: Limits) -> _Turn:
    """Return the next alternative, or once there is an incumbent all that are left, if they can be solved together."""
    cutoff, waiting = limits.cutoff_below(state.objective, cutoff), state.waiting
    if start is not None and state.examined_bound == INFINITY:
        for i, alternative in enumerate(waiting):
            if alternative.label == start.label:
                return _Turn((alternative,), waiting[:i] + waiting[i + 1 :], cutoff, start.value)
    several = state.value is not None and waiting[0].form is not None and takes_many(waiting[0].form)
    left = max(1, sum(a.bound < cutoff for a in waiting)) if several else 1
    return _Turn(waiting[:left], waiting[left:], cutoff)


def _explored(state: EnumerationState, turn: _Turn, answers: Answers, place: int, late: bool) -> EnumerationState:
    """Return where a choice stands after its turn; the answers to its alternatives begin at a place."""
    best, examined = state, [state.examined_bound]
    for alternative in turn.asked:
        objective = bound = alternative.bound
        if alternative.form is not None:
            objective, bound = float(answers.objective[place]), max(bound, float(answers.bound[place]))
            place += 1
        examined.append(bound)
        if objective < best.objective:
            solution = answers[place - 1] if alternative.form is not None else None
            value = Chosen(alternative.label, solution.value if solution else None)
            best = EnumerationState(value, objective, bound, (), bound, solution.multipliers if solution else {})
    waiting = tuple(a for a in turn.others if a.bound < INFINITY)
    bound = min([*examined, *(a.bound for a in waiting[:1])])
    return EnumerationState(best.value, best.objective, bound, waiting, min(examined), best.worth, late)
