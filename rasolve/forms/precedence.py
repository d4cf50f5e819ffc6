"""Precedence: which vertices need which, and the narrow places through which every closed set must pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rasolve.acyclic import cycle, topological_order
from rasolve.errors import InputError
from rasolve.forms.network import Wiring
from rasolve.numerics import FloatArray, IntArray

Mask = NDArray[np.bool_]


def no_edges() -> IntArray:
    """Return an empty list of edges [0, 2]."""
    return np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Precedence:
    """An acyclic graph on vertices 0 to ``vertices`` - 1 whose closed sets are sought; worked out once for many costs.

    A set is closed when it holds the parents of all that it holds. ``edges`` [E, 2] are (parent, child), each of which
    also consumes what its parent makes; those of ``bare`` [B, 2] only order. ``held`` [H] are in every set.  ``size``
    [vertices] is what each vertex makes, in any unit: costs of about that proportion are pruned best. An edge given
    twice counts once. Raises InputError for a cycle, and for a held vertex with a parent that is not held.
    """

    vertices: int
    edges: IntArray
    held: IntArray
    size: FloatArray
    bare: IntArray = field(default_factory=no_edges)

    def __post_init__(self) -> None:
        for name in ("edges", "bare"):
            given = np.asarray(getattr(self, name), dtype=np.int64).reshape(-1, 2)
            if given.size and (given.min() < 0 or given.max() >= self.vertices):
                raise InputError(f"Precedence.{name} must name vertices 0 to {self.vertices - 1}")
            object.__setattr__(self, name, np.unique(given, axis=0))
        if topological_order(self.requires, self.vertices) is None:
            round_trip = " -> ".join(map(str, cycle(self.requires, self.vertices)))
            raise InputError(f"Precedence.edges make a cycle: {round_trip}")
        parents_of_held = self.requires[self.is_held[self.requires[:, 1]], 0]
        if (loose := parents_of_held[~self.is_held[parents_of_held]]).size:
            raise InputError(f"Precedence.held needs vertex {loose[0]} too: a held vertex has it as a parent")

    @cached_property
    def requires(self) -> IntArray:
        """All edges [E + B, 2]: a child needs its parent."""
        return np.concatenate([self.edges, self.bare])

    @cached_property
    def is_held(self) -> Mask:
        """Which vertices are in every set."""
        held = np.zeros(self.vertices, dtype=bool)
        held[self.held] = True
        return held

    @cached_property
    def order(self) -> IntArray:
        """The vertices with parents before children, held ones first: every beginning with those is a closed set."""
        order = topological_order(self.requires, self.vertices)
        assert order is not None
        return order[np.argsort(~self.is_held[order], kind="stable")]

    @cached_property
    def position(self) -> IntArray:
        """Where each vertex stands in the order."""
        position = np.empty(self.vertices, dtype=np.int64)
        position[self.order] = np.arange(self.vertices)
        return position

    @cached_property
    def last_consumer(self) -> IntArray:
        """The position of the last child that consumes what the vertex at each position makes; its own without any."""
        last = np.arange(self.vertices)
        np.maximum.at(last, self.position[self.edges[:, 0]], self.position[self.edges[:, 1]])
        return last

    @cached_property
    def waists(self) -> IntArray:
        """Positions that every closed set passes, in rising order, the first the last held one, -1 where none is held.

        A waist is comparable with every vertex: what stands before it in the order are its ancestors, what stands
        behind it its descendants. That is so exactly when every vertex behind has a parent at the waist or behind it,
        and every vertex before a child at the waist or before it. A closed set then consists of all up to one waist,
        and of some, but not all, of what stands between that one and the next, or behind the last.
        """
        n, root = self.vertices, len(np.unique(self.held)) - 1
        parent, child = np.maximum(self.position[self.requires], root).T
        furthest_parent, nearest_child = np.full(n, -1), np.full(n, n)
        np.maximum.at(furthest_parent, child, parent)
        np.minimum.at(nearest_child, parent, child)
        nearest_child[: root + 1] = root + 1
        behind = np.append(np.minimum.accumulate(furthest_parent[::-1])[::-1][1:], n)
        before = np.append(-1, np.maximum.accumulate(nearest_child)[:-1])
        at = np.arange(n)
        return np.append(root, at[(behind >= at) & (before <= at) & (at > root)])

    @cached_property
    def makers(self) -> IntArray:
        """The vertices that have consumers, in rising order."""
        return np.unique(self.edges[:, 0])

    @cached_property
    def gated(self) -> IntArray:
        """The edges (gate, consumer) of makers with several consumers; gates are numbered on from the vertices."""
        maker = np.searchsorted(self.makers, self.edges[:, 0])
        shared = np.bincount(maker, minlength=len(self.makers)) > 1
        gate = self.vertices + np.cumsum(shared) - 1
        return np.stack([gate[maker], self.edges[:, 1]], axis=1)[shared[maker]]

    @cached_property
    def wiring(self) -> Wiring:
        """The network whose cuts are the closed sets: a set itself, with the gates of all that it leaves open.

        Vertex v keeps its number; a maker with several consumers has a gate, so that its toll is paid once. Arcs, in
        this order: source to every v; every v to the sink; every maker to its gate or its only consumer, at its toll;
        and those that are never cut, a gate to all its consumers, every child to its parents, the source to what is
        held.
        """
        n, makers, gated = self.vertices, self.makers, self.gated
        maker = np.searchsorted(makers, self.edges[:, 0])
        first_consumer = np.zeros(len(makers), dtype=np.int64)
        first_consumer[maker] = self.edges[:, 1]
        shared = np.bincount(maker, minlength=len(makers)) > 1
        gates = n + np.cumsum(shared) - 1
        every, source = np.arange(n), n + int(shared.sum())
        arcs = [
            (np.full(n, source), every),
            (every, np.full(n, source + 1)),
            (makers, np.where(shared, gates, first_consumer)),
            (gated[:, 0], gated[:, 1]),
            (self.requires[:, 1], self.requires[:, 0]),
            (np.full(len(self.held), source), self.held),
        ]
        tails, heads = (np.concatenate(ends) for ends in zip(*arcs, strict=True))
        return Wiring(tails, heads, source, source + 1)


def closed_sets(precedence: Precedence, most_cells: int) -> Mask | None:
    """Return all closed sets [sets, vertices], or None where that has more than `most_cells` entries."""
    parents: list[list[int]] = [[] for _ in range(precedence.vertices)]
    for parent, child in precedence.requires.tolist():
        parents[child].append(parent)
    sets = np.zeros((1, precedence.vertices), dtype=bool)
    for vertex in precedence.order:
        grown = sets[sets[:, parents[vertex]].all(axis=1)]
        grown[:, vertex] = True
        sets = grown if precedence.is_held[vertex] else np.concatenate([sets, grown])
        if sets.size > most_cells:
            return None
    return sets
