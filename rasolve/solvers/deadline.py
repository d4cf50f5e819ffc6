"""`deadline`: the smallest deadline that a budget can meet, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.forms import MinMaxShares, Shares
from rasolve.numerics import ROUNDING, Bracket, bracket, narrow
from rasolve.solvers.base import Solver
from rasolve.solvers.batch import BatchState
from rasolve.solvers.limits import Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class DeadlineState(BatchState):
    """The bracket around each instance's deadline: feasible above, infeasible below."""

    bracket: Bracket


@register
@dataclass(frozen=True)
class Deadline(Solver[MinMaxShares, DeadlineState]):
    """Bracketed search on the deadline: needs fall as it grows, so its sign change is the optimum (ours; exact).

    Interpolates in logarithms and never leaves the bracket, which is the certificate: its infeasible end is the bound.
    """

    name = "deadline"
    form = MinMaxShares
    purpose = "exact: bracketed search on the deadline, vectorised over a batch"
    exact = True
    batched = True

    def init(self, form: MinMaxShares, limits: Limits) -> DeadlineState:
        return self._state(form, bracket(form.residual, form.floor, form.floor + 1.0))

    def step(self, form: MinMaxShares, state: DeadlineState, limits: Limits) -> DeadlineState:
        return self._state(form, narrow(state.bracket, form.residual))

    def done(self, form: MinMaxShares, state: DeadlineState, limits: Limits) -> bool:
        return bool(state.bracket.closed.all())

    def multipliers(self, form: MinMaxShares, state: DeadlineState) -> dict[str, Any]:
        """Return the worth of the budget, -dτ/d(budget) >= 0 [...], by a difference; 0 where caps decide."""
        deadline = state.bracket.feasible
        step = np.maximum(1e-6 * (deadline - form.floor), 256 * np.spacing(deadline))
        slope = (form.need(deadline + step).sum(-1) - form.need(deadline).sum(-1)) / step
        slack = form.need(deadline).sum(-1) < form.budget * (1 - ROUNDING)
        return {"budget": np.where(slack, 0.0, -1.0 / slope)}

    @staticmethod
    def _state(form: MinMaxShares, b: Bracket) -> DeadlineState:
        met, missed = b.feasible, b.infeasible
        value = Shares(met, form.need(met)) if np.isfinite(met).all() else None
        return DeadlineState(value, float(met.max()), float(missed.max()), met, missed, b)
