"""Training runs made up from known rounds, for what the fit must find again."""

from __future__ import annotations

import numpy as np

from rasolve.surrogate_models.crossing import WINDOW_ROUNDS
from rasolve.surrogate_models.evidence import TrainingRun, TrainingSettings

TARGET = 3.0
START = 5.0
SETTINGS = TrainingSettings(clients=3, batch_size=4, local_steps=2, learning_rate=0.01, data="made up")


def straight(rounds: float, most_rounds: int, rank: int = 1, seed: int = 0) -> TrainingRun:
    """Return a run whose loss falls along a line from START to TARGET at `rounds`, and on, for `most_rounds`."""
    at = np.arange(most_rounds * SETTINGS.local_steps) / SETTINGS.local_steps
    loss = np.maximum(START - (START - TARGET) * at / rounds, 0.0)
    return TrainingRun(rank=rank, cut=1, seed=seed, loss=loss)


def drawn(
    rng: np.random.Generator,
    medians: dict[int, float],
    seeds: int,
    between: float = 0.2,
    within: float = 0.1,
    most_rounds: int | None = None,
) -> list[TrainingRun]:
    """Return runs with log rounds = log median + seed effect + noise, of standard deviations `between`, `within`."""
    runs = []
    for seed in range(seeds):
        effect = between * rng.normal()
        for rank, median in medians.items():
            rounds = median * np.exp(effect + within * rng.normal())
            runs.append(straight(rounds, most_rounds or int(rounds) + 2 * WINDOW_ROUNDS, rank, seed))
    return runs
