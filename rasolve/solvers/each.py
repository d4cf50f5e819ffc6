"""Forms of any kinds in one call, each by its automatic solver: together where that takes many, else one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rasolve.forms import Form, Solution, Termination
from rasolve.solvers.base import Solver
from rasolve.solvers.batch import solve_alike
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import chosen, solve_form


class Answers(Sequence[Solution]):
    """The answers to forms of any kinds: objectives and bounds [n], and by index each one's `Solution`."""

    def __init__(self, size: int) -> None:
        self.objective, self.bound = np.full(size, INFINITY), np.full(size, -INFINITY)
        self._places: list[tuple[Sequence[Solution], int]] = [((), 0)] * size

    def put(self, members: Sequence[int], found: Sequence[Solution], objective: ArrayLike, bound: ArrayLike) -> None:
        """Enter the answers to the members."""
        self.objective[members], self.bound[members] = objective, bound
        for place, member in enumerate(members):
            self._places[member] = (found, place)

    def cut_short(self, members: Iterable[int], limits: Limits) -> bool:
        """Return whether the solver of some member ran out of time."""
        return limits.deadline < INFINITY and any(self[i].termination is Termination.TIME_LIMIT for i in members)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        found, place = self._places[index]
        return found[place]


def solve_each(forms: Sequence[Form], limits: Limits) -> Answers:
    """Solve forms of any kinds by their automatic solvers: together where these take many, else one by one.

    ``limits.start`` has an entry for each form, or is None. A form that was solved to optimality before in this run is
    not solved again. What time is left is shared equally by the forms that are left.
    """
    answers, left = Answers(len(forms)), len(forms)
    for taker, members in _takers(forms, limits):
        if taker is None or not taker.takes_many or len(members) == 1:
            found = []
            for i in members:
                found.append(solve_form(forms[i], limits=limits.alone(i).sharing(1 / left)))
                left -= 1
            answers.put(members, found, [s.objective for s in found], [s.bound for s in found])
            continue
        together = solve_alike(taker, [forms[i] for i in members], limits.of(members).sharing(len(members) / left))
        left -= len(members)
        answers.put(members, together, together.objective, together.bound)
        for place in np.flatnonzero(together.terminations == Termination.OPTIMAL):
            limits.solved[forms[members[place]]] = together[place]
    return answers


def _takers(forms: Sequence[Form], limits: Limits) -> list[tuple[Solver[Any, Any] | None, list[int]]]:
    """Return the automatic solvers with the forms that each of them takes; none for what is solved already."""
    known: dict[type[Form], Solver[Any, Any]] = {}
    members: dict[str, tuple[Solver[Any, Any] | None, list[int]]] = {}
    for i, form in enumerate(forms):
        taker = None
        if form not in limits.solved:
            taker = known.get(type(form))
            if taker is None or taker.refuses(form):
                taker = known[type(form)] = chosen(form, "auto", {})
        members.setdefault(taker.name if taker else "", (taker, []))[1].append(i)
    return list(members.values())


def takes_many(form: Form) -> bool:
    """Return whether the automatic solvers of this form and of all its parts take many forms at once."""
    taker = chosen(form, "auto", {})
    return taker.takes_many and all(map(takes_many, taker.parts(form)))
