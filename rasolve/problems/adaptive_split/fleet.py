"""One slot of a fleet that trains at once: a deadline, cuts, and shares of one server's clock.

    min over τ, s, f of V·τ + Σ_n q_n·E_n   with  f_n = max(f_min, C_n/(τ - a_n))  and  Σ_n f_n <= F     (reconstructed)

a_n is the delay of device n but for the server, C_n the server's cycles for it. With cuts fixed this is convex in τ:
its derivative is V - 2·ε·Σ q_n·f_n³ over the devices above f_min, so τ is where that turns positive, but no less than
the τ at which Σ f_n = F. At a fixed τ the cuts are a multiple-choice knapsack, whose Lagrangian gives cuts and a bound.
All functions take arrays with any leading dimensions [...] of slots; prices q have shape [..., N].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.costs import Curves

HALVINGS = 52
"""Halvings of a bracket: to the rounding of its width."""
ENOUGH = 1e-14
"""Relative step at which Newton's iteration is at its end."""


@dataclass(frozen=True, eq=False)
class Fleet:
    """Slots [...] of N devices with S cuts: delay and energy but for the server [..., N, S], cycles [S], and limits.

    ``epsilon`` is ε of the server, 0 if its energy is out of scope; ``least_hz`` what each device gets at least, and
    ``total_hz`` what there is.
    """

    delay_s: FloatArray
    energy_j: FloatArray
    cycles: FloatArray
    epsilon: float
    least_hz: float
    total_hz: float

    @classmethod
    def of(cls, curves: Curves, least_hz: float, total_hz: float, shape: tuple[int, ...]) -> Fleet:
        """Return the fleet of devices' curves, which have [..., N, S] elements."""
        delay_s, energy_j = curves.delay_s.reshape(shape), curves.energy_j.reshape(shape)
        return cls(delay_s, energy_j, curves.cycles, curves.epsilon, least_hz, total_hz)

    @property
    def devices(self) -> int:
        """N."""
        return int(self.delay_s.shape[-2])

    def held(self, which: IntArray) -> Held:
        """Return the fleet with cuts fixed, by their index [..., N] among the S."""
        return Held(
            np.take_along_axis(self.delay_s, which[..., None], -1)[..., 0],
            np.take_along_axis(self.energy_j, which[..., None], -1)[..., 0],
            self.cycles[which],
            self,
        )

    def clocks(self, deadline: FloatArray) -> FloatArray:
        """Return the clock [..., N, S] that meets deadlines [...] with every cut, inf where none does."""
        return _clocks(deadline[..., None, None], self.delay_s, self.cycles, self.least_hz)


def _clocks(deadline: FloatArray, delay_s: FloatArray, cycles: FloatArray, least_hz: float) -> FloatArray:
    spare = deadline - delay_s
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(cycles > 0, cycles / spare, 0.0)
    return np.where((spare > 0) | ((spare == 0) & (cycles == 0)), np.maximum(needed, least_hz), np.inf)


@dataclass(frozen=True, eq=False)
class Held:
    """A fleet with cuts: delay and energy but for the server, and cycles [..., N]."""

    delay_s: FloatArray
    energy_j: FloatArray
    cycles: FloatArray
    fleet: Fleet

    def clocks(self, deadline: FloatArray) -> FloatArray:
        """Return the clock [..., N] that meets deadlines [...]."""
        return _clocks(deadline[..., None], self.delay_s, self.cycles, self.fleet.least_hz)

    def shares(self, deadline: FloatArray) -> FloatArray:
        """Return the clock [..., N] at deadlines [...] that can be met, never more than there is.

        Where the server's part of a delay is next to nothing, rounding of the deadline would take the clock beyond it.
        """
        fleet = self.fleet
        more = np.minimum(self.clocks(deadline), fleet.total_hz) - fleet.least_hz
        room = fleet.total_hz - fleet.devices * fleet.least_hz
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(more.sum(axis=-1) > room, room / more.sum(axis=-1), 1.0)
        return np.asarray(fleet.least_hz + kept[..., None] * more)

    def deadline(self, weight: float, price: FloatArray) -> FloatArray:
        """Return the τ [...] of least V·τ + q·E, exactly.

        Two Newton iterations from the left. Σ f_n is convex and falling in τ, so the first rises to where it is F. So
        is Σ q_n·f_n³ between the τ at which a device reaches f_min, where it jumps down: the second stops there, and
        ends where it is V/(2·ε) or jumps past it. It starts where a single device alone would end.
        """
        fleet = self.fleet
        most = fleet.total_hz - (fleet.devices - 1) * fleet.least_hz
        tau = (self.delay_s + self.cycles / most).max(axis=-1)
        while True:
            clock, falling = self._clocks(tau)
            excess = clock.sum(axis=-1) - fleet.total_hz
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(falling, clock**2 / self.cycles, 0.0).sum(axis=-1)
                later = np.where(excess > 0, tau + excess / slope, tau)
            if not (later > tau * (1 + ENOUGH)).any():
                break
            tau = np.maximum(later, tau)
        if fleet.epsilon == 0:
            return np.asarray(tau)
        with np.errstate(divide="ignore", over="ignore"):
            alone = np.cbrt(weight / (2 * fleet.epsilon * price))
        idle = self.delay_s + self.cycles / fleet.least_hz
        tau = np.maximum(tau, (self.delay_s + self.cycles / np.maximum(alone, fleet.least_hz)).max(axis=-1))
        while True:
            clock, falling = self._clocks(tau)
            pull = 2 * fleet.epsilon * np.where(falling, price * clock**3, 0.0)
            excess = pull.sum(axis=-1) - weight
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(falling, 3 * pull * clock / self.cycles, 0.0).sum(axis=-1)
                later = np.where(excess > 0, tau + excess / slope, tau)
            later = np.minimum(later, np.where(falling, idle, np.inf).min(axis=-1))
            if not (later > tau * (1 + ENOUGH)).any():
                return np.asarray(tau)
            tau = np.maximum(later, tau)

    def _clocks(self, deadline: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return the clocks that meet deadlines, and which of them still fall."""
        clock = self.clocks(deadline)
        return clock, (clock > self.fleet.least_hz) & (self.cycles > 0)

    def energy(self, clock_hz: FloatArray) -> FloatArray:
        """Return every device's energy [..., N]."""
        return np.asarray(self.energy_j + self.fleet.epsilon * clock_hz**2 * self.cycles)


def halved(low: FloatArray, high: FloatArray, beyond: Callable[[FloatArray], NDArray[np.bool_]]) -> FloatArray:
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


def value(held: Held, deadline: FloatArray, weight: float, price: FloatArray) -> FloatArray:
    """Return V·τ + q·E [...] at deadlines [...]."""
    return np.asarray(weight * deadline + (price * held.energy(held.shares(deadline))).sum(axis=-1))
