"""`Link`: subchannels to clients; what every such form, whatever decides its rates, lets solvers ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers, require
from rasolve.numerics import FloatArray, IntArray

SMALLEST = 1e-60
"""Least positive number of a link; its reciprocal is the largest. Products beyond would leave double precision."""

NOBODY = -1
"""The owner of a subchannel that is left unused."""

MOST_EXPONENT = 500.0
"""Cap on the exponent of a cost in a `Ledger`, so that costs stay finite."""


def total_by_owner(owner: IntArray, value: FloatArray, clients: int) -> FloatArray:
    """Return Σ of ``value`` [M] over the subchannels of each owner [K]; what nobody owns is left out."""
    if owner.size and owner.min() == NOBODY:
        owner, value = owner[owner != NOBODY], value[owner != NOBODY]
    return np.asarray(np.bincount(owner, weights=value, minlength=clients), dtype=np.float64)


def check_numbers(form: Form, names: tuple[str, ...], shapes: Callable[[], dict[str, tuple[int, ...]]]) -> None:
    """Make the named fields of a frozen form arrays of floats of the given shapes; raises InputError where not."""
    for name in names:
        object.__setattr__(form, name, numbers(f"{form.name}.{name}", getattr(form, name)))
    for name, shape in shapes().items():
        if (found := getattr(form, name).shape) != shape:
            raise InputError(f"{form.name}.{name} has shape {list(found)}, needs {list(shape)}")


def check_range(form: Form, name: str, value: FloatArray, or_zero: bool = False) -> None:
    """Raise InputError unless all entries are within SMALLEST and its reciprocal, or 0 where that is allowed."""
    within = (value >= SMALLEST) & (value <= 1 / SMALLEST) | (or_zero & (value == 0))
    rule = f"must be {'0 or ' if or_zero else ''}from {SMALLEST:g} to {1 / SMALLEST:g}"
    require(f"{form.name}.{name}", value, within, rule)


def check_offsets(form: Form, offset_s: FloatArray) -> None:
    """Raise InputError unless all offsets are finite and at least 0."""
    finite = (offset_s >= 0) & (offset_s < np.inf)
    require(f"{form.name}.offset_s", offset_s, finite, "must be finite and at least 0")


@dataclass(frozen=True, eq=False)
class Bids:
    """What every subchannel is worth to every client at given prices; all arrays [K, M].

    ``value`` = max of rate_price_k·fill - load_price_k·load over what the client can do there, attained at ``fill`` and
    ``load``. It is convex and homogeneous in the two prices, so its second derivatives are one number, ``bend``, times
    [[1/rate_price, -1/load_price], [-1/load_price, rate_price/load_price²]].
    """

    value: FloatArray
    fill: FloatArray
    load: FloatArray
    bend: FloatArray


@dataclass(frozen=True, eq=False)
class Rows:
    """Inequalities that every plan in time keeps: matrix @ (fill_1..K, load_1..K, count_1..K) >= least.

    ``matrix`` is a scipy sparse array [n, 3K], ``least`` [n] is 1 or -1 throughout (rows are scaled to that).
    """

    matrix: Any
    least: FloatArray

    @classmethod
    def stacked(cls, clients: int, *groups: tuple[float, IntArray, FloatArray]) -> Rows:
        """Return rows from groups of (least, columns [R, E], coefficients [R, E]): R rows of E entries each."""
        from scipy.sparse import csr_array

        entries = np.concatenate([np.full(len(columns), columns.shape[1]) for _, columns, _ in groups])
        column = np.concatenate([columns.ravel() for _, columns, _ in groups])
        coefficient = np.concatenate([coefficients.ravel() for *_, coefficients in groups])
        start = np.concatenate([[0], np.cumsum(entries)])
        matrix = csr_array((coefficient, column, start), shape=(len(entries), 3 * clients))
        return cls(matrix, np.concatenate([np.full(len(columns), least) for least, columns, _ in groups]))

    @cached_property
    def transposed(self) -> Any:
        """The matrix transposed [3K, n]."""
        return self.matrix.T.tocsr()

    @cached_property
    def priced(self) -> IntArray:
        """The clients in whose load any row takes an interest."""
        clients = self.matrix.shape[1] // 3
        return np.flatnonzero(np.isin(np.arange(clients, 2 * clients), self.matrix.indices))


class Ledger(ABC):
    """Cost of who owns what at a deadline, client by client, for local search; client K stands for nobody."""

    @abstractmethod
    def of_clients(self, owner: IntArray, clients: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the cost of each listed client [C] as it is, and with each subchannel joined [C, M]."""

    @abstractmethod
    def of_subchannels(self, owner: IntArray, listed: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return for each listed subchannel the cost of its owner without it [S], and with each other for it [S, M]."""


class Demand(ABC):
    """What the clients of a link ask of its subchannels so that all finish by a deadline.

    A plan gives client k a *fill* (its rate over the rate that it needs, at least 1 in time), a *load* (its power) and
    a *count* of subchannels.
    """

    @property
    @abstractmethod
    def fewest(self) -> IntArray:
        """Fewest subchannels [K] that can serve each client, whichever they are; M + 1 where none can."""

    @abstractmethod
    def bids(self, rate_price: FloatArray, load_price: FloatArray) -> Bids:
        """Return what the subchannels are worth at prices [K] of fill and load."""

    @abstractmethod
    def rows(self, counts: IntArray) -> Rows:
        """Return what every plan in time keeps; ``counts`` [K] says around which counts it is to be tight."""

    @abstractmethod
    def ledger(self, sharpness: float) -> Ledger:
        """Return the costs for local search: the sharper, the less counts what is not critical."""

    @cached_property
    def short(self) -> bool:
        """Whether the clients need more subchannels than there are, by their fewest counts alone."""
        fewest = self.fewest
        return bool(fewest.sum() > self.subchannels)

    @property
    @abstractmethod
    def subchannels(self) -> int:
        """M."""


class Link(Form, ABC):
    """Base of the links: K clients share M subchannels, and client k finishes at offset_k + payload_k / rate_k."""

    name: ClassVar[str] = "Link"
    says: ClassVar[str] = "subchannels to clients, whatever decides their rates: OfdmaLink or FixedDensityLink"

    offset_s: FloatArray
    payload_bits: FloatArray

    @property
    def clients(self) -> int:
        """K."""
        return len(self.offset_s)

    @property
    @abstractmethod
    def subchannels(self) -> int:
        """M."""

    @abstractmethod
    def lower_bound(self) -> float:
        """Return a proved bound on the objective that costs next to nothing; inf when nobody can be served."""

    @abstractmethod
    def owners(self, value: Any) -> IntArray:
        """Return who owns each subchannel [M] in a value."""

    @abstractmethod
    def served(self, owner: IntArray) -> tuple[Any, float]:
        """Return the best value with these owners [M] and its objective; inf where somebody is not served."""

    def worth(self, value: Any) -> dict[str, Any]:
        """Return what one more unit of each limit is worth with the owners of a value kept; nothing by default."""
        return {}

    @abstractmethod
    def demand(self, deadline: float) -> Demand:
        """Return what the clients ask at a deadline beyond every offset."""
