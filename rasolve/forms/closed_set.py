"""`ClosedSet`: the cheapest set that holds the parents of all that it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers, require
from rasolve.forms.mip import MixedIntegerProgram
from rasolve.forms.network import CutNetwork
from rasolve.forms.precedence import Mask, Precedence
from rasolve.forms.starts import array
from rasolve.numerics import ROUNDING, FloatArray


@dataclass(frozen=True, eq=False)
class ClosedSet(Form):
    """min over closed sets D: Σ_{v in D} inside_v + Σ_{v not in D} outside_v + Σ_{v in D, a child not in D} toll_v.

    ``inside``, ``outside`` and ``toll`` (at least 0) have shape [..., vertices]; leading dimensions are a batch of
    independent instances. Where there is a ``budget``, Σ_{v in D} use_v must not exceed it; ``use`` [vertices] is at
    least 0. A value is the set as a mask [..., vertices].
    """

    name: ClassVar[str] = "ClosedSet"
    says: ClassVar[str] = "cheapest set closed under parents, with a toll where a child stays outside"

    precedence: Precedence
    inside: FloatArray
    outside: FloatArray
    toll: FloatArray
    use: FloatArray | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        given = [numbers(f"ClosedSet.{name}", getattr(self, name)) for name in ("inside", "outside", "toll")]
        n = self.precedence.vertices
        for name, table in zip(("inside", "outside", "toll"), np.broadcast_arrays(*given), strict=True):
            if table.ndim < 1 or table.shape[-1] != n:
                raise InputError(f"ClosedSet.{name} has shape {list(table.shape)}, needs [..., {n}]")
            least, rule = (0.0, " and at least 0") if name == "toll" else (-np.inf, "")
            require(f"ClosedSet.{name}", table, np.isfinite(table) & (table >= least), f"must be finite{rule}")
            object.__setattr__(self, name, table)
        if (self.use is None) != (self.budget is None):
            raise InputError("ClosedSet.use and .budget go together: give both or neither")
        if self.use is not None:
            use = numbers("ClosedSet.use", self.use)
            if use.shape != (n,) or not (np.isfinite(use).all() and use.min() >= 0):
                raise InputError(f"ClosedSet.use must be {n} finite numbers of at least 0")
            object.__setattr__(self, "use", use)

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch; () for one instance."""
        return self.inside.shape[:-1]

    def objectives(self, sets: Mask) -> FloatArray:
        """Return the cost [...] of sets [..., vertices], which must be closed."""
        placed = np.where(sets, self.inside, self.outside).sum(axis=-1)
        return np.asarray(placed + (self.tolled(sets) * self.toll).sum(axis=-1))

    def costs_of(self, sets: Mask) -> FloatArray:
        """Return the cost [..., sets] of many sets [sets, vertices], for every instance of the batch."""
        placed = (self.inside - self.outside) @ sets.T + self.outside.sum(axis=-1)[..., None]
        return np.asarray(placed + self.toll @ self.tolled(sets).T)

    def tolled(self, sets: Mask) -> Mask:
        """Return which vertices of sets [..., vertices] pay their toll: those with a child outside."""
        parent, child = self.precedence.edges.T
        tolled = np.zeros(sets.shape, dtype=bool)
        missing = sets[..., parent] & ~sets[..., child]
        *instance, edge = np.nonzero(missing)
        tolled[(*instance, parent[edge])] = True
        return tolled

    def spent(self, sets: Mask) -> FloatArray:
        """Return what sets [..., vertices] use of the budget [...]; 0 without one."""
        return np.zeros(sets.shape[:-1]) if self.use is None else (sets * self.use).sum(axis=-1)

    @property
    def limit(self) -> float:
        """The most that a set may use: the budget and the rounding of adding up to it; inf without one."""
        return float("inf") if self.budget is None else self.budget * (1 + ROUNDING)

    def judge(self, value: Any) -> float:
        """Return the largest cost of the batch; inf where a set is not closed or spends too much."""
        sets = np.asarray(value)
        if sets.shape != self.inside.shape or sets.dtype != np.bool_:
            return float("inf")
        parent, child = self.precedence.requires.T
        closed = not (sets[..., child] & ~sets[..., parent]).any() and sets[..., self.precedence.held].all()
        within = (self.spent(sets) <= self.limit).all()
        return float(self.objectives(sets).max()) if closed and within else float("inf")

    def as_start(self, value: Any) -> Mask:
        return np.asarray(array("value", value, self.inside.shape, "b"))

    def network(self) -> CutNetwork:
        """Return the network whose cuts are the closed sets, at the same costs; the budget is left out.

        The cheaper one of inside and outside is paid in any case; what the other costs more is the capacity of one arc.
        Raises InputError for a batch.
        """
        if self.batch:
            raise InputError(f"a batch of shape {list(self.batch)} has no one network: take its instances one by one")
        cheaper = np.minimum(self.inside, self.outside)
        wiring, makers = self.precedence.wiring, self.precedence.makers
        costs = [self.outside - cheaper, self.inside - cheaper, self.toll[makers]]
        never = np.full(len(wiring.tails) - sum(map(len, costs)), np.inf)
        return CutNetwork(wiring, np.concatenate([*costs, never]), constant=float(cheaper.sum()))

    def side(self, chosen: Mask) -> Mask:
        """Return the cut of the network that a closed set [vertices] stands for: with the gates it leaves open."""
        wiring, n = self.precedence.wiring, self.precedence.vertices
        found = np.ones(wiring.vertices, dtype=bool)
        found[:n], found[wiring.sink] = chosen, False
        parent, child = self.precedence.gated.T
        found[parent[~chosen[child]]] = False
        return found

    def within_budget(self, chosen: Mask) -> Mask:
        """Return as much of a closed set [vertices], in the precedence's order, as the budget allows."""
        if self.use is None:
            return chosen
        order = self.precedence.order
        spent = np.cumsum(np.where(chosen, self.use, 0.0)[order])
        too_late = order[spent > self.limit]
        kept = chosen.copy()
        kept[too_late] = False
        return kept

    def program(self) -> MixedIntegerProgram:
        """Return the set as a program: x_v = 1 for v in it, then y_m = 1 for each maker m that pays its toll.

        Rows: x_child <= x_parent, x_maker - x_consumer <= y_maker, and the budget. Its objective leaves out what all
        vertices cost outside. Raises InputError for a batch.
        """
        from scipy.sparse import csr_array

        if self.batch:
            raise InputError(f"a batch of shape {list(self.batch)} has no one program: take its instances one by one")
        n, makers = self.precedence.vertices, self.precedence.makers
        orders, edges = self.precedence.requires, self.precedence.edges
        payer = n + np.searchsorted(makers, edges[:, 0])
        pairs, triples = orders[:, ::-1], np.column_stack([edges, payer])
        unit = self.limit if 0 < self.limit < np.inf else 1.0
        limited = 0 if self.use is None else 1
        entries = [np.tile([1.0, -1.0], len(pairs)), np.tile([1.0, -1.0, -1.0], len(triples))]
        entries += [] if self.use is None else [self.use / unit]
        columns = [pairs.ravel(), triples.ravel(), np.arange(n * limited)]
        lengths = np.concatenate([np.full(len(pairs), 2), np.full(len(triples), 3), np.full(limited, n)])
        shape = (len(lengths), n + len(makers))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return MixedIntegerProgram(
            cost=np.concatenate([self.inside - self.outside, self.toll[makers]]),
            matrix=csr_array((np.concatenate(entries), np.concatenate(columns), starts), shape=shape),
            row_low=np.full(len(lengths), -np.inf),
            row_high=np.append(np.zeros(len(pairs) + len(triples)), np.full(limited, self.limit / unit)),
            low=np.append(self.precedence.is_held, np.zeros(len(makers))),
            high=np.ones(shape[1]),
            whole=True,
        )

    def variables(self, chosen: Mask) -> FloatArray:
        """Return the program's variables that a closed set [vertices] stands for."""
        return np.concatenate([chosen, self.tolled(chosen)[self.precedence.makers]]).astype(float)

    def instance(self, index: int) -> ClosedSet:
        """Return one instance of the batch, counted in C order."""
        n = self.precedence.vertices
        picked = {name: getattr(self, name).reshape(-1, n)[index] for name in ("inside", "outside", "toll")}
        return replace(self, **picked)
