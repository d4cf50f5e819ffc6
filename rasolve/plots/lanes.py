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
BEND = 1.5
"""How far an arc leans over its ends, in columns; it rises upright where a mark is less than a column away."""
PORT = 0.6
"""Distance in columns from the first and last column of a row to where edges to other rows enter and leave."""
BETWEEN = 0.5
"""Room above and below whatever a row holds, in steps."""


@dataclass(frozen=True)
class Arc:
    """A piece of an edge within one row, a cubic curve: its ends, control points and the height of its middle.

    Points are in columns and in steps about the row's axis.
    """

    row: int
    start: Point
    end: Point
    controls: tuple[Point, Point]
    peak: float


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
    middle, span = (y0 + y1) / 2, x1 - x0
    columns, heights = layout.column[between], layout.height[between]
    line = y0 + (y1 - y0) * (columns - x0) / span
    if not (np.abs(heights - line) < NEAR).any():
        thirds = (x0 + span / 3, (2 * y0 + y1) / 3), (x1 - span / 3, (y0 + 2 * y1) / 3)
        return Arc(row, start, end, thirds, middle)
    beyond = NEAR + min(HIGHEST, HIGHER_PER_COLUMN * span)
    peak = max(float(heights.max()), y0, y1) + beyond if middle >= 0 else min(float(heights.min()), y0, y1) - beyond
    level = (peak - middle / 4) * 4 / 3
    rise, fall = (min(BEND, span / 3) if gap >= 1 else 0.0 for gap in (columns.min() - x0, x1 - columns.max()))
    return Arc(row, start, end, ((x0 + rise, level), (x1 - fall, level)), peak)


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
