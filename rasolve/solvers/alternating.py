"""`alternating`: one block after another, an answer accepted only when it improves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasolve.forms import Blocks
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class AlternatingState(State):
    """The current point, the block whose turn it is, and how many blocks in a row have not improved it."""

    turn: int
    idle: int


@register
@dataclass(frozen=True)
class Alternating(Solver[Blocks, AlternatingState]):
    """Block coordinate descent (published as alternating optimization in arXiv 2504.14667).

    Acceptance only on improvement is ours: a heuristic block may answer with something worse, and with this rule the
    objective descends at every step, whatever the blocks' solvers do. Stops after a whole round without improvement.
    """

    name = "alternating"
    form = Blocks
    purpose = "published: alternating optimization, block by block; the bound is the problem's cheap one"

    def init(self, form: Blocks, limits: Limits) -> AlternatingState:
        starts = [point for point in (limits.start, form.start) if point is not None]
        if not starts or form.bound == INFINITY:
            return AlternatingState(None, INFINITY, INFINITY, 0, len(form.blocks))
        return self._state(form, starts[0], form.objective(starts[0]), turn=0, idle=0)

    def step(self, form: Blocks, state: AlternatingState, limits: Limits) -> AlternatingState:
        block = form.blocks[state.turn]
        turn = (state.turn + 1) % len(form.blocks)
        formulation = block.formulate(state.value)
        solution = solve_form(formulation.form, block.solver, limits.inner())
        if solution.value is not None:
            point = formulation.lift(solution.value)
            objective = form.objective(point)
            if objective < state.objective:
                return self._state(form, point, objective, turn, idle=0)
        return self._state(form, state.value, state.objective, turn, state.idle + 1)

    def done(self, form: Blocks, state: AlternatingState, limits: Limits) -> bool:
        return state.idle >= len(form.blocks)

    @staticmethod
    def _state(form: Blocks, point: Any, objective: float, turn: int, idle: int) -> AlternatingState:
        return AlternatingState(point, objective, form.bound, turn, idle)
