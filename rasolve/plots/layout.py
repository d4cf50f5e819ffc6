"""Where the layers of a model stand in a picture: in columns by depth, wrapped into rows as text is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.acyclic import topological_order
from rasolve.numerics import FloatArray, IntArray
from rasolve.surrogate_models.monotone import non_increasing

LONGEST_ROW = 46
"""Columns of a row at most."""

SWEEPS = 5
"""Times that columns are ordered by their neighbours' heights, forwards and backwards in turn."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Row, column within the row and height of every vertex, arrays [V]; a row has at most ``columns`` columns.

    Heights are in steps of one between neighbours of a column and about 0 on a row's axis.
    """

    row: IntArray
    column: IntArray
    height: FloatArray
    columns: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.row.max()) + 1


def layered(edges: IntArray, vertices: int) -> Layout:
    """Return the layout of an acyclic graph, edges [E, 2] from parent to child.

    A vertex stands as many columns from the left as the longest path to it has edges (textbook); within a column
    vertices are ordered by the mean height of their neighbours (Sugiyama et al., 1981) and kept one apart. Those that
    are alone in their column are on the axis.
    """
    depth = _depth(edges, vertices)
    rows = int(np.ceil((depth.max() + 1) / LONGEST_ROW))
    columns = int(np.ceil((depth.max() + 1) / rows))
    return Layout(depth // columns, depth % columns, _heights(edges, depth), columns)


def _depth(edges: IntArray, vertices: int) -> IntArray:
    depth = np.zeros(vertices, dtype=np.int64)
    children: list[list[int]] = [[] for _ in range(vertices)]
    for parent, child in edges.tolist():
        children[parent].append(child)
    order = topological_order(edges, vertices)
    assert order is not None
    for v in order.tolist():
        for child in children[v]:
            depth[child] = max(depth[child], depth[v] + 1)
    return depth


def _heights(edges: IntArray, depth: IntArray) -> FloatArray:
    height = np.zeros(len(depth))
    columns = [np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1)]
    wide = [column for column in columns if len(column) > 1]
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        neighbour, own = edges.T if forwards else edges.T[::-1]
        for column in wide if forwards else wide[::-1]:
            seen = [height[neighbour[own == v]] for v in column]
            wanted = np.array(
                [found.mean() if found.size else height[v] for v, found in zip(column, seen, strict=True)]
            )
            order = np.lexsort((-height[column], -wanted))
            height[column[order]] = -spread(-wanted[order], np.ones(len(column)))
    return height


def spread(wanted: FloatArray, width: FloatArray, low: float = -np.inf, high: float = np.inf) -> FloatArray:
    """Return the places [n], in this order and apart by half of both widths, with the least Σ (place - wanted)².

    Within low..high with their widths, where that is wide enough. Less the widths before them places never fall, which
    is isotonic regression; a clipped regression is the regression within limits (textbook).
    """
    before = np.concatenate([[0.0], np.cumsum((width[1:] + width[:-1]) / 2)])
    free = -non_increasing(before - wanted).curve
    first, last = low + width[0] / 2, high - width[-1] / 2 - before[-1]
    return np.asarray(np.clip(free, first, max(first, last)) + before)
