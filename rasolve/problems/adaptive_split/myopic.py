"""Every slot by itself: the least delay that its own energy budget allows, blind to all other slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.costs import curves
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.fleet import Fleet
from rasolve.problems.base import TOLERANCE

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots

HALVINGS = 52
"""Halvings of a bracket: to the rounding of its width."""


def each_slot_by_itself(problem: SplitOverSlots) -> SplitDecision:
    """Return the earliest deadline of every slot with clocks, cuts and energies that it allows.

    A device may take its budget, or the least energy that is possible; of the cuts that allow that, it has the one that
    needs the least of the server's clock.
    """
    at = curves(problem, problem.channels)
    cuts = at.delay_s.shape[-1]
    fleet = Fleet.of(at, problem.clock_min_hz, problem.clock_max_hz, (problem.slots, problem.at_once, cuts))
    least = fleet.energy(fleet.least_hz).min(axis=-1)
    allowed_j = np.maximum(problem.budgets_j, least)[..., None] * (1 + TOLERANCE)

    def clocks(deadline: FloatArray) -> FloatArray:
        clock = fleet.clocks(deadline)
        energy = fleet.energy(np.where(np.isinf(clock), 0.0, clock))
        return np.where(energy <= allowed_j, clock, np.inf)

    low = np.zeros(problem.slots)
    high = (fleet.delay_s + fleet.cycles / fleet.least_hz).max(axis=(-2, -1))
    deadline = _halved(low, high, lambda tau: clocks(tau).min(axis=-1).sum(axis=-1) > fleet.total_hz)
    found = clocks(deadline)
    which = found.argmin(axis=-1)
    clock_hz = np.take_along_axis(found, which[..., None], -1)[..., 0]
    return SplitDecision(problem.candidates[which].reshape(problem.clock_shape), clock_hz.reshape(problem.clock_shape))


def _halved(low: FloatArray, high: FloatArray, beyond: Callable[[FloatArray], NDArray[np.bool_]]) -> FloatArray:
    """Return the least τ in [low, high] that `beyond` says not to go beyond; `beyond` turns false once."""
    still = beyond(low)
    if not still.any():
        return low
    top = np.where(still, high, low)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + top)
        more = beyond(middle)
        low, top = np.where(more, middle, low), np.where(more, top, middle)
    return top
