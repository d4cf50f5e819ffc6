"""Acyclic graphs as arrays of edges: an order with parents before children, or the cycle that forbids one."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import IntArray


def topological_order(edges: IntArray, vertices: int) -> IntArray | None:
    """Return the vertices, parents before children, or None where there is a cycle; `edges` [E, 2] are (parent, child).

    An order by number that is one already is kept; else vertices come by depth (Kahn, 1962).
    """
    parent, child = edges[:, 0], edges[:, 1]
    if (parent < child).all():
        return np.arange(vertices)
    waiting_for = np.bincount(child, minlength=vertices)
    order, ready = [], np.flatnonzero(waiting_for == 0)
    while ready.size:
        order.append(ready)
        ended = np.bincount(child[np.isin(parent, ready)], minlength=vertices)
        waiting_for = waiting_for - ended
        ready = np.flatnonzero((waiting_for == 0) & (ended > 0))
    return np.concatenate(order) if sum(map(len, order)) == vertices else None


def cycle(edges: IntArray, vertices: int) -> list[int]:
    """Return a cycle of a graph that has one, along its edges, the first vertex once more at the end.

    Vertices without parents are taken away until there are none; from any other, a walk against the edges must come
    back.
    """
    left = np.ones(vertices, dtype=bool)
    while True:
        among = edges[left[edges].all(axis=1)]
        has_parent = np.bincount(among[:, 1], minlength=vertices) > 0
        if (left == has_parent).all():
            break
        left = left & has_parent
    parent_of = dict(zip(among[:, 1].tolist(), among[:, 0].tolist(), strict=True))
    walk = [int(np.flatnonzero(left)[0])]
    while (parent := parent_of[walk[-1]]) not in walk:
        walk.append(parent)
    return [parent, *reversed(walk[walk.index(parent) :])]
