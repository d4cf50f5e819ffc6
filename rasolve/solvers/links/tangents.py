"""Can an `OfdmaLink` meet a deadline? A mixed-integer program in who owns what, with tangents to the least powers.

    min Σ_k p_k   subject to   p_k >= exp(y)·nats_k - Σ_i ψ_{k,i}(y)·x_{k,i}   for some water levels y,
                               p_k <= cap_k,   Σ_k p_k <= 1,   Σ_k x_{k,i} <= 1,   rows of the demand,   x whole

The right side of the first row is the Lagrangian of client k's rate at level y (see `rasolve.solvers.links.pricing`):
it is linear in x, at most the least power on any set, and equal to it at the set's own level. So every level is a valid
tangent, power densities need no variables, and a plan that is found but not in time is cut off by tangents at its own
levels (outer approximation; Duran and Grossmann, 1986; this form of it: ours). Assignments that prices rule out are
left out.

What a refutation is worth: all rows are relaxed by LENIENT, so HiGHS's tolerance of 1e-9 cannot hide a plan. Plans that
fail by less than that are cut off by the rule that somebody needs a subchannel beyond its set. That its tree was
searched without gaps is HiGHS's word.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rasolve.forms import MixedIntegerProgram, OfdmaLink
from rasolve.forms.power_demand import PowerDemand
from rasolve.forms.water import water_level
from rasolve.numerics import FloatArray, IntArray, marginal_efficiency
from rasolve.solvers.lagrangian import Prices, prices_at
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.links.assignment import LENIENT, Candidates, candidates
from rasolve.solvers.links.exchange import polish
from rasolve.solvers.links.pricing import Sets
from rasolve.solvers.links.question import Answer
from rasolve.solvers.registry import solve_form

POWER_GAP = 1e-3
"""Relative gap within which the least power is sought: what is wanted is a plan."""

AROUND = (-0.2, -0.05, 0.0, 0.05, 0.2)
"""Water levels of the first tangents, relative to those of the incumbent, in nats."""

LARGEST = 1e3
"""Largest right-hand side of a tangent in units of a cap."""

MOST_ROUNDS = 20
"""Programs for one deadline."""


def ask(form: OfdmaLink, deadline: float, owner: IntArray, nodes: int, limits: Limits) -> Answer:
    """Return owners that meet the deadline, or that it is refuted, or neither where nodes or time are spent."""
    demand = form.demand(deadline)
    if demand.short:
        return Answer(refuted=deadline)
    prices = prices_at(form, deadline)
    allowed = candidates(demand, prices)
    if allowed is None:
        return Answer(refuted=deadline)
    program = _Program(demand, prices, allowed)
    levels = _levels(demand, owner == np.arange(form.clients)[:, None])
    for shift in AROUND:
        program.add_tangents(levels + shift)
    for _ in range(MOST_ROUNDS):
        solution = solve_form(program.form(), "highs", replace(limits.inner(), gap=POWER_GAP), nodes=nodes)
        if solution.value is None:
            return Answer(refuted=deadline) if solution.bound == INFINITY else Answer()
        sets = program.sets(solution.value)
        found, _, objective = polish(form, np.where(sets.any(axis=0), sets.argmax(axis=0), form.gain.argmax(axis=0)))
        if objective <= deadline:
            return Answer(owner=found)
        if not program.add_tangents(_levels(demand, sets), solution.value):
            program.add_way_out(sets)
    return Answer()


def _levels(demand: PowerDemand, sets: Sets) -> FloatArray:
    """Return each client's water level [K] on its set [K, M]."""
    order = demand.order
    width = np.where(np.take_along_axis(sets, order, axis=1), demand.width_hz[order], 0.0)
    return water_level(width, np.take_along_axis(demand.log_snr, order, axis=1), demand.nats_per_s)


