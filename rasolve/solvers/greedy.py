"""`greedy`: the published subchannel heuristic, followed by the exact power step."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from rasolve.forms import OfdmaLink
from rasolve.forms.power import owned
from rasolve.numerics import LN2, FloatArray, IntArray
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register, solve_form


@dataclass(frozen=True, eq=False)
class GreedyState(State):
    """Whether subchannels have been given out and powered."""

    assigned: bool


@register
@dataclass(frozen=True)
class Greedy(Solver[OfdmaLink, GreedyState]):
    """Straggler first (published, arXiv 2504.14667; shares, preferences and what is left over: reconstructed).

    Every client gets one subchannel, the slowest choosing first; then the best free subchannel always goes to the
    client that finishes last, its power, the smaller of its cap and its 1/K of the total, spread evenly over all it
    holds. A client whom the best free one would slow down is dropped, as at its power cap; what nobody wants goes to
    whoever hears it best. Then powers are set optimally for these owners.
    """

    name = "greedy"
    form = OfdmaLink
    purpose = "published: next subchannel to the straggler, then exact power control"

    def init(self, form: OfdmaLink, limits: Limits) -> GreedyState:
        bound = form.lower_bound()
        return GreedyState(None, INFINITY, bound, assigned=bound == INFINITY)

    def step(self, form: OfdmaLink, state: GreedyState, limits: Limits) -> GreedyState:
        link = owned(form, straggler_first(form))
        solution = solve_form(link.shares, "deadline", limits.inner())
        spectrum = link.spectrum(solution.objective)
        return GreedyState(spectrum, form.objective(spectrum), state.bound, assigned=True)

    def done(self, form: OfdmaLink, state: GreedyState, limits: Limits) -> bool:
        return state.assigned


def straggler_first(form: OfdmaLink) -> IntArray:
    """Return the owners [M] that the greedy rule gives, for M >= K."""
    power = np.minimum(form.client_power_w, form.total_power_w / form.clients)
    free = _Free(_preferences(form, power))
    owner = np.full(form.subchannels, -1)
    held: list[list[int]] = [[] for _ in range(form.clients)]

    def finish(client: int, holding: list[int]) -> float:
        rate = _even_rate(form, client, holding, float(power[client]))
        return float(form.offset_s[client] + form.payload_bits[client] / rate)

    alone = np.asarray([finish(k, [free.best(k)]) for k in range(form.clients)])
    for client in np.argsort(-alone, kind="stable").tolist():
        held[client] = [free.best(client)]
        free.take(held[client][0])
    waiting = [(-finish(k, held[k]), k) for k in range(form.clients)]
    heapify(waiting)
    while waiting and free.count:
        delay, client = heappop(waiting)
        chosen = free.best(client)
        sooner = finish(client, [*held[client], chosen])
        if sooner < -delay:
            free.take(chosen)
            held[client].append(chosen)
            heappush(waiting, (-sooner, client))
    for client, holding in enumerate(held):
        owner[holding] = client
    unwanted = np.flatnonzero(owner < 0)
    owner[unwanted] = form.gain[:, unwanted].argmax(axis=0)
    return owner


class _Free:
    """The free subchannels, and each client's best among them."""

    def __init__(self, preference: IntArray) -> None:
        self._preference = preference
        self._place = [0] * len(preference)
        self._taken = [False] * preference.shape[1]
        self.count = preference.shape[1]

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


def _preferences(form: OfdmaLink, power_w: FloatArray) -> IntArray:
    """Return each client's subchannels, the best first [K, M], or the one row that all share [1, M]."""
    if form.interchangeable:
        return np.arange(form.subchannels)[None, :]
    density = power_w[:, None] / form.width_hz.sum()
    rate = form.width_hz * np.log1p(density * form.gain / form.noise_w_per_hz)
    return np.argsort(-rate, axis=1, kind="stable")


def _even_rate(form: OfdmaLink, client: int, held: list[int], power_w: float) -> float:
    """Return the client's rate [bit/s] with its power spread evenly over the subchannels held."""
    if form.interchangeable:
        width: float = len(held) * float(form.width_hz[0])
        gain = float(form.gain[client, 0])
        return width * float(np.log1p(power_w * gain / (form.noise_w_per_hz * width))) / LN2
    widths: FloatArray = form.width_hz[held]
    snr = power_w / widths.sum() * form.gain[client, held] / form.noise_w_per_hz
    return float((widths * np.log1p(snr)).sum()) / LN2
