"""A model's layers by the side that they are on, and what crosses between the sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.plots.captions import LETTER, LINE, PRINT, STEP, Part, Room, Size, depth_of, parts_below, room_of, sizes_of
from rasolve.plots.lanes import NEAR, Arc, Route, axes_of, extents, route
from rasolve.plots.layout import Layout, layered
from rasolve.plots.style import BLUE, DARK, GREEN, GREY, ORANGE, VERMILLION, new_figure, save, title
from rasolve.problems import Problem
from rasolve.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIERS = (("on the device", "o", BLUE), ("on the server", "s", ORANGE), ("in the cloud", "^", GREEN))
"""Name, shape and colour of every tier."""

COLUMN, WIDEST_COLUMN = 0.25, 0.62
"""Width of a column at least and at most, in inches."""
WIDTH, NARROWEST = 12.0, 6.5
"""Width of a picture with full rows, and of any, in inches."""

KEY = 1.5
"""Width of an entry of the legend, in inches."""

AREAS = (14.0, 150.0)
"""Areas of the marks of a layer without work and of the layer with most, in square points."""


@dataclass(frozen=True, eq=False)
class SplitGraph:
    """What is drawn of V layers: names [V], edges [E, 2], tiers [V], bits that each hands on [V], work [V], a title."""

    names: tuple[str, ...]
    edges: IntArray
    tier: IntArray
    bits: FloatArray
    work: FloatArray
    title: str

    @property
    def crosses(self) -> Any:
        """Which edges [E] lead to a higher tier."""
        return self.tier[self.edges[:, 0]] < self.tier[self.edges[:, 1]]

    @property
    def crossing(self) -> list[int]:
        """The layers whose output crosses."""
        return [int(v) for v in np.unique(self.edges[self.crosses, 0])]


def has_layers(problem: Problem) -> bool:
    """Return whether a problem has a graph of layers to draw."""
    return getattr(problem, "edges", None) is not None


def split_graph(problem: Problem, result: Result, path: str | Path) -> Path:
    """Draw the layers from left to right, marked by their tier, and every tensor that crosses with its size.

    The area of a mark is the layer's work, forward and backward. A long model is wrapped as text is. A tensor that
    crosses has one size, however many layers read it: it is sent once. Raises InputError for a problem without a graph
    of layers, InfeasibleError for a result without a decision, SolverUnavailable without matplotlib.
    """
    if not has_layers(problem):
        raise InputError(f"{problem.kind} has no graph of layers to draw")
    tied = result.of(problem)
    objective = tied.evaluation.objective
    data: Any = problem
    decision: Any = tied.decision
    return draw(
        SplitGraph(
            names=data.names or tuple(f"layer {v}" for v in range(data.layers)),
            edges=data.edges,
            tier=decision.tier,
            bits=data.output_bits,
            work=data.server_seconds if data.forward_flops is None else data.forward_flops + data.backward_flops,
            title=f"{data.model or problem.kind} by {result.solver}, {objective:.4g} {result.unit} a round",
        ),
        path,
    )


def draw(graph: SplitGraph, path: str | Path) -> Path:
    """Draw a split graph and return the path; raises InputError where it cannot be written."""
    layout = layered(graph.edges, len(graph.names))
    columns = layout.columns + 0.9
    inches = max(float(np.clip(WIDTH / columns, COLUMN, WIDEST_COLUMN)), NARROWEST / columns)
    room = Room(-1.0, layout.columns - 0.1, LETTER / inches)
    routes = [route(layout, parent, child) for parent, child in graph.edges.tolist()]
    above, below = extents(layout, routes)
    upper, lower = (
        [sizes_of(graph.crossing, graph.bits, layout, row, side, room) for row in range(layout.rows)]
        for side in (True, False)
    )
    parts = [parts_below(graph.names, layout, row, room) for row in range(layout.rows)]
    over, beneath = (np.array([room_of(sizes) for sizes in rows]) for rows in (upper, lower))
    under = np.array([NEAR + depth_of(row) for row in parts])
    axis, gutter, height = axes_of(above + over, below + beneath + under)
    figure = new_figure(inches * columns, STEP * height + 1.15)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(room.low, room.high)
    axes.set_ylim(-height, 0)
    _draw_edges(axes, graph, layout, routes, axis, gutter)
    _draw_marks(axes, graph, layout, axis)
    for row in range(layout.rows):
        _draw_sizes(axes, layout, upper[row], axis[row], above[row] + NEAR)
        _draw_sizes(axes, layout, lower[row], axis[row], -below[row] - NEAR)
        _draw_parts(axes, parts[row], axis[row] - below[row] - beneath[row] - NEAR)
    _draw_legend(figure, graph)
    title(figure, _title(graph))
    return save(figure, path)


def _draw_edges(
    axes: Axes, graph: SplitGraph, layout: Layout, routes: Sequence[Route], axis: FloatArray, gutter: FloatArray
) -> None:
    """Draw edges within a side in grey, those that cross in red, and their ways from one row to the next."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path as Curve

    bend = [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]
    for crossing, colour, width, alpha in ((False, GREY, 0.8, 0.5), (True, VERMILLION, 1.7, 1.0)):
        chosen = [each for each, crosses in zip(routes, graph.crosses, strict=True) if crosses == crossing]
        curves = {_points(arc, axis) for each in chosen for arc in each.arcs}
        paths = [Curve(points, bend) for points in curves]
        returns = {(each.arcs[0].row, each.arcs[-1].row) for each in chosen if len(each.arcs) > 1}
        paths += [Curve(_return(layout, axis, gutter, *rows)) for rows in returns]
        ways = PathCollection(paths, facecolors="none", edgecolors=colour, linewidths=width, alpha=alpha)
        axes.add_collection(ways).set_zorder(1 + crossing)


