"""`Separable`: many items, each deciding for itself, joined by nothing but budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError, whole_number
from rasolve.forms.formulation import Form
from rasolve.forms.response import Response, joined
from rasolve.forms.starts import floats, record
from rasolve.numerics import FloatArray, IntArray

BATCH = 1 << 15
"""Items that are asked at once, which bounds memory whatever their number."""

KEPT = 1e-12
"""Relative excess over a budget that counts as rounding: far above that of sums, far below what a plan could use."""

LEAST_BUDGET = 1e-100
"""Budget below which prices per budget would leave the range of floating-point numbers."""

Respond = Callable[[slice, float, FloatArray], Response]
"""The response of a slice of items to a weight >= 0 and prices [B] >= 0, not all zero."""


@dataclass(frozen=True, eq=False)
class Priced:
    """What all items answer to a weight and prices [B]: objective, cost [B], and the dual value at those prices.

    ``value`` = weight·penalty + prices·(cost - allowed). Where responses are the least, it bounds the objective from
    below, with weight 1 (weak duality, textbook); with weight 0 a positive value proves that no choice keeps all
    budgets.
    """

    weight: float
    prices: FloatArray
    penalty: float
    cost: FloatArray
    value: float


@dataclass(frozen=True, eq=False)
class Separable(Form):
    """min of Σ penalty_i(x_i) over N items i subject to Σ cost_i(x_i) <= budget, B budgets; or of their means.

    ``respond(items, weight, prices)`` returns, for a slice of items, what minimises weight·penalty + prices·cost in
    each. ``budget`` has shape [B]; with ``mean`` it is that of the mean cost, and the objective is the mean penalty. A
    value is the `Response` of all items; it keeps a budget up to rounding (`KEPT`), and bounds hold for all that do so.
    ``each``, where given, answers with every one of S alternatives of each item at its best, the penalty inf where
    there is no such alternative; between alternatives nothing may be convex, within one the attainable (penalty, cost)
    must be. ``floor``, where given, says that responses may miss the least unless the weight is 0, and returns proved
    bounds [n] on what they minimise.
    """

    name: ClassVar[str] = "Separable"
    says: ClassVar[str] = "many items, each with a penalty and budgeted costs, which prices make independent"

    items: int
    respond: Respond
    budget: FloatArray
    mean: bool = False
    each: Respond | None = None
    floor: Callable[[slice, float, FloatArray], FloatArray] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", whole_number(f"{self.name}.items", self.items, 1))
        if not callable(self.respond):
            raise InputError(f"{self.name}.respond must be a function of items, weight and prices")
        object.__setattr__(self, "budget", self._vector("budget", self.budget))

    def _vector(self, name: str, raw: Any) -> FloatArray:
        try:
            given = np.atleast_1d(np.asarray(raw, dtype=np.float64))
        except (TypeError, ValueError):
            given = np.array([np.nan])
        if given.ndim != 1 or not np.isfinite(given).all():
            raise InputError(f"{self.name}.{name} must hold one finite number for each budget")
        return given

    @property
    def budgets(self) -> int:
        """B."""
        return len(self.budget)

    @property
    def allowed(self) -> FloatArray:
        """The most that counts as within the budgets [B]: what bounds are proved for and answers are held to."""
        return self.budget + KEPT * np.abs(self.budget)

    @property
    def scale(self) -> FloatArray:
        """What each budget is measured by [B]: its size, or 1 where it is 0 or too close to it to divide by."""
        size = np.abs(self.budget)
        return np.where(size > LEAST_BUDGET, size, 1.0)

    @property
    def share(self) -> float:
        """What one item counts in objective and budgets: 1/N of means, 1 of sums."""
        return 1.0 / self.items if self.mean else 1.0

    def batches(self, first: int = 0) -> Iterator[slice]:
        """Return the items from the `first` on in slices of at most BATCH."""
        return (slice(i, min(i + BATCH, self.items)) for i in range(first, self.items, BATCH))

    def answer(self, weight: float, prices: FloatArray, first: int = 0) -> Response:
        """Return the response of the items from the `first` on to a weight and prices [B]."""
        return joined([self._asked(items, weight, prices) for items in self.batches(first)])

    def _asked(self, items: slice, weight: float, prices: FloatArray) -> Response:
        found = self.respond(items, weight, prices)
        if not (isinstance(found, Response) and all(isinstance(a, np.ndarray) for a in (found.penalty, found.cost))):
            raise InputError(f"{self.name}.respond must give a Response with arrays of penalty and cost")
        count = items.stop - items.start
        shapes, needed = [list(found.penalty.shape), list(found.cost.shape)], [[count], [count, self.budgets]]
        if shapes != needed:
            raise InputError(f"{self.name}.respond gave penalty and cost of shapes {shapes}, needs {needed}")
        if np.isnan(found.penalty).any() or np.isnan(found.cost).any():
            raise InputError(
                f"{self.name}.respond must not give nan, which it does between {items.start}, {items.stop}"
            )
        return found

    def priced(self, weight: float, prices: FloatArray) -> Priced:
        """Return what all items answer to a weight and prices [B], summed up batch by batch."""
        prices = np.asarray(prices, dtype=np.float64)
        penalty, cost = 0.0, np.zeros(self.budgets)
        for items in self.batches():
            found = self._asked(items, weight, prices)
            penalty, cost = penalty + float(found.penalty.sum()), cost + found.cost.sum(axis=0)
        penalty, cost = penalty * self.share, cost * self.share
        return Priced(weight, prices, penalty, cost, weight * penalty + float(prices @ (cost - self.allowed)))

    def proved(self, at: Priced) -> float:
        """Return the dual value at prices, proved: a bound on the objective where the weight is 1."""
        if self.floor is None or at.weight == 0:
            return at.value
        least = sum(float(self.floor(items, at.weight, at.prices).sum()) for items in self.batches())
        return least * self.share - float(at.prices @ self.allowed)

    def held(self, which: IntArray) -> Separable:
        """Return the form with each item held to one of its alternatives, `which` [N]; it needs ``each``."""
        each = self.each
        assert each is not None, "a form without alternatives cannot be held to them"

        def respond(items: slice, weight: float, prices: FloatArray) -> Response:
            return each(items, weight, prices).of(which[items])

        return Separable(self.items, respond, self.budget, self.mean)

    def objective(self, value: Response) -> float:
        """Return the summed or mean penalty."""
        return float(value.penalty.sum()) * self.share

    def spent(self, value: Response) -> FloatArray:
        """Return the summed or mean cost [B]."""
        return np.asarray(value.cost.sum(axis=0) * self.share)

    def keeps(self, value: Response) -> bool:
        """Whether every budget is kept, up to rounding."""
        return bool((self.spent(value) <= self.allowed).all())

    def judge(self, value: Response) -> float:
        """Return the objective, or inf where a budget is exceeded by more than rounding."""
        return self.objective(value) if self.keeps(value) else np.inf

    def as_start(self, value: Any) -> Response:
        given = record(value, Response)
        return replace(
            given,
            penalty=floats("penalty", given.penalty, (self.items,)),
            cost=floats("cost", given.cost, (self.items, len(self.budget))),
        )
