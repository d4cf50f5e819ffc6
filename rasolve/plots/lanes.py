"""How much room the rows of a graph need, and the way of every edge through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.plots.layout import Layout

Point = tuple[float, float]

NEAR = 0.42
"""Distance in steps within which a line would run through a mark."""
HIGHER_PER_COLUMN, HIGHEST = 0.07, 1.7
"""How much higher an arc is for every column that it spans, and at most, in steps."""
PORT = 0.6
"""Distance in columns from the first and last column of a row to where edges to other rows enter and leave."""
BETWEEN = 0.5
"""Room above and below whatever a row holds, in steps."""


@dataclass(frozen=True)
class Arc:
    """A piece of an edge within one row: its ends and the height of its middle, in columns and steps about the axis."""

    row: int
    start: Point
    end: Point
    peak: float

    @property
    def controls(self) -> tuple[Point, Point]:
        """The two control points of the cubic curve that has this peak; those of a straight line lie on it."""
        (x0, y0), (x1, y1) = self.start, self.end
        level = (self.peak - (y0 + y1) / 8) * 4 / 3
        if np.isclose(self.peak, (y0 + y1) / 2):
            return ((2 * x0 + x1) / 3, (2 * y0 + y1) / 3), ((x0 + 2 * x1) / 3, (y0 + 2 * y1) / 3)
        bend = min(1.5, (x1 - x0) / 3)
        return (x0 + bend, level), (x1 - bend, level)


@dataclass(frozen=True, eq=False)
class Route:
    """The way of one edge: its arcs, two where it changes rows."""

    arcs: tuple[Arc, ...]


def route(layout: Layout, parent: int, child: int) -> Route:
    """Return the way of an edge from parent to child: straight, over what stands between them, or through the ports."""
    row, column, height = (array.tolist() for array in (layout.row, layout.column, layout.height))
    start, end = (float(column[parent]), height[parent]), (float(column[child]), height[child])
    if row[parent] == row[child]:
        return Route((_arc(layout, row[parent], start, end),))
    leave, enter = (layout.columns - 1 + PORT, 0.0), (-PORT, 0.0)
    return Route((_arc(layout, row[parent], start, leave), _arc(layout, row[child], enter, end)))


def _arc(layout: Layout, row: int, start: Point, end: Point) -> Arc:
    (x0, y0), (x1, y1) = start, end
    between = (layout.row == row) & (layout.column > x0 + 0.1) & (layout.column < x1 - 0.1)
    middle = (y0 + y1) / 2
    columns, heights = layout.column[between], layout.height[between]
    line = y0 + (y1 - y0) * (columns - x0) / (x1 - x0)
    if not (np.abs(heights - line) < NEAR).any():
        return Arc(row, start, end, middle)
    beyond = NEAR + min(HIGHEST, HIGHER_PER_COLUMN * (x1 - x0))
    if middle >= 0:
        return Arc(row, start, end, max(float(heights.max()), y0, y1) + beyond)
    return Arc(row, start, end, min(float(heights.min()), y0, y1) - beyond)


def extents(layout: Layout, routes: Sequence[Route]) -> tuple[FloatArray, FloatArray]:
    """Return how far marks and arcs reach above and below each row's axis, arrays [rows] in steps."""
    above, below = np.zeros(layout.rows), np.zeros(layout.rows)
    np.maximum.at(above, layout.row, layout.height)
    np.maximum.at(below, layout.row, -layout.height)
    for arc in (arc for each in routes for arc in each.arcs):
        above[arc.row] = max(above[arc.row], arc.peak)
        below[arc.row] = max(below[arc.row], -arc.peak)
    return above, below


def axes_of(above: FloatArray, below: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return each row's axis and the gutter below it, arrays [rows] in steps from the top, and the height of all."""
    axis, gutter, at = np.zeros(len(above)), np.zeros(len(above)), 0.0
    for row in range(len(above)):
        axis[row] = at - above[row] - BETWEEN
        gutter[row] = axis[row] - below[row] - BETWEEN
        at = gutter[row]
    return axis, gutter, -at
