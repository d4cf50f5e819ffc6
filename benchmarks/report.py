"""Tables of figures, JSON files and progress for the benchmark scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from rasolve.numerics import FloatArray
from rasolve.tables import aligned

T = TypeVar("T")


def figures(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return one aligned table: the first column to the left, all others to the right."""
    numbers = range(1, len(head))
    return "\n".join(aligned([tuple(head), *map(tuple, rows)], to_the_right=numbers))


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


def spread(values: FloatArray) -> tuple[str, str]:
    """Return mean ± standard deviation of a sample, and its range."""
    return f"{values.mean():.1f} ± {values.std(ddof=1):.1f}", f"{values.min():.1f} to {values.max():.1f}"
