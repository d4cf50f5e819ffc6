"""Isotonic regression: the nearest curve that never rises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rasolve.numerics import FloatArray


@dataclass(frozen=True, eq=False)
class Steps:
    """A curve of falling steps: their values, strictly falling, and how many points each holds [blocks]."""

    values: FloatArray
    sizes: tuple[int, ...]

    @property
    def curve(self) -> FloatArray:
        """The value at every point."""
        return np.repeat(self.values, self.sizes)


def non_increasing(values: ArrayLike, weights: ArrayLike | None = None) -> Steps:
    """Return the non-increasing curve with the least Σ weight·(value - curve)², by pooling adjacent violators.

    Values and weights (above 0, all 1 by default) are [points]. Textbook: Barlow et al. 1972.
    """
    given = np.asarray(values, dtype=np.float64)
    weighed = np.ones_like(given) if weights is None else np.asarray(weights, dtype=np.float64)
    means: list[float] = []
    totals: list[float] = []
    sizes: list[int] = []
    for value, weight in zip(given.tolist(), weighed.tolist(), strict=True):
        size = 1
        while means and means[-1] <= value:
            before, held = means.pop(), totals.pop()
            value = (held * before + weight * value) / (held + weight)
            weight += held
            size += sizes.pop()
        means.append(value)
        totals.append(weight)
        sizes.append(size)
    return Steps(np.array(means), tuple(sizes))