def _points(arc: Arc, axis: FloatArray) -> tuple[tuple[float, float], ...]:
    return tuple((x, y + float(axis[arc.row])) for x, y in (arc.start, *arc.controls, arc.end))


def _return(layout: Layout, axis: FloatArray, gutter: FloatArray, first: int, last: int) -> list[tuple[float, float]]:
    """Return the way from the end of one row to the start of another, through the gutter and the left margin."""
    right, left = layout.columns - 0.2, -0.9
    down, start = float(gutter[first]), float(axis[last])
    return [
        (layout.columns - 0.4, float(axis[first])),
        (right, float(axis[first])),
        (right, down),
        (left, down),
        (left, start),
        (-0.6, start),
    ]


def _draw_marks(axes: Axes, graph: SplitGraph, layout: Layout, axis: FloatArray) -> None:
    """Draw every layer in the shape and colour of its tier, raw data hollow."""
    least, most = AREAS
    area = least + (most - least) * graph.work / max(float(graph.work.max()), 1e-300)
    x, y = layout.column, axis[layout.row] + layout.height
    raw = np.ones(len(graph.names), dtype=bool)
    raw[graph.edges[:, 1]] = False
    axes.scatter(x[raw], y[raw], s=40, marker="o", facecolor="white", edgecolor=BLUE, linewidth=1.4, zorder=4)
    for tier, (_, marker, colour) in enumerate(TIERS):
        own = (graph.tier == tier) & ~raw
        axes.scatter(x[own], y[own], s=area[own], marker=marker, color=colour, linewidth=0, zorder=4)


def _draw_sizes(axes: Axes, layout: Layout, sizes: Sequence[Size], axis: float, base: float) -> None:
    """Write the size of every crossing tensor above or below its row, with a line to the layer that makes it."""
    side, align = (1, "bottom") if base > 0 else (-1, "top")
    for size in sizes:
        at, foot = axis + base + side * LINE * size.line, axis + layout.height[size.vertex]
        way = [size.centre, size.beside, layout.column[size.vertex]]
        axes.plot(way, [at, foot, foot], color=DARK, linewidth=0.5, zorder=3)
        written = at + side * 0.1
        axes.text(size.centre, written, size.text, ha="center", va=align, fontsize=PRINT, color=VERMILLION, zorder=5)


def _draw_parts(axes: Axes, parts: Sequence[Part], top: float) -> None:
    """Write the names of the model's parts below a row, each under a bracket over its columns."""
    for part in parts:
        middle, foot = (part.first + part.last) / 2, top - LINE * part.line - 0.15
        axes.plot([part.first, part.last], [top, top], color=DARK, linewidth=0.8, solid_capstyle="butt")
        axes.plot([middle, middle], [top, foot + 0.1], color=DARK, linewidth=0.5)
        rotation = 90 if part.upright else 0
        axes.text(middle, foot, part.name, ha="center", va="top", fontsize=PRINT, color=DARK, rotation=rotation)


def _draw_legend(figure: Figure, graph: SplitGraph) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D

    def mark(label: str, marker: str, **look: Any) -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, label=label, **look)

    keys = [mark("raw data", "o", markerfacecolor="white", markeredgecolor=BLUE, markeredgewidth=1.4, markersize=6)]
    for tier, (name, marker, colour) in enumerate(TIERS):
        if (graph.tier == tier).any():
            keys.append(mark(name, marker, color=colour, markersize=7))
    if graph.crossing:
        keys.append(Line2D([], [], color=VERMILLION, linewidth=1.7, label="crosses, sent once"))
    labels = [str(key.get_label()) for key in keys]
    handles: Any = [*keys, tuple(mark("", "o", color=GREY, markersize=size) for size in (4, 9))]
    figure.legend(
        handles,
        [*labels, "less, more work"],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        loc="outside lower left",
        ncols=min(len(handles), int(figure.get_figwidth() / KEY)),
        frameon=False,
        fontsize=9,
    )


def _title(graph: SplitGraph) -> str:
    split = f"{graph.title}\n{int((graph.tier == 0).sum())} of {len(graph.tier)} layers on the device"
    if not graph.crossing:
        return f"{split}; nothing crosses"
    crossing = "1 tensor crosses" if len(graph.crossing) == 1 else f"{len(graph.crossing)} tensors cross"
    return f"{split}; {crossing}, {float(graph.bits[graph.crossing].sum()) / 1e6:.4g} Mbit"