class _Program:
    """The program, growing by rows: columns are the allowed assignments, then each client's power over its cap."""

    def __init__(self, demand: PowerDemand, prices: Prices, allowed: Candidates) -> None:
        self._demand, self._allowed = demand, allowed
        self._rows: list[FloatArray] = []
        self._least: list[float] = []
        self._add_demand(demand, prices)

    def _add_demand(self, demand: PowerDemand, prices: Prices) -> None:
        """Add the demand's rows of power and count; those of fills are what the tangents stand for."""
        clients = len(demand.cap)
        rows = demand.rows(prices.counts)
        matrix = rows.matrix.toarray()
        for row, least in zip(matrix[matrix[:, :clients].sum(axis=1) == 0], rows.least[clients:], strict=True):
            counted = row[2 * clients :][self._allowed.client]
            self._add(np.concatenate([counted, row[clients : 2 * clients] * demand.cap]), float(least))

    def _add(self, row: FloatArray, least: float) -> None:
        self._rows.append(row)
        self._least.append(least - LENIENT)

    def add_tangents(self, levels: FloatArray, point: FloatArray | None = None) -> bool:
        """Add for each client the tangent at a water level [K]; return whether that cuts off a point."""
        demand, allowed, cut = self._demand, self._allowed, False
        with np.errstate(over="ignore"):
            x = np.maximum(levels[:, None] + demand.log_snr, 0.0)
            saving = demand.width_hz * np.exp(levels)[:, None] * marginal_efficiency(x) / demand.cap[:, None]
            need = np.exp(levels) * demand.nats_per_s / demand.cap
        for client in np.flatnonzero(np.isfinite(need) & np.isfinite(saving).all(axis=1)):
            own = np.where(allowed.client == client, saving[client, allowed.subchannel], 0.0)
            unit = (np.arange(len(demand.cap)) == client).astype(float)
            size = max(1.0, float(need[client]) / LARGEST)
            self._add(np.concatenate([own, unit]) / size, float(need[client]) / size)
            cut |= point is not None and float(self._rows[-1] @ point) < self._least[-1] - LENIENT
        return cut

    def add_way_out(self, sets: Sets) -> None:
        """Add that whoever exceeds a cap on its set [K, M] needs a subchannel outside it; else, that somebody does."""
        power = self._demand.powers(np.arange(len(sets)), sets)
        beyond = np.flatnonzero(power > self._demand.cap)
        outside = ~sets[self._allowed.client, self._allowed.subchannel]
        for clients in ([k] for k in beyond) if len(beyond) else [np.arange(len(sets))]:
            needed = outside & np.isin(self._allowed.client, clients)
            self._add(np.concatenate([needed.astype(float), np.zeros(len(sets))]), 1.0)

    def form(self) -> MixedIntegerProgram:
        """Return the program as it is now."""
        from scipy.sparse import csr_array, vstack

        allowed, demand = self._allowed, self._demand
        count, clients = len(allowed.client), len(demand.cap)
        shape = (demand.subchannels, count + clients)
        owned = csr_array((np.ones(count), (allowed.subchannel, np.arange(count))), shape=shape)
        below = np.full(demand.subchannels, -INFINITY)
        return MixedIntegerProgram(
            cost=np.concatenate([np.zeros(count), demand.cap]),
            matrix=vstack([owned, csr_array(np.asarray(self._rows))], format="csr"),
            row_low=np.concatenate([below, self._least]),
            row_high=np.concatenate([np.ones(demand.subchannels), np.full(len(self._least), INFINITY)]),
            low=np.zeros(count + clients),
            high=np.concatenate([np.ones(count), np.full(clients, 1 + LENIENT)]),
            whole=np.arange(count + clients) < count,
        )

    def sets(self, x: FloatArray) -> Sets:
        """Return each client's set [K, M] at a point."""
        chosen = np.flatnonzero(x[: len(self._allowed.client)] > 0.5)
        sets = np.zeros((len(self._demand.cap), self._demand.subchannels), dtype=bool)
        sets[self._allowed.client[chosen], self._allowed.subchannel[chosen]] = True
        return sets
