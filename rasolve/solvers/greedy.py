"""`greedy`: the published subchannel heuristic, followed by the exact power step."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Protocol

import numpy as np

from rasolve.forms import FixedDensityLink, Link, OfdmaLink
from rasolve.forms.link import NOBODY
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class GreedyState(State):
    """Whether subchannels have been given out and powered."""

    assigned: bool


@register
@dataclass(frozen=True)
class Greedy(Solver[Link, GreedyState]):
    """Straggler first (published, arXiv 2504.14667; shares, preferences and what is left over: reconstructed).

    Every client gets one subchannel, the slowest choosing first; then the best free subchannel always goes to the
    client that finishes last. Where densities are free, its power, the smaller of its cap and its 1/K of the total, is
    spread evenly over all it holds. A client whom the best free one would slow down or take beyond its cap is dropped;
    what nobody wants goes to whoever hears it best, or, at given densities, to nobody. Free powers are then set
    optimally for these owners.
    """

    name = "greedy"
    form = Link
    purpose = "published: next subchannel to the straggler, then exact power control"

    def init(self, form: Link, limits: Limits) -> GreedyState:
        bound = form.lower_bound()
        return GreedyState(None, INFINITY, bound, assigned=bound == INFINITY)

    def step(self, form: Link, state: GreedyState, limits: Limits) -> GreedyState:
        value, objective = form.served(straggler_first(form))
        return GreedyState(value, objective, state.bound, assigned=True)

    def done(self, form: Link, state: GreedyState, limits: Limits) -> bool:
        return state.assigned


def straggler_first(form: Link) -> IntArray:
    """Return the owners [M] that the greedy rule gives to a form whose lower bound is finite."""
    trial = _trial(form)
    held = _one_each(trial, form)
    free = _Free(trial.preferences, [subchannel for holding in held for subchannel in holding])
    waiting = [(-trial.finish(k, held[k]), k) for k in range(form.clients)]
    heapify(waiting)
    while waiting and free.count:
        delay, client = heappop(waiting)
        chosen = free.best(client)
        sooner = trial.finish(client, [*held[client], chosen])
        if sooner < -delay:
            free.take(chosen)
            held[client].append(chosen)
            heappush(waiting, (-sooner, client))
    owner = np.full(form.subchannels, NOBODY)
    for client, holding in enumerate(held):
        owner[holding] = client
    return trial.with_unwanted(owner)


def _trial(form: Link) -> _Trial:
    if isinstance(form, OfdmaLink):
        return _EvenPower(form)
    assert isinstance(form, FixedDensityLink)
    return _GivenDensity(form)


def _one_each(trial: _Trial, form: Link) -> list[list[int]]:
    """Return one subchannel for each client, the slowest choosing first, or any that serve all where that fails."""
    free = _Free(trial.preferences, [])
    alone = np.asarray([trial.finish(k, [free.best(k)]) for k in range(form.clients)])
    held: list[list[int]] = [[] for _ in range(form.clients)]
    for client in np.argsort(-alone, kind="stable").tolist():
        held[client] = [free.best(client)]
        free.take(held[client][0])
    if isinstance(form, FixedDensityLink) and any(trial.finish(k, held[k]) == INFINITY for k in range(form.clients)):
        assert form.serving is not None
        return [[subchannel] for subchannel in form.serving.tolist()]
    return held


class _Trial(Protocol):
    """How the greedy rule looks at a link."""

    preferences: IntArray
    """Each client's subchannels, the best first [K, M], or the one row that all share [1, M]."""

    def finish(self, client: int, held: list[int]) -> float:
        """Return when a client finishes with these subchannels [s]; inf beyond its cap."""

    def with_unwanted(self, owner: IntArray) -> IntArray:
        """Return the owners [M] with what nobody wanted given away."""


class _EvenPower:
    """Densities to be found: each client's power, its cap or its share of the total, is spread evenly for now."""

    def __init__(self, link: OfdmaLink) -> None:
        self._link = link
        self._power_w = np.minimum(link.client_power_w, link.total_power_w / link.clients)
        self.preferences = self._preferred()

    def _preferred(self) -> IntArray:
        link = self._link
        if link.interchangeable:
            return np.arange(link.subchannels)[None, :]
        density = self._power_w[:, None] / link.width_hz.sum()
        rate = link.width_hz * np.log1p(density * link.gain / link.noise_w_per_hz)
        return np.argsort(-rate, axis=1, kind="stable")

    def finish(self, client: int, held: list[int]) -> float:
        return float(self._link.offset_s[client] + self._link.payload_bits[client] / self._rate(client, held))

    def _rate(self, client: int, held: list[int]) -> float:
        link, power_w = self._link, float(self._power_w[client])
        if link.interchangeable:
            width: float = len(held) * float(link.width_hz[0])
            gain = float(link.gain[client, 0])
            return width * float(np.log1p(power_w * gain / (link.noise_w_per_hz * width))) / LN2
        widths: FloatArray = link.width_hz[held]
        snr = power_w / widths.sum() * link.gain[client, held] / link.noise_w_per_hz
        return float((widths * np.log1p(snr)).sum()) / LN2

    def with_unwanted(self, owner: IntArray) -> IntArray:
        return np.where(owner == NOBODY, self._link.gain.argmax(axis=0), owner)


class _GivenDensity:
    """Densities given: rates add up, and so do loads."""

    def __init__(self, link: FixedDensityLink) -> None:
        self._link = link
        self.preferences = np.argsort(-link.affordable_bps, axis=1, kind="stable")

    def finish(self, client: int, held: list[int]) -> float:
        link = self._link
        rate = float(link.affordable_bps[client, held].sum())
        if rate == 0 or link.power_w[held].sum() > link.client_power_w[client] * (1 + ROUNDING):
            return INFINITY
        return float(link.offset_s[client] + link.payload_bits[client] / rate)

    def with_unwanted(self, owner: IntArray) -> IntArray:
        return owner


class _Free:
    """The free subchannels, and each client's best among them."""

    def __init__(self, preference: IntArray, taken: list[int]) -> None:
        self._preference = preference
        self._place = [0] * len(preference)
        self._taken = [False] * preference.shape[1]
        self.count = preference.shape[1]
        for subchannel in taken:
            self.take(subchannel)

    def best(self, client: int) -> int:
        """Return the client's best free subchannel; clients beyond the last row of preferences share it."""
        row = min(client, len(self._place) - 1)
        order, place = self._preference[row], self._place[row]
        while self._taken[order[place]]:
            place += 1
        self._place[row] = place
        return int(order[place])

    def take(self, subchannel: int) -> None:
        """Mark a subchannel as taken."""
        self._taken[subchannel] = True
        self.count -= 1
