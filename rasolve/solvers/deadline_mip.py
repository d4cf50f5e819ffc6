"""`deadline_mip`: from deadline to deadline, each decided by mixed-integer programming, after the Lagrangian's bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rasolve.forms import FixedDensityLink, Link, OfdmaLink
from rasolve.solvers import assignment, configurations
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.exchange import polish
from rasolve.solvers.lagrangian import SETTLED, Lagrangian, LagrangianState
from rasolve.solvers.question import Answer
from rasolve.solvers.registry import register

LEAST_STEP = 1e-12
"""Least relative step below the incumbent at which the next deadline is asked for."""


@dataclass(frozen=True, eq=False)
class DeadlineMipState(State):
    """Where the Lagrangian stands, the earliest deadline that stayed undecided, what was learnt, whether it is over."""

    relaxed: LagrangianState
    undecided: float = INFINITY
    memory: Any = None
    over: bool = False


@register
@dataclass(frozen=True)
class DeadlineMip(Solver[Link, DeadlineMipState]):
    """Deadline after deadline (ours): a plan found gives an earlier one, a refuted one is the bound.

    `lagrangian` comes first. Then the deadline just below the incumbent is asked for, within half the wanted gap. At
    given densities the question is a mixed-integer program in who owns what (`rasolve.solvers.assignment`, refuted up
    to HiGHS's tolerance, with a margin); with free power it is asked over whole sets of subchannels
    (`rasolve.solvers.configurations`, refuted in floating point). Where the effort for one deadline is spent without an
    answer, halving finds the latest deadline that can be refuted, and a gap remains. ``effort`` multiplies what one
    deadline may take: rounds of prices, sets listed, nodes of search trees; nothing depends on the clock.
    """

    name = "deadline_mip"
    form = Link
    purpose = "deadline after deadline by column generation or a mixed-integer program: mostly ends with a proved optimum"
    tightens = True

    effort: float = 1.0

    def refuses(self, form: Link) -> str | None:
        return None if isinstance(form, (OfdmaLink, FixedDensityLink)) else f"it has no program for a {form.name}"

    def init(self, form: Link, limits: Limits) -> DeadlineMipState:
        return _with(Lagrangian().init(form, limits))

    def step(self, form: Link, state: DeadlineMipState, limits: Limits) -> DeadlineMipState:
        lagrangian = Lagrangian()
        if not lagrangian.done(form, state.relaxed, limits):
            return _with(lagrangian.step(form, state.relaxed, limits))
        goal = min(state.objective * (1 - max(0.5 * limits.gap, LEAST_STEP)), limits.cutoff)
        at = goal if state.undecided == INFINITY else 0.5 * (state.bound + state.undecided)
        answer = self._ask(form, at, state, limits)
        bound = min(max(state.bound, answer.refuted), state.objective)
        state = replace(state, bound=bound, memory=answer.memory)
        if answer.owner is not None:
            _, value, objective = polish(form, answer.owner)
            if objective < state.objective:
                return replace(state, value=value, objective=objective, bound=min(bound, objective))
        if bound < at:
            state = replace(state, undecided=at)
        return replace(state, over=bound >= goal or self._settled(state))

    def _ask(self, form: Link, deadline: float, state: DeadlineMipState, limits: Limits) -> Answer:
        if isinstance(form, FixedDensityLink):
            return assignment.ask(form, deadline, state.bound, round(assignment.NODES * self.effort), limits)
        assert isinstance(form, OfdmaLink)
        effort = configurations.Effort().times(self.effort)
        return configurations.ask(form, deadline, form.owners(state.value), state.memory, effort, limits)

    @staticmethod
    def _settled(state: DeadlineMipState) -> bool:
        return state.undecided - state.bound <= SETTLED * (state.objective - state.bound)

    def done(self, form: Link, state: DeadlineMipState, limits: Limits) -> bool:
        if not Lagrangian().done(form, state.relaxed, limits):
            return False
        return state.over or state.bound >= min(limits.cutoff, state.objective)

    def multipliers(self, form: Link, state: DeadlineMipState) -> dict[str, Any]:
        return form.worth(state.value)


def _with(relaxed: LagrangianState) -> DeadlineMipState:
    return DeadlineMipState(relaxed.value, relaxed.objective, relaxed.bound, relaxed)
