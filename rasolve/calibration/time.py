"""Fit the time model of this machine to small pieces of the executor's own work."""

from __future__ import annotations

from collections.abc import Callable

from rasolve.surrogate_models.time import TimeModel, time_model_of

REPEATS = 5


def fit_time(repeats: int = REPEATS, callback: Callable[[int, int], object] | None = None) -> TimeModel:
    """Time small pieces of work on this machine, each `repeats` times after a warm-up, and return the model of them.

    `callback` hears of every timing, its number and how many there will be. Raises InputError for too few repeats,
    SolverUnavailable without torch.
    """
    from rasolve.executor.calibrate import machine, timings

    found = timings(repeats, callback=callback)
    return time_model_of(found.names, found.calls, found.flops, found.bytes, found.seconds, machine())
