"""`deadline_mip`: from deadline to deadline, each decided over sets of subchannels or by a mixed-integer program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from rasolve.errors import InputError, is_real
from rasolve.forms import FixedDensityLink, Link, OfdmaLink
from rasolve.solvers.base import Solver, State
from rasolve.solvers.lagrangian import SETTLED, Lagrangian, LagrangianState
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links import assignment, configurations, tangents
from rasolve.solvers.links.exchange import polish
from rasolve.solvers.links.question import Answer
from rasolve.solvers.links.relaxation import Effort
from rasolve.solvers.registry import register

LEAST_STEP = 1e-12
"""Least relative step below the incumbent at which the next deadline is asked for."""

SHARE = 0.4
"""Share of the time left that one deadline may take."""

NEXT = 0.25
"""Where between the bound and an undecided deadline to ask next: what is near the bound is decided quickly."""

NODES = 2e6
"""Usual nodes of a search tree times K·M."""

LARGEST = 20_000
"""K·M up to which deadlines are asked for; beyond, the Lagrangian has the last word."""

COARSE = 1e-6
"""Relative step below the incumbent that a program with HiGHS's tolerance can tell from none."""


@dataclass(frozen=True, eq=False)
class DeadlineMipState(State):
    """Where the Lagrangian stands, the earliest deadline that stayed undecided, what was learnt, whether it is over."""

    relaxed: LagrangianState
    undecided: float = INFINITY
    memory: Any = None
    over: bool = False

    def after(self, relaxed: LagrangianState) -> DeadlineMipState:
        """Return the state after a step of the Lagrangian: the better plan, the better bound."""
        better = relaxed if relaxed.objective < self.objective else self
        bound = min(max(self.bound, relaxed.bound), better.objective)
        relaxed = replace(relaxed, value=better.value, objective=better.objective, bound=bound)
        return replace(self, value=better.value, objective=better.objective, bound=bound, relaxed=relaxed)


@register
@dataclass(frozen=True)
class DeadlineMip(Solver[Link, DeadlineMipState]):
    """Deadline after deadline (ours): a plan found gives an earlier one, a refuted one is the bound.

    `lagrangian` comes first. Then the deadline just below the incumbent is asked for, within half the wanted gap. At
    given densities the question is a mixed-integer program in who owns what (`rasolve.solvers.links.assignment`,
    refuted up to HiGHS's tolerance, with a margin); with free power it is asked over whole sets of subchannels
    (`rasolve.solvers.links.configurations`, refuted in floating point). Where the effort for one deadline is spent
    without an answer, earlier ones, the next a quarter of the way from the bound, find the latest deadline that can be
    refuted, and a gap remains. ``effort`` multiplies what one deadline may take: rounds of prices, sets listed, nodes
    of search trees. Without a time limit nothing depends on the clock; within one, each has a share of what is left.
    """

    name = "deadline_mip"
    form = Link
    purpose = "deadline after deadline, by column generation and mixed-integer programs: mostly a proved optimum"
    tightens = True

    effort: float = 1.0

    def __post_init__(self) -> None:
        if not (is_real(self.effort) and 0 < self.effort < INFINITY):
            raise InputError(f"effort = {self.effort!r}: must be finite and above 0")

    def refuses(self, form: Link) -> str | None:
        return None if isinstance(form, (OfdmaLink, FixedDensityLink)) else f"it has no program for a {form.name}"

    def init(self, form: Link, limits: Limits) -> DeadlineMipState:
        relaxed = Lagrangian().init(form, limits)
        return DeadlineMipState(relaxed.value, relaxed.objective, relaxed.bound, relaxed)

    def step(self, form: Link, state: DeadlineMipState, limits: Limits) -> DeadlineMipState:
        relaxed = state.relaxed
        small = form.clients * form.subchannels <= LARGEST * self.effort
        if relaxed.prices is None or not small or not (relaxed.settled or self._asks_early(form, state)):
            relaxed = Lagrangian().step(form, relaxed, limits)
            return replace(state.after(relaxed), over=not small and relaxed.settled)
        goal = min(state.objective * (1 - max(0.5 * limits.gap, LEAST_STEP)), limits.cutoff)
        at = goal if state.undecided == INFINITY else state.bound + NEXT * (state.undecided - state.bound)
        answer = self._ask(form, at, state, limits.sharing(SHARE))
        state = replace(state, bound=min(max(state.bound, answer.refuted), state.objective), memory=answer.memory)
        if answer.owner is not None:
            _, value, objective = polish(form, answer.owner)
            if objective < state.objective:
                bound = min(state.bound, objective)
                return replace(state, value=value, objective=objective, bound=bound, undecided=INFINITY)
        if state.bound >= at:
            return replace(state, over=at >= goal)
        state = replace(state, undecided=at)
        return replace(state, over=self._settled(state))

    @staticmethod
    def _asks_early(form: Link, state: DeadlineMipState) -> bool:
        """Return whether to ask before the Lagrangian has settled: sets of subchannels have prices of their own."""
        return isinstance(form, OfdmaLink) and state.undecided == INFINITY

    def _ask(self, form: Link, deadline: float, state: DeadlineMipState, limits: Limits) -> Answer:
        if isinstance(form, FixedDensityLink):
            return assignment.ask(form, deadline, state.bound, self._nodes(form), limits)
        assert isinstance(form, OfdmaLink) and state.relaxed.prices is not None
        owner, effort = form.owners(state.value), Effort.usual(self.effort, limits)
        answer = configurations.ask(form, deadline, owner, state.relaxed.prices, state.memory, effort)
        if answer.decided(deadline) or perf_counter() >= limits.deadline:
            return answer
        for at in sorted({min(deadline, state.objective * (1 - COARSE)), deadline}):
            answer = replace(tangents.ask(form, at, owner, self._nodes(form), limits), memory=answer.memory)
            if answer.refuted < at:
                break
        return answer

    def _nodes(self, form: Link) -> int:
        """Return how many nodes one search tree may have: the fewer, the larger its programs are."""
        return max(1, round(self.effort * NODES / (form.clients * form.subchannels)))

    @staticmethod
    def _settled(state: DeadlineMipState) -> bool:
        gap = state.objective - state.bound
        return gap <= 2 * COARSE * state.objective or state.undecided - state.bound <= SETTLED * gap

    def done(self, form: Link, state: DeadlineMipState, limits: Limits) -> bool:
        return state.over or state.bound >= min(limits.cutoff, state.objective)

    def multipliers(self, form: Link, state: DeadlineMipState) -> dict[str, Any]:
        return form.worth(state.value)
