"""The common look of pictures, and the way they are saved."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasolve.errors import InputError, SolverUnavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, SKY, VERMILLION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7"
"""Colours that colour-blind people can tell apart (Okabe and Ito 2008)."""
DARK, GREY, PALE = "#222222", "#7F7F7F", "#E6E6E6"

DASHED = (0, (5, 3))
"""The dashes of bounds, budgets and targets."""

NAMED_CLIENTS = 40
"""Clients up to which every row is named and has its own height."""

DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure [inches] that keeps its parts from overlapping; SolverUnavailable without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise SolverUnavailable("pictures need matplotlib: install rasolve[plot]") from None
    return Figure(figsize=(width, height), layout="constrained")


def plain(axes: Axes) -> None:
    """Leave out the frame's top and right lines, which say nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def title(figure: Figure, text: str) -> None:
    """Put a title over the whole figure, from the left."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=10.5)


def name_parties(axes: Axes, clients: int) -> None:
    """Name the rows of the clients from above, of many only some, and below them the server's."""
    named = range(0, clients, -(-clients // NAMED_CLIENTS))
    axes.set_yticks([*named, clients], [*(f"client {k + 1}" for k in named), "server"])
    axes.set_ylim(clients + 0.6, -0.6)


def legend_entries(order: Sequence[str], *axes: Axes) -> tuple[list[Any], list[str]]:
    """Return handles and labels of all axes, each label once, in the given order."""
    entries: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    labels = sorted(entries, key=order.index)
    return [entries[label] for label in labels], labels


def save(figure: Figure, path: str | Path) -> Path:
    """Write the picture to exactly this path and return it; raises InputError where that cannot be.

    Its format is that of the suffix, PNG where there is none.
    """
    path, drawn = Path(path), BytesIO()
    try:
        figure.savefig(drawn, format=path.suffix.removeprefix(".") or "png", dpi=DOTS_PER_INCH)
        path.write_bytes(drawn.getvalue())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"cannot write {path}: {error}") from None
    return path
