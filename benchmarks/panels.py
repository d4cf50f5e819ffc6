"""What the pictures of the benchmarks share: how panels look, medians with their range, and how they are saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY, DARK = "#888888", "#222222"

DOTS_PER_INCH = 160


def panels(count: int, width: float, height: float, **how: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure [inches] with so many panels side by side, each with a pale grid and no frame above and right."""
    plt.switch_backend("Agg")
    figure, (row,) = plt.subplots(1, count, figsize=(width, height), squeeze=False, layout="constrained", **how)
    for axes in row:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(row)


def with_range(
    axes: Axes, sizes: Sequence[float], values: Sequence[Sequence[float]], colour: str, marker: str, label: str = ""
) -> list[float]:
    """Draw the median of the values at every size and their range, and return the medians."""
    middle = [median(each) for each in values]
    below = [m - min(each) for m, each in zip(middle, values, strict=True)]
    above = [max(each) - m for m, each in zip(middle, values, strict=True)]
    line: dict[str, Any] = {"color": colour, "marker": marker, "ms": 6, "lw": 1.6, "elinewidth": 1, "capsize": 2.5}
    axes.errorbar(sizes, middle, [below, above], label=label, **line)
    return middle


def save(figure: Figure, path: Path) -> None:
    """Write the picture to a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
