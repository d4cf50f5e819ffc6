"""`prices`: one price for each budget makes the items independent; the dual is the bound, its repair the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import Response, Separable
from rasolve.forms.dual import Ray, beyond, enclose, narrow
from rasolve.forms.separable import Priced
from rasolve.solvers.base import Solver, State
from rasolve.solvers.items.boxstep import Planes, first_planes, one_more
from rasolve.solvers.items.repair import MIXED, mixed, raised, repaired
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class PricesState(State):
    """The ray, for several budgets the planes that follow it, and whether the answer has been repaired."""

    ray: Ray
    planes: Planes | None = None
    repaired: bool = False

    @property
    def prices(self) -> Any:
        """The best prices found [B]."""
        return self.ray.prices if self.planes is None else self.planes.prices


@register
@dataclass(frozen=True)
class Prices(Solver[Separable, PricesState]):
    """Lagrangian relaxation (textbook): prices that maximise the dual, then an answer from both sides of them.

    With one budget the dual is a concave function of one number; with several it is followed along one ray first, then
    by cutting planes. Just above the best prices the budgets are kept, just below they are not: items are exchanged
    between the two responses as far as the budgets allow, and what is left of these goes to the items held to their
    alternatives (ours). The gap that remains is mostly that of the dual, a few items' worth.
    """

    name = "prices"
    form = Separable
    purpose = "Lagrangian dual of all items at once: proved bound, repaired answer, small gap with many items"

    def init(self, form: Separable, limits: Limits) -> PricesState:
        ray = enclose(form)
        if ray.best == INFINITY:
            return PricesState(None, INFINITY, INFINITY, ray)
        start = PricesState(None, INFINITY, form.proved(ray.low), ray)
        return self._offered(form, start, ray.high)

    def step(self, form: Separable, state: PricesState, limits: Limits) -> PricesState:
        if not state.ray.closed:
            ray = narrow(form, state.ray)
            return self._offered(form, self._bounded(form, replace(state, ray=ray), ray.best), ray.high)
        if form.budgets > 1 and (state.planes is None or not state.planes.done):
            return self._one_plane_more(form, state)
        return self._repaired(form, state)

    def _one_plane_more(self, form: Separable, state: PricesState) -> PricesState:
        known = state.planes or first_planes(form, (state.ray.low, state.ray.high), state.prices)
        planes = one_more(form, known)
        if state.value is None and beyond(form, planes.prices):
            return replace(state, planes=planes, bound=INFINITY)
        moved = self._bounded(form, replace(state, planes=planes), planes.value)
        return self._offered(form, moved, planes.responses[-1])

    def _repaired(self, form: Separable, state: PricesState) -> PricesState:
        """Return the state at its end: the bound proved at the best prices, the answer repaired around them."""
        proved = form.proved(form.priced(1.0, state.prices))
        state = replace(state, repaired=True, bound=max(state.bound, proved))
        if state.planes is not None:
            for found in (raised(form, state.prices), mixed(form, self._near(form, state.planes))):
                state = state if found is None else self._accepted(form, state, found)
        if state.value is None:
            return state
        return self._accepted(form, state, repaired(form, state.prices, state.value))

    def done(self, form: Separable, state: PricesState, limits: Limits) -> bool:
        return state.repaired or state.bound == INFINITY or state.objective <= state.bound

    def multipliers(self, form: Separable, state: PricesState) -> dict[str, Any]:
        """Return the best prices [B]: what one more unit of each budget is worth at most."""
        return {"prices": np.asarray(state.prices)}

    @staticmethod
    def _near(form: Separable, planes: Planes) -> list[Response]:
        """Return the responses whose planes are lowest at the best prices, and the one of least cost."""
        lowest = sorted(planes.responses, key=lambda r: r.penalty + float(planes.prices @ (r.cost - form.allowed)))
        cheapest = form.answer(0.0, 1 / form.scale)
        return [cheapest, *(form.answer(r.weight, r.prices) for r in lowest[:MIXED])]

    @staticmethod
    def _bounded(form: Separable, state: PricesState, value: float) -> PricesState:
        """Return the state with a dual value for its bound, where that is proved without further work."""
        return replace(state, bound=max(state.bound, value)) if form.floor is None else state

    @staticmethod
    def _accepted(form: Separable, state: PricesState, value: Response) -> PricesState:
        """Return the state with this answer, if it is better."""
        objective = form.judge(value)
        return replace(state, value=value, objective=objective) if objective < state.objective else state

    def _offered(self, form: Separable, state: PricesState, at: Priced) -> PricesState:
        """Return the state with the answer to these prices, if that keeps all budgets and is better."""
        if at.penalty >= state.objective or (at.cost > form.allowed).any():
            return state
        return self._accepted(form, state, form.answer(at.weight, at.prices))
