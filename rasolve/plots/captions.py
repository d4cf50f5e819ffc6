"""What is written into a graph: the sizes of tensors above a row, the names of the model's parts below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.plots.lanes import NEAR
from rasolve.plots.layout import Layout, spread

PRINT, LETTER = 7.5, 0.06
"""Size of the small print in points, and the width of one of its letters in inches."""

STEP = 0.26
"""Height of a step between neighbours of a column, in inches."""

LINE = 0.55
"""Height of a line of small print, in steps."""

LARGE_PART, SMALL_PART = 0.4, 3
"""Share of the layers from which a part is divided, and layers that its own parts then have on average."""

ON_AXIS = 1e-6
"""Height up to which a mark counts as on its row's axis, in steps."""

BESIDE = 0.3
"""How far beside a column a line passes its marks, in columns."""

MOST_LINES = 2
"""Lines of names along a row; names that need more are written downwards."""

MOST_LISTED = 2
"""Parts that stand in the same columns up to which all are named."""

MOST_NAMED = 100
"""Parts of a model up to which all are named."""


@dataclass(frozen=True)
class Room:
    """The columns within which a row's print stays, and the columns that a letter takes."""

    low: float
    high: float
    letter: float

    def width(self, text: str) -> float:
        """Return the columns that a text takes, a letter between it and the next included."""
        return self.letter * (len(text) + 1)


def lines_of(firsts: Sequence[float], lasts: Sequence[float]) -> list[int]:
    """Return for each of some intervals, in the order of their firsts, the first line on which it meets no other."""
    ends: list[float] = []
    found = []
    for first, last in zip(firsts, lasts, strict=True):
        line = next((i for i, end in enumerate(ends) if end <= first), len(ends))
        ends[line : line + 1] = [last]
        found.append(line)
    return found


def spread_texts(texts: Sequence[str], wanted: Sequence[float], room: Room) -> list[tuple[float, int]]:
    """Return where texts stand, centre and line, as near as can be above the columns that are `wanted`, in their order.

    They share as few lines as the room allows, dealt out in turn.
    """
    widths = np.array([room.width(text) for text in texts])
    count = max(1, int(np.ceil(widths.sum() / (room.high - room.low))))
    found: dict[int, tuple[float, int]] = {}
    for line in range(count):
        own = np.arange(line, len(texts), count)
        if own.size:
            centres = spread(np.array(wanted, dtype=float)[own], widths[own], room.low, room.high)
            found |= {int(i): (float(centre), line) for i, centre in zip(own, centres, strict=True)}
    return [found[i] for i in range(len(texts))]


@dataclass(frozen=True)
class Size:
    """The size of a crossing tensor: the layer that makes it, the text, its place along the row and its line.

    The line to the layer runs beside its column, at ``beside``, where other layers of the column are in the way.
    """

    vertex: int
    beside: float
    text: str
    centre: float
    line: int


@dataclass(frozen=True)
class Part:
    """A named part of the model in one row: the columns first..last, and the line of its name."""

    name: str
    first: float
    last: float
    line: int
    upright: bool


def sizes_of(
    crossing: Sequence[int], bits: FloatArray, layout: Layout, row: int, above: bool, room: Room
) -> list[Size]:
    """Return the sizes of what the layers of a row send to a higher tier, those `above` the axis or those below it."""
    here = [v for v in crossing if layout.row[v] == row and (layout.height[v] >= -ON_AXIS) == above]
    here.sort(key=lambda v: (layout.column[v], -abs(layout.height[v])))
    texts = [f"{bits[v] / 1e6:.3g} Mbit" for v in here]
    ways = [_way(layout, v, above) for v in here]
    places = spread_texts(texts, ways, room)
    return [Size(v, way, text, *place) for v, way, text, place in zip(here, ways, texts, places, strict=True)]


def _way(layout: Layout, v: int, above: bool) -> float:
    """Return the column along which a vertex can be reached from above or below without touching another."""
    same = (layout.row == layout.row[v]) & (layout.column == layout.column[v])
    outer = layout.height > layout.height[v] if above else layout.height < layout.height[v]
    return float(layout.column[v]) - (BESIDE if (same & outer).any() else 0.0)


def room_of(sizes: Sequence[Size]) -> float:
    """Return the height of some sizes, in steps."""
    return max((NEAR + LINE * (size.line + 1) for size in sizes), default=0.0)


def depth_of(parts: Sequence[Part]) -> float:
    """Return the height of brackets and names, in steps."""
    written = [len(part.name) * LETTER / STEP if part.upright else LINE * (part.line + 1) for part in parts]
    return max(written, default=0.0) + 0.2


def parts_below(names: Sequence[str], layout: Layout, row: int, room: Room) -> list[Part]:
    """Return the parts of the model that a row holds, their names along it or, where that is too tight, downwards."""
    found = parts_of(names)
    if len(found) > MOST_NAMED:
        return []
    spans = _together(found, layout, row)
    halves = [room.width(name) / 2 for name, _, _ in spans]
    middles = [(first + last) / 2 for _, first, last in spans]
    lines = lines_of(*([m + side * half for m, half in zip(middles, halves, strict=True)] for side in (-1, 1)))
    upright = max(lines) >= MOST_LINES
    return [Part(*span, 0 if upright else line, upright) for span, line in zip(spans, lines, strict=True)]


def _together(found: Sequence[tuple[str, list[int]]], layout: Layout, row: int) -> list[tuple[str, float, float]]:
    """Return names with their first and last columns in a row, from the left; those beside each other share one."""
    columns = ((name, [int(layout.column[v]) for v in layers if layout.row[v] == row]) for name, layers in found)
    spans = sorted((min(at), max(at), name) for name, at in columns if at)
    shared: list[tuple[int, int, list[str]]] = []
    for first, last, name in spans:
        if shared and first <= shared[-1][1]:
            low, high, names = shared.pop()
            shared.append((low, max(high, last), [*names, name]))
        else:
            shared.append((first, last, [name]))
    return [
        (", ".join(names) if len(names) <= MOST_LISTED else f"{names[0]} .. {names[-1]}", first - 0.3, last + 0.3)
        for first, last, names in shared
    ]


def parts_of(names: Sequence[str], whole: str = "") -> list[tuple[str, list[int]]]:
    """Return the parts of a model, each with its name and its layers, by the dotted words of the layers' names.

    The first words name the parts; what is a large share of the model is divided further by the next word, unless that
    leaves it in crumbs. So blocks.3.mlp.0 belongs to blocks.3, and inception3a.one.conv to inception3a.
    """
    found: dict[str, list[int]] = {}
    for v, name in enumerate(names):
        if f"{name}.".startswith(whole):
            found.setdefault(whole + name.removeprefix(whole).partition(".")[0], []).append(v)
    parts: list[tuple[str, list[int]]] = []
    for part, layers in found.items():
        finer = parts_of(names, f"{part}.") if len(layers) > LARGE_PART * len(names) else []
        parts += finer if len(layers) >= SMALL_PART * len(finer) > 0 else [(part, layers)]
    return parts
