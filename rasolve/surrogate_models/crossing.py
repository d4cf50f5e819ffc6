"""In which round a noisy training loss reaches a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.surrogate_models.monotone import non_increasing

WINDOW_ROUNDS = 2
"""Rounds over which losses are averaged before anything is read off them (ours)."""


@dataclass(frozen=True)
class Crossing:
    """Rounds until a target loss; with ``reached`` False a lower limit of them: the run was censored there."""

    rounds: float
    reached: bool


@dataclass(frozen=True, eq=False)
class LossCurve:
    """A training's loss without its noise: falling levels [blocks] at rounds [blocks], seen until round ``end``."""

    rounds: FloatArray
    levels: FloatArray
    end: float

    def crossing(self, target: float) -> Crossing:
        """Return when the curve reaches `target`; a curve that starts below it has done so at its first point."""
        if target < self.levels[-1]:
            return Crossing(self.end, reached=False)
        return Crossing(float(np.interp(-target, -self.levels, self.rounds)), reached=True)

    def confirms(self, target: float) -> bool:
        """Return whether the target has been reached, and the curve seen for a whole window after that."""
        found = self.crossing(target)
        return found.reached and found.rounds <= self.end - WINDOW_ROUNDS

    def starts_below(self, target: float) -> bool:
        """Return whether the target is reached before the curve begins, so that its rounds are an upper limit."""
        return bool(self.levels[0] <= target)

    def confirmed(self) -> float:
        """Return the lowest loss that counts as confirmed: the level one window before the end."""
        return float(np.interp(self.end - WINDOW_ROUNDS, self.rounds, self.levels))


def loss_curve(loss: ArrayLike, local_steps: int) -> LossCurve:
    """Return the curve behind losses [steps] per local step, each taken before its step's update.

    A moving mean over two rounds, standing at the middle of its window, then isotonic regression: one lucky
    mini-batch cannot reach a target, and neither lags behind, as a trailing mean or a running minimum would. Between
    the centres of its steps the curve is a straight line (ours). Raises InputError for fewer steps than two rounds.
    """
    losses = np.asarray(loss, dtype=np.float64)
    window = WINDOW_ROUNDS * local_steps
    if len(losses) < window:
        raise InputError(f"loss has {len(losses)} steps, needs at least {window}: {WINDOW_ROUNDS} rounds")
    means = np.convolve(losses, np.full(window, 1 / window), mode="valid")
    middles = (np.arange(len(means)) + (window - 1) / 2) / local_steps
    steps = non_increasing(means)
    starts = np.cumsum([0, *steps.sizes[:-1]])
    centres = np.add.reduceat(middles, starts) / steps.sizes
    return LossCurve(centres, steps.values, float(middles[-1]))
