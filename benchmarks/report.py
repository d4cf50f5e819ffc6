"""Aligned tables, JSON files and progress for the benchmark scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return one aligned table: the first column to the left, all others to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    cells = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([cells[0], "  ".join("-" * w for w in widths), *cells[1:]])


def watched(items: Sequence[T], what: str) -> Iterable[T]:
    """Return the items with a progress bar on stderr, or without one where that is no terminal."""
    return track(items, what, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def write_json(path: Path, fields: dict[str, Any]) -> None:
    """Write fields to a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields, indent=1) + "\n")


def seconds(value: float) -> str:
    """Return a duration with three digits in a readable unit."""
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def tiny(value: float) -> str:
    """Return a relative error or gap; 0 below the rounding of a few operations."""
    return "0" if abs(value) < 1e-14 else f"{value:.1e}"
