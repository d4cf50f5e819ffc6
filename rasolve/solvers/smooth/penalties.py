"""The penalties of an exact penalty function, one for each constraint: how they come down again."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray

MARGIN = 1.2
"""Ratio of a penalty to its multiplier that is aimed at; 1 is the least that is exact."""

FAINT = 1e-3
"""Least penalty, relative to the largest that is needed."""


def lowered(penalty: FloatArray, multipliers: FloatArray) -> FloatArray:
    """Return penalties [m] half the way down to what multipliers [m] need (ours, after Powell 1978).

    A penalty far above its multiplier makes the merit see little but violation, and refuses good steps along curved
    constraints.
    """
    size = MARGIN * np.abs(multipliers)
    needed = np.maximum(size, FAINT * size.max(initial=0.0))
    return np.asarray(np.minimum(penalty, np.maximum(needed, (penalty + needed) / 2)))
