"""Rivals: the min-max of an `OfdmaLink`, owners and powers together, as one program, by HiGHS and by SCIP.

HiGHS gets an outer approximation: powers q_{k,i} <= cap_k·x_{k,i}, rates below tangents of the concave rate in
perspective form at LEVELS powers, deadlines as in `benchmarks.direct`. Its bound is valid; its owners are given optimal
powers. SCIP gets the convex program itself, with logarithms, through Pyomo, and the same care for its owners.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from benchmarks.direct import POINTS
from benchmarks.direct_engines import Answer, highs_answer, scip_answer
from rasolve.forms import MixedIntegerProgram, OfdmaLink
from rasolve.numerics import LN2

LEVELS = 12
"""Tangents to each rate, at powers from a thousandth of the cap to the cap."""


class Scaled:
    """A link in units of order one: powers over the total, rates over what the bound's deadline asks for."""

    def __init__(self, link: OfdmaLink, low: float) -> None:
        self.cap = np.minimum(link.client_power_w / link.total_power_w, 1.0)
        self.needed = link.payload_bits * LN2 / (low - link.offset_s)
        self.unit = link.width_hz / self.needed[:, None]
        self.snr = link.gain * link.total_power_w / (link.noise_w_per_hz * link.width_hz)


def outer_approximation(link: OfdmaLink, low: float, high: float) -> MixedIntegerProgram:
    """Return the program: columns x, q and rates [K, M] each, then τ in units of ``high``."""
    K, M, s = link.clients, link.subchannels, Scaled(link, low)
    size = K * M
    entries: list[tuple[int, int, float]] = []
    least: list[float] = []

    def add(row: dict[int, float], bound: float) -> None:
        entries.extend((len(least), column, value) for column, value in row.items())
        least.append(bound)

    for k in range(K):
        for i in range(M):
            x, q, r = (part * size + k * M + i for part in range(3))
            add({x: s.cap[k], q: -1.0}, 0.0)
            for at in s.cap[k] * np.geomspace(1e-3, 1.0, LEVELS):
                slope = s.unit[k, i] * s.snr[k, i] / (1 + at * s.snr[k, i])
                value = s.unit[k, i] * np.log1p(at * s.snr[k, i])
                add({x: value - slope * at, q: slope, r: -1.0}, 0.0)
        add({size + k * M + i: -1.0 / s.cap[k] for i in range(M)}, -1.0)
        for at in np.linspace(low, high, POINTS):
            value = link.payload_bits[k] * LN2 / (at - link.offset_s[k]) / s.needed[k]
            slope = -value / (at - link.offset_s[k])
            rates = {2 * size + k * M + i: 1.0 for i in range(M)}
            add({**rates, 3 * size: -slope * high}, value - slope * at)
    for i in range(M):
        add({k * M + i: -1.0 for k in range(K)}, -1.0)
    add({size + j: -1.0 for j in range(size)}, -1.0)
    row, column, value = zip(*entries, strict=True)
    columns = 3 * size + 1
    return MixedIntegerProgram(
        cost=np.append(np.zeros(3 * size), 1.0),
        matrix=coo_array((value, (row, column)), shape=(len(least), columns)),
        row_low=np.asarray(least),
        row_high=np.full(len(least), np.inf),
        low=np.append(np.zeros(3 * size), low / high),
        high=np.concatenate([np.ones(2 * size), np.full(size, np.inf), [1.0]]),
        whole=np.arange(columns) < size,
    )


def by_highs(link: OfdmaLink, low: float, high: float, seconds: float, gap: float) -> Answer:
    """Return HiGHS's answer after at most about so many seconds of processor time."""
    return highs_answer(partial(outer_approximation, link, low, high), partial(_judged, link), high, seconds, gap)


def by_scip(link: OfdmaLink, low: float, high: float, seconds: float, gap: float) -> Answer | None:
    """Return SCIP's answer through Pyomo, None where SCIP is not installed."""
    return scip_answer(partial(_in_pyomo, link, low, high), partial(_judged, link), high, seconds, gap)


def _in_pyomo(link: OfdmaLink, low: float, high: float) -> tuple[Any, list[Any]]:
    """Return the convex mixed-integer program as a Pyomo model, and the variables that say who owns what."""
    import pyomo.environ as pyo

    s, K, M = Scaled(link, low), link.clients, link.subchannels
    model = pyo.ConcreteModel()
    model.k, model.i = pyo.RangeSet(0, K - 1), pyo.RangeSet(0, M - 1)
    model.x = pyo.Var(model.k, model.i, domain=pyo.Binary)
    model.q = pyo.Var(model.k, model.i, domain=pyo.NonNegativeReals)
    for k in range(K):
        for i in range(M):
            model.q[k, i].setub(float(s.cap[k]))
    model.rate = pyo.Var(model.k, model.i, domain=pyo.NonNegativeReals)
    model.tau = pyo.Var(bounds=(low / high, 1.0))
    model.delay = pyo.Objective(expr=model.tau)

    @model.Constraint(model.k, model.i)
    def dark(m: Any, k: int, i: int) -> Any:
        return m.q[k, i] <= float(s.cap[k]) * m.x[k, i]

    @model.Constraint(model.k, model.i)
    def achieved(m: Any, k: int, i: int) -> Any:
        return m.rate[k, i] <= float(s.unit[k, i]) * pyo.log(1 + float(s.snr[k, i]) * m.q[k, i])

    @model.Constraint(model.k, model.i)
    def whole(m: Any, k: int, i: int) -> Any:  # else an x within SCIP's tolerance of 0 carries what noise does not stop
        return m.rate[k, i] <= float(s.unit[k, i] * np.log1p(s.snr[k, i] * s.cap[k])) * m.x[k, i]

    @model.Constraint(model.k)
    def in_time(m: Any, k: int) -> Any:
        offset, work = float(link.offset_s[k] / high), float((low - link.offset_s[k]) / high)
        return pyo.quicksum(m.rate[k, i] for i in m.i) * (m.tau - offset) >= work

    model.one = pyo.Constraint(model.i, rule=lambda m, i: pyo.quicksum(m.x[k, i] for k in m.k) <= 1)
    model.cap = pyo.Constraint(model.k, rule=lambda m, k: pyo.quicksum(m.q[k, i] for i in m.i) <= float(s.cap[k]))
    model.total = pyo.Constraint(expr=pyo.quicksum(model.q.values()) <= 1)
    return model, [model.x[k, i] for k in model.k for i in model.i]


def _judged(link: OfdmaLink, x: np.ndarray) -> float:
    """Return the objective of the owners at a point, with optimal powers."""
    share = x[: link.clients * link.subchannels].reshape(link.clients, link.subchannels)
    owner = np.where(share.max(axis=0) > 0.5, share.argmax(axis=0), link.gain.argmax(axis=0))
    return link.served(owner)[1]
