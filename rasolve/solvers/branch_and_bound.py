"""`branch_and_bound`: a multiple choice over boxes of levels, bounded by prices on the shared links."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from rasolve.forms import Form, MultipleChoice, Picked, Solution
from rasolve.forms.multiple_choice import BoolArray
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.multiple_choice.boxes import Box, CountedMenu
from rasolve.solvers.multiple_choice.branching import FEW, branched
from rasolve.solvers.registry import register, solve_form

LITTLE = 0.1
"""Where links are relaxed or solved by a heuristic, the bound may stay this share below what it can attain at most.

The share is of the gap that remains then, which no branching closes."""


@dataclass(frozen=True, eq=False)
class Node:
    """An open box of a menu; nodes are taken up by rising bound, the oldest first."""

    bound: float
    age: int
    menu: int
    box: Box

    def __lt__(self, other: Node) -> bool:
        return (self.bound, self.age) < (other.bound, other.age)


@dataclass(frozen=True, eq=False)
class Memory:
    """What has been solved: picks, by menu and options; earliest deadlines, by menu, load, offsets and payloads."""

    picks: dict[tuple[int, bytes], Solution] = field(default_factory=dict)
    levels: dict[tuple[int, int, bytes, bytes], float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TreeState(State):
    """Open nodes by rising bound, the least cutoff or bound of what is closed, how many nodes were made, multipliers.

    ``begun`` says whether common options have been tried; ``attainable`` is the least bound on picks that were solved:
    more cannot be proved. ``memory`` only spares solving the same again.
    """

    menus: tuple[CountedMenu, ...]
    open: tuple[Node, ...]
    begun: bool = False
    closed: float = INFINITY
    attainable: float = INFINITY
    nodes: int = 0
    worth: dict[str, Any] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)

    @property
    def enough(self) -> float:
        """The bound that is worth no further branching."""
        if self.objective == INFINITY:
            return INFINITY
        return self.attainable - LITTLE * (self.objective - self.attainable)


@register
@dataclass(frozen=True)
class BranchAndBound(Solver[MultipleChoice, TreeState]):
    """Best-first branch and bound over boxes (ours); exact where the links' solvers are.

    Several maxima share the picks, so no bisection on one deadline decides. But between given levels of all maxima only
    the links' bands and powers couple the clients, and prices on these decouple them: each client takes its cheapest
    option. Boxes are split where the bound falls short most: by the level of one maximum or, where levels are narrow,
    by the options of a client on which the best prices do not agree. What is picked at these prices is solved as it
    stands, and so are boxes in which every client has one option left. Starts from the best option that all clients
    have in common, or nearly.
    """

    name = "branch_and_bound"
    form = MultipleChoice
    purpose = "exact: boxes of levels, bounded by prices on the shared links"
    exact = True

    def parts(self, form: MultipleChoice) -> tuple[Form, ...]:
        return tuple(load.link for menu in form.menus for load in menu.loads)

    def init(self, form: MultipleChoice, limits: Limits) -> TreeState:
        menus = tuple(map(CountedMenu.of, form.menus))
        whole = [menu.whole() for menu in menus]
        nodes = sorted(Node(box.bound, i, i, box) for i, box in enumerate(whole) if box.bound < INFINITY)
        bound = nodes[0].bound if nodes else INFINITY
        return TreeState(None, INFINITY, bound, menus, tuple(nodes), nodes=len(whole))

    def step(self, form: MultipleChoice, state: TreeState, limits: Limits) -> TreeState:
        if not state.begun:
            return self._begun(form, state, limits)
        node, *rest = state.open
        menu, cutoff = state.menus[node.menu], min(limits.cutoff_below(state.objective), state.enough)
        state = replace(state, open=tuple(rest), closed=min(state.closed, cutoff))
        box = menu.narrowed(node.box, cutoff, lambda *loads: _least_level(node.menu, loads, state, limits))
        if box.bound >= cutoff:
            return _bounded(state)
        if box.picks_left <= FEW:
            for picks in product(*map(np.flatnonzero, box.allowed)):
                state, bound = self._tried(state, form, node.menu, np.asarray(picks, dtype=np.int64), limits)
                state = replace(state, closed=min(state.closed, max(box.bound, bound)))
            return _bounded(state)
        children, option = branched(menu, box, cutoff)
        return _bounded(self._tried(_with_nodes(state, node.menu, children), form, node.menu, option, limits)[0])

    def done(self, form: MultipleChoice, state: TreeState, limits: Limits) -> bool:
        """Return whether no open box can hold anything better, or raise the bound any more."""
        cutoff = min(limits.cutoff_below(state.objective), state.closed, state.enough)
        return not state.open or state.open[0].bound >= cutoff

    def multipliers(self, form: MultipleChoice, state: TreeState) -> dict[str, Any]:
        """Return under "terms" the multipliers of every link at the picks, times its weight."""
        return state.worth

    def _begun(self, form: MultipleChoice, state: TreeState, limits: Limits) -> TreeState:
        """Return the state with the start, if it fits, and the best of the options that are common or nearly so.

        Without any cutoff then, no box would have an end, and nothing more can be said.
        """
        for i, option in _started(form, limits.start):
            state, _ = self._tried(state, form, i, option, limits)
        common = [
            (state.menus[node.menu].least_at(option), node.menu, option)
            for node in state.open
            for option in _nearest(form.menus[node.menu].allowed)
        ]
        for bound, i, option in sorted(common, key=lambda candidate: candidate[0]):
            if bound < limits.cutoff_below(state.objective):
                state, _ = self._tried(state, form, i, option, limits)
        endless = limits.cutoff_below(state.objective) == INFINITY
        return replace(
            state, begun=True, open=() if endless else state.open, closed=state.bound if endless else INFINITY
        )

    def _tried(
        self, state: TreeState, form: MultipleChoice, menu: int, option: IntArray, limits: Limits
    ) -> tuple[TreeState, float]:
        """Return the state with the picked options solved as they stand, if they are better, and a bound on them."""
        key = menu, option.tobytes()
        if key not in state.memory.picks:
            inner = _forgetful(limits, limits.cutoff_below(state.objective))
            state.memory.picks[key] = solve_form(form.menus[menu].at(option), limits=inner)
        found = state.memory.picks[key]
        bound = found.bound
        if state.menus[menu].relaxed:
            least = state.menus[menu].relaxed_at(option, lambda *loads: _least_level(menu, loads, state, limits))
            bound = max(bound, least)
        if found.objective < state.objective:
            value = Picked(form.menus[menu].label, option, found.value)
            state = replace(state, value=value, objective=found.objective, worth=found.multipliers)
        return replace(state, attainable=min(state.attainable, bound)), bound


def _bounded(state: TreeState) -> TreeState:
    """Return the state with the bound that its open and closed nodes give."""
    least = min([state.closed, *(node.bound for node in state.open[:1])])
    return replace(state, bound=max(state.bound, min(least, state.objective)))


def _with_nodes(state: TreeState, menu: int, boxes: tuple[Box, ...]) -> TreeState:
    waiting = list(state.open)
    for age, box in enumerate(boxes, state.nodes):
        insort(waiting, Node(box.bound, age, menu, box))
    return replace(state, open=tuple(waiting), nodes=state.nodes + len(boxes))


def _least_level(menu: int, at: tuple[int, FloatArray, FloatArray], state: TreeState, limits: Limits) -> float:
    """Return the proved earliest deadline of a load's counted link at offsets and payloads [K], solved once."""
    i, offset_s, payload_bits = at
    key = menu, i, offset_s.tobytes(), payload_bits.tobytes()
    if key not in state.memory.levels:
        link = replace(state.menus[menu].loads[i].load.link, offset_s=offset_s, payload_bits=payload_bits)
        state.memory.levels[key] = solve_form(link, limits=_forgetful(limits)).bound
    return state.memory.levels[key]


def _forgetful(limits: Limits, cutoff: float = INFINITY) -> Limits:
    """Return limits for a sub-form that will never come again as the same object, so that nobody remembers it."""
    return replace(limits.inner(cutoff), solved={})


def _started(form: MultipleChoice, start: Any) -> list[tuple[int, IntArray]]:
    """Return the menu and the options of a start, where they are allowed."""
    if start is None or form.judge(start) == INFINITY:
        return []
    labels = [menu.label for menu in form.menus]
    return [(labels.index(start.label), start.option)]


def _nearest(allowed: BoolArray) -> list[IntArray]:
    """Return, for every option j, each client's allowed option that is nearest to j [K]."""
    places = np.arange(allowed.shape[1])
    away = np.where(allowed[:, None, :], np.abs(places - places[:, None]), len(places))
    return list(away.argmin(axis=2).T)
