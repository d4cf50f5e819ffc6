"""What stands between two waists of a precedence: blocks with branches, where cuts need be no beginnings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from rasolve.forms import ClosedSet
from rasolve.forms.precedence import Mask, Precedence, closed_sets
from rasolve.numerics import IntArray
from rasolve.solvers.limits import Limits
from rasolve.solvers.registry import solve_form

MOST_CELLS = 50_000
"""Closed sets times vertices up to which those of a block are tabulated; a larger one is cut by maximum flow."""


@dataclass(frozen=True, eq=False)
class Interior:
    """The vertices strictly between two waists, and those before that they alone consume from.

    ``begin`` and ``end`` are the positions of its first vertex and of the waist behind. ``vertices`` lists those that
    reach in, then those of the block; ``part`` is the precedence among them, in which the former are held. A vertex
    that is ``exposed`` has a consumer at or behind the end, so that it pays its toll wherever it is in the set.
    ``sets`` [sets, vertices] are all closed sets, where they are few. ``entering`` is the size of what the vertices
    before make for the block alone, ``least_size`` the least that any set with a vertex of the block makes for what is
    outside of it.
    """

    begin: int
    end: int
    vertices: IntArray
    part: Precedence
    exposed: Mask
    sets: Mask | None
    entering: float
    least_size: float

    @property
    def sealed(self) -> bool:
        """Whether no cut within makes less than what enters: the half of the published condition that costs nothing."""
        return self.least_size >= self.entering

    def costs(self, form: ClosedSet) -> ClosedSet:
        """Return the form on the block alone [..., vertices]; what reaches in costs nothing but its toll."""
        inside, outside, toll = (array[..., self.vertices] for array in (form.inside, form.outside, form.toll))
        own = ~self.part.is_held
        return ClosedSet(
            self.part,
            inside=np.where(own, inside + self.exposed * toll, 0.0),
            outside=np.where(own, outside, 0.0),
            toll=np.where(self.exposed, 0.0, toll),
        )

    def cheapest(self, form: ClosedSet, limits: Limits) -> Mask:
        """Return the cheapest sets [..., vertices] on the block."""
        block = self.costs(form)
        if self.sets is not None:
            return np.asarray(self.sets[block.costs_of(self.sets).argmin(axis=-1)])
        count = int(np.prod(block.batch))
        return np.stack([cut(block.instance(i), limits) for i in range(count)]).reshape(block.inside.shape)


def cut(form: ClosedSet, limits: Limits) -> Mask:
    """Return the cheapest closed set of one instance by a minimum cut."""
    side = solve_form(form.network(), "min_cut", limits.inner()).value
    return np.asarray(side[: form.precedence.vertices])


@lru_cache(maxsize=64)
def interiors(precedence: Precedence) -> tuple[Interior, ...]:
    """Return the blocks with branches of a precedence, in its order; worked out once."""
    begins, ends = precedence.waists + 1, np.append(precedence.waists[1:], precedence.vertices)
    return tuple(_interior(precedence, int(b), int(e)) for b, e in zip(begins, ends, strict=True) if b < e)


def _interior(precedence: Precedence, begin: int, end: int) -> Interior:
    last, order = precedence.last_consumer, precedence.order
    reaching = np.flatnonzero((last[:begin] >= begin) & (last[:begin] < end))
    positions = np.concatenate([reaching, np.arange(begin, end)])
    vertices = order[positions]
    number = np.full(precedence.vertices, -1)
    number[vertices] = np.arange(len(vertices))
    edges, bare = (number[given] for given in (precedence.edges, precedence.bare))
    part = Precedence(
        vertices=len(vertices),
        edges=edges[(edges >= 0).all(axis=1)],
        held=np.arange(len(reaching)),
        size=precedence.size[vertices],
        bare=bare[(bare >= 0).all(axis=1)],
    )
    exposed = last[positions] >= end
    sets = closed_sets(part, MOST_CELLS)
    return Interior(
        begin=begin,
        end=end,
        vertices=vertices,
        part=part,
        exposed=exposed,
        sets=sets,
        entering=float(part.size[: len(reaching)].sum()),
        least_size=_least_size(part, exposed, sets),
    )


def _least_size(part: Precedence, exposed: Mask, sets: Mask | None) -> float:
    """Return the least that a closed set with a vertex of the block makes for the outside.

    Such a set has a vertex without parents in the block: one minimum cut for each of those that is forced in.
    """
    sizes = ClosedSet(part, part.size * exposed * ~part.is_held, np.zeros(part.vertices), part.size * ~exposed)
    if sets is not None:
        return float(sizes.objectives(sets[(sets & ~part.is_held).any(axis=1)]).min())
    own_parents = part.requires[~part.is_held[part.requires[:, 0]]]
    tops = np.setdiff1d(np.flatnonzero(~part.is_held), own_parents[:, 1])
    forced = (replace(part, held=np.append(part.held, top)) for top in tops)
    return min(solve_form(replace(sizes, precedence=part).network()).bound for part in forced)
