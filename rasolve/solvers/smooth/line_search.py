"""What the line searches share: when a decrease is enough, and which shares of a step are tried."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SUFFICIENT = 1e-4
"""Part of the predicted decrease that must be found (Armijo)."""

ROUNDED = 10 * float(np.finfo(np.float64).eps)
"""Relative change of what must fall that is rounding (Wächter and Biegler 2006)."""


def shares(first: float, least: float) -> Iterator[float]:
    """Yield shares of a step from the first to the least: halved, and cut to a tenth once they are small."""
    share = first
    while share >= least:
        yield share
        share *= 0.5 if share > 1e-3 else 0.1
