"""`Separable` and `Slots`: many items, each deciding for itself, joined by nothing but budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError, whole_number
from rasolve.forms.formulation import Form
from rasolve.forms.starts import floats, record
from rasolve.numerics import ROUNDING, FloatArray, IntArray

BATCH = 1 << 15
"""Items that are asked at once, which bounds memory whatever their number."""

LEAST_BUDGET = 1e-100
"""Budget below which prices per budget would leave the range of floating-point numbers."""

Respond = Callable[[slice, float, FloatArray], "Response"]
"""The response of a slice of items to a weight >= 0 and prices [B] >= 0, not all zero."""

Stepper = Callable[[int, float, Sequence[float]], tuple[float, tuple[float, ...], tuple[Any, ...]]]
"""Penalty, costs and choice of one item, by its number, for a weight and B prices."""


@dataclass(frozen=True, eq=False)
class Response:
    """What n items choose: penalty [n], cost [n, B], and the choice itself, arrays with n in front.

    ``which`` [n] says which alternative each item took, where there are such (see `Separable.each`). Of alternatives,
    penalty has shape [n, S], cost [n, S, B], and every array of the choice n and S in front.
    """

    penalty: FloatArray
    cost: FloatArray
    choice: tuple[Any, ...] = ()
    which: IntArray | None = None

    def of(self, which: IntArray) -> Response:
        """Return, of a response of alternatives, each item's alternative `which` [n]."""
        rows = np.arange(len(which))
        choice = tuple(part[rows, which] for part in self.choice)
        return Response(self.penalty[rows, which], self.cost[rows, which], choice, which)

    def where(self, kept: NDArray[np.bool_], other: Response) -> Response:
        """Return this response for the items of the mask `kept` [n], and the other's elsewhere."""

        def mixed(one: Any, two: Any) -> Any:
            return np.where(kept.reshape(-1, *[1] * (one.ndim - 1)), one, two)

        return Response(
            mixed(self.penalty, other.penalty),
            mixed(self.cost, other.cost),
            tuple(mixed(*pair) for pair in zip(self.choice, other.choice, strict=True)),
            mixed(self.which, other.which) if self.which is not None and other.which is not None else None,
        )


def joined(responses: Sequence[Response]) -> Response:
    """Return the responses of consecutive slices as one."""
    if len(responses) == 1:
        return responses[0]

    def together(parts: Sequence[Any]) -> Any:
        return None if parts[0] is None else np.concatenate(parts)

    return Response(
        together([r.penalty for r in responses]),
        together([r.cost for r in responses]),
        tuple(together(parts) for parts in zip(*(r.choice for r in responses), strict=True)),
        together([r.which for r in responses]),
    )


@dataclass(frozen=True, eq=False)
class Separable(Form):
    """min of Σ penalty_i(x_i) over N items i subject to Σ cost_i(x_i) <= budget, B budgets; or of their means.

    ``respond(items, weight, prices)`` returns, for a slice of items, what minimises weight·penalty + prices·cost in
    each. ``budget`` has shape [B]; with ``mean`` it is that of the mean cost, and the objective is the mean penalty. A
    value is the `Response` of all items. ``each``, where given, answers with every one of S alternatives of each item
    at its best, the penalty inf where there is no such alternative; between alternatives nothing may be convex, within
    one the attainable (penalty, cost) must be. ``floor``, where given, says that responses may miss the least unless
    the weight is 0, and returns proved bounds [n] on what they minimise.
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
        return Priced(weight, prices, penalty, cost, weight * penalty + float(prices @ (cost - self.budget)))

    def proved(self, at: Priced) -> float:
        """Return the dual value at prices, proved: a bound on the objective where the weight is 1."""
        if self.floor is None or at.weight == 0:
            return at.value
        least = sum(float(self.floor(items, at.weight, at.prices).sum()) for items in self.batches())
        return least * self.share - float(at.prices @ self.budget)

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
        return bool((self.spent(value) <= self.budget + ROUNDING * np.abs(self.budget)).all())

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


@dataclass(frozen=True, eq=False)
class Priced:
    """What all items answer to a weight and prices [B]: objective, cost [B], and the dual value at those prices.

    ``value`` = weight·penalty + prices·(cost - budget). Where responses are the least, it bounds the objective from
    below, with weight 1 (weak duality, textbook); with weight 0 a positive value proves that no choice keeps all
    budgets.
    """

    weight: float
    prices: FloatArray
    penalty: float
    cost: FloatArray
    value: float


@dataclass(frozen=True, eq=False)
class Slots(Separable):
    """A `Separable` whose items are revealed one after another: minimise slot by slot, or all at once in hindsight.

    ``target`` [B] is what an online policy steers the costs to, by default the budget; what the budget is above it is
    the policy's declared slack. ``prepare`` turns a slice of slots into a fast function of one slot at a time, by its
    number within the slice; by default `respond` is asked for one slot.
    """

    name: ClassVar[str] = "Slots"
    says: ClassVar[str] = "a Separable whose items are revealed in order"

    mean: bool = True
    target: FloatArray | None = None
    prepare: Callable[[slice], Stepper] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not None:
            object.__setattr__(self, "target", self._vector("target", self.target))
            if len(self.steered) != self.budgets or (self.steered > self.budget).any():
                raise InputError("Slots.target must hold at most the budget for each budget")

    @property
    def steered(self) -> FloatArray:
        """What a policy steers the costs of a slot to [B]: the target, or a slot's share of the budget."""
        given = self.budget if self.target is None else self.target
        return given * (1.0 if self.mean else 1.0 / self.items)

    def at_target(self) -> Slots:
        """Return the same slots with what a policy steers to as their budget."""
        return replace(self, budget=self.steered if self.mean else self.steered * self.items, target=None)

    def stepper(self, slots: slice) -> Stepper:
        """Return the function of one slot of the slice at a time."""
        if self.prepare is not None:
            return self.prepare(slots)

        def step(slot: int, weight: float, prices: Sequence[float]) -> tuple[float, tuple[float, ...], tuple[Any, ...]]:
            at = slots.start + slot
            found = self._asked(slice(at, at + 1), weight, np.asarray(prices))
            return float(found.penalty[0]), tuple(found.cost[0].tolist()), tuple(c[0] for c in found.choice)

        return step
