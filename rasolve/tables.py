"""Text tables for people: rows as lines with aligned columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

SAME = 1e-9
"""Relative gap up to which objective and bound count as one, as they do for solvers."""


def percent(gap: float) -> str:
    """Return a relative gap for people: three significant digits of a percentage, 0 % where it counts as none."""
    return "0 %" if gap <= SAME else f"{100 * gap:.3g} %"


def aligned(rows: Iterable[Sequence[str]], to_the_right: Collection[int] = ()) -> list[str]:
    """Return rows, all with the same number of cells, as lines; columns `to_the_right` are aligned at their ends."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(_padded(row, widths, to_the_right)).rstrip() for row in cells]


def _padded(row: Sequence[str], widths: Sequence[int], to_the_right: Collection[int]) -> list[str]:
    return [
        cell.rjust(width) if column in to_the_right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
