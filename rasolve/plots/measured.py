"""How a prediction is drawn beside its measurement: two bars in a row, the pale one above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rasolve.plots.style import DARK, legend_entries

Source = Literal["predicted", "measured"]

HEIGHT = 0.36
"""Height of a bar, in rows."""


@dataclass(frozen=True)
class Look:
    """Where a bar lies in its row, in rows, and its opacity."""

    offset: float
    opacity: float


LOOKS: dict[Source, Look] = {"predicted": Look(-0.2, 0.45), "measured": Look(0.2, 1.0)}
"""The prediction above the measurement."""


def legend(figure: Any, stages: Sequence[str], *panels: Any, ncols: int) -> None:
    """Draw below the panels which colour is which of the stages, and which bar the prediction."""
    from matplotlib.patches import Patch

    handles, labels = legend_entries(list(stages), *panels)
    handles = [*handles, *(Patch(color=DARK, alpha=look.opacity) for look in LOOKS.values())]
    labels = [*labels, "predicted (upper bar)", "measured (lower bar)"]
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, frameon=False, fontsize=9)
