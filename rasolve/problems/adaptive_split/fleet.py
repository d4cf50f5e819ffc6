"""One slot of a fleet that trains at once: a deadline, cuts, and shares of one server's clock.

    min over τ, s, f of V·τ + Σ_n q_n·E_n   with  f_n = max(f_min, C_n/(τ - a_n))  and  Σ_n f_n <= F     (reconstructed)

a_n is the delay of device n but for the server, C_n the server's cycles for it. With cuts fixed this is convex in τ:
its derivative is V - 2·ε·Σ q_n·f_n³ over the devices above f_min, so τ is where that turns positive, but no less than
the τ at which Σ f_n = F. At a fixed τ the cuts are a multiple-choice knapsack, whose Lagrangian gives cuts and a bound.
All functions take arrays with any leading dimensions [...] of slots; prices q have shape [..., N].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.adaptive_split.costs import Curves

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

    @property
    def most_hz(self) -> float:
        """The most that one device can have, when all others have the least."""
        return self.total_hz - (self.devices - 1) * self.least_hz

    @property
    def deadlines(self) -> tuple[FloatArray, FloatArray]:
        """The τ [...] below which no cuts are in time, and those above which waiting saves nothing."""
        low = (self.delay_s + self.cycles / self.most_hz).min(axis=-1).max(axis=-1)
        high = (self.delay_s + self.cycles / self.least_hz).max(axis=(-2, -1))
        return low, np.maximum(high, low)

    @property
    def stacked(self) -> Fleet:
        """The fleet with one more axis in front of the devices, for several deadlines of each slot."""
        return replace(self, delay_s=self.delay_s[..., None, :, :], energy_j=self.energy_j[..., None, :, :])

    def energy(self, clock_hz: FloatArray | float) -> FloatArray:
        """Return the energy [..., N, S] of every cut at clocks [..., N, S]."""
        return np.asarray(self.energy_j + self.epsilon * clock_hz**2 * self.cycles)

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

        Two Newton iterations from the left: to where the server's clock is enough, then, where its energy is in scope,
        to where waiting no longer pays.
        """
        soonest = self._soonest()
        return soonest if self.fleet.epsilon == 0 else self._worth_waiting_for(soonest, weight, price)

    def _soonest(self) -> FloatArray:
        """Return the τ [...] at which Σ f_n, convex and falling in τ, is F."""

        def later(tau: FloatArray) -> FloatArray:
            clock, falling = self._clocks(tau)
            excess = clock.sum(axis=-1) - self.fleet.total_hz
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(falling, clock**2 / self.cycles, 0.0).sum(axis=-1)
                return np.where(excess > 0, tau + excess / slope, tau)

        return _raised((self.delay_s + self.cycles / self.fleet.most_hz).max(axis=-1), later)

    def _worth_waiting_for(self, soonest: FloatArray, weight: float, price: FloatArray) -> FloatArray:
        """Return the τ [...] from `soonest` on at which Σ q_n·f_n³ is V/(2·ε), or jumps past it.

        It is convex and falling between the τ at which a device reaches f_min, where it jumps down: every step stops
        there. The first is to where a single device alone would end.
        """
        fleet = self.fleet
        with np.errstate(divide="ignore", over="ignore"):
            alone = np.cbrt(weight / (2 * fleet.epsilon * price))
        idle = self.delay_s + self.cycles / fleet.least_hz

        def later(tau: FloatArray) -> FloatArray:
            clock, falling = self._clocks(tau)
            pull = 2 * fleet.epsilon * np.where(falling, price * clock**3, 0.0)
            excess = pull.sum(axis=-1) - weight
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(falling, 3 * pull * clock / self.cycles, 0.0).sum(axis=-1)
                later = np.where(excess > 0, tau + excess / slope, tau)
            return np.asarray(np.minimum(later, np.where(falling, idle, np.inf).min(axis=-1)))

        ends = (self.delay_s + self.cycles / np.maximum(alone, fleet.least_hz)).max(axis=-1)
        return _raised(np.maximum(soonest, ends), later)

    def _clocks(self, deadline: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return the clocks that meet deadlines, and which of them still fall."""
        clock = self.clocks(deadline)
        return clock, (clock > self.fleet.least_hz) & (self.cycles > 0)

    def energy(self, clock_hz: FloatArray) -> FloatArray:
        """Return every device's energy [..., N]."""
        return np.asarray(self.energy_j + self.fleet.epsilon * clock_hz**2 * self.cycles)

    def value(self, deadline: FloatArray, weight: float, price: FloatArray) -> FloatArray:
        """Return V·τ + q·E [...] at deadlines [...]."""
        return np.asarray(weight * deadline + (price * self.energy(self.shares(deadline))).sum(axis=-1))


def _raised(tau: FloatArray, later: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return where τ [...] comes to rest that is moved to `later` of it for as long as this is later."""
    while True:
        moved = later(tau)
        if not (moved > tau * (1 + ENOUGH)).any():
            return tau
        tau = np.maximum(moved, tau)
