"""`block_wise`: one scan over the waists of a graph, and a look into those blocks that may hold something better."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rasolve.forms import ClosedSet
from rasolve.forms.precedence import Mask, Precedence
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.cuts.interiors import interiors
from rasolve.solvers.cuts.scan import Segments, first, running_costs, segments, waist_costs
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

SCAN_ROUNDING = 1e-12
"""Relative difference below which sums of the same costs in another order are taken as equal."""


@dataclass(frozen=True, eq=False)
class BlockWiseState(State):
    """The cost [...] of every instance's set, and a lower bound [..., blocks] on sets that end within a block.

    A block that has been looked into has the bound inf: what it holds is no better than the set.
    """

    costs: FloatArray
    within: FloatArray

    @property
    def gap(self) -> float | None:
        """The worst relative gap of the batch."""
        bounds = np.minimum(self.costs, self.within.min(axis=-1, initial=INFINITY))
        return float(((self.costs - bounds) / np.maximum(np.abs(self.costs), 1e-12)).max())

    @property
    def promise(self) -> FloatArray:
        """What each block [..., blocks] may save at most; not above 0 where nothing."""
        return self.costs[..., None] * (1 - SCAN_ROUNDING) - self.within


@register
@dataclass(frozen=True)
class BlockWise(Solver[ClosedSet, BlockWiseState]):
    """Closed sets end at a waist of the order or within a block between two; blocks are entered only if they must be.

    Published (arXiv 2507.01041): a repeating block may be treated as one vertex. The condition under which that loses
    nothing, and what is done where it does not hold, are ours. Sets that end at a waist are scanned at once. What a set
    that ends within a block costs is bounded from below: what is before the block, what is behind it, the cheaper side
    for each vertex of it, and the least that the block can make for the outside, known once for all costs. Where no
    vertex is cheaper inside than outside and the least that a block makes is at least what enters it, that bound
    excludes the block: the published case. All others are entered by rising bound, by a table of their closed sets or a
    minimum cut. So the answer is the optimum always. Takes a batch.
    """

    name = "block_wise"
    form = ClosedSet
    purpose = "exact: a scan over narrow places, and a look into the blocks that bounds do not exclude"
    exact = True

    def refuses(self, form: ClosedSet) -> str | None:
        return "its budget makes a block worth entering that costs alone exclude" if form.use is not None else None

    def init(self, form: ClosedSet, limits: Limits) -> BlockWiseState:
        best = form.precedence.waists[waist_costs(form).argmin(axis=-1)]
        value = first(form.precedence, best + 1)
        return _state(value, form.objectives(value), bounds_within(form))

    def step(self, form: ClosedSet, state: BlockWiseState, limits: Limits) -> BlockWiseState:
        promise = state.promise
        which = int(promise.max(axis=tuple(range(promise.ndim - 1))).argmax())
        block, entered = interiors(form.precedence)[which], promise[..., which] > 0
        picked = _picked(form, entered)
        inner = block.cheapest(picked, limits)
        found = np.broadcast_to(form.precedence.position < block.begin, picked.inside.shape).copy()
        own = ~block.part.is_held
        found[..., block.vertices[own]] = inner[..., own]
        better = picked.objectives(found)
        value, costs, within = state.value.copy(), state.costs.copy(), state.within.copy()
        wins = better < costs[entered]
        value[entered] = np.where(wins[..., None], found, value[entered])
        costs[entered] = np.where(wins, better, costs[entered])
        within[entered, which] = INFINITY
        return _state(value, costs, within)

    def done(self, form: ClosedSet, state: BlockWiseState, limits: Limits) -> bool:
        return not (state.promise > 0).any()


def _state(value: Mask, costs: FloatArray, within: FloatArray) -> BlockWiseState:
    costs = np.asarray(costs)
    bounds = np.minimum(costs, within.min(axis=-1, initial=INFINITY))
    return BlockWiseState(value, float(costs.max()), float(bounds.max()), costs, within)


def _picked(form: ClosedSet, which: Mask) -> ClosedSet:
    """Return the instances of a batch that a mask picks, as a batch with one dimension."""
    return ClosedSet(form.precedence, form.inside[which], form.outside[which], form.toll[which])


@dataclass(frozen=True, eq=False)
class Bounding:
    """What it takes to bound the blocks of a precedence, worked out once.

    ``begin`` and ``end`` [blocks] as in `Interior`; lists of the vertices ``own`` to each block, of those that ``pass``
    it, from before to behind, and so pay whatever happens within, and of all ``makers`` that may pay for what happens
    there; ``least_size`` [blocks] is the least that these can make for the outside.
    """

    begin: IntArray
    end: IntArray
    own: Segments
    passing: Segments
    makers: IntArray
    starts: IntArray
    least_size: FloatArray


@lru_cache(maxsize=64)
def bounding(precedence: Precedence) -> Bounding:
    """Return what it takes to bound the blocks of a precedence."""
    blocks, n = interiors(precedence), precedence.vertices
    begin = np.array([block.begin for block in blocks], dtype=np.int64)
    end = np.array([block.end for block in blocks], dtype=np.int64)
    at = np.arange(n)
    which = np.searchsorted(begin, at, side="right") - 1
    within = (which >= 0) & (at < np.append(end, 0)[which])
    behind_begin, behind_end = (
        np.searchsorted(s, p, side="right") for s, p in ((begin, at), (end, precedence.last_consumer))
    )
    return Bounding(
        begin=begin,
        end=end,
        own=segments(precedence.order[within], which[within], which[within] + 1, len(blocks), n),
        passing=segments(precedence.order, behind_begin, behind_end, len(blocks), n),
        makers=np.concatenate([np.zeros(0, dtype=np.int64), *(block.vertices for block in blocks)]),
        starts=np.cumsum([0, *(len(block.vertices) for block in blocks)])[:-1],
        least_size=np.array([block.least_size for block in blocks]),
    )


def bounds_within(form: ClosedSet) -> FloatArray:
    """Return a lower bound [..., blocks] on what a set costs that ends within each block."""
    known = bounding(form.precedence)
    if not known.begin.size:
        return np.zeros((*form.batch, 0))
    before, behind = running_costs(form)
    elsewhere = before[..., known.begin] + behind[..., known.end] + known.passing.sums(form.toll)
    size = form.precedence.size
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.where(size > 0, form.toll / size, INFINITY)
    least_price = np.minimum.reduceat(price[..., known.makers], known.starts, axis=-1)
    made = np.where(known.least_size > 0, least_price, 0.0) * known.least_size
    return elsewhere + known.own.sums(np.minimum(form.inside, form.outside)) + made
