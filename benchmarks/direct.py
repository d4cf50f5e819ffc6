"""Rivals: the min-max of a link at given densities as one mixed-integer linear program, by HiGHS and by SCIP.

    min τ   subject to   Σ_i rate_{k,i}·x_{k,i} >= D_k/(τ - a_k),   Σ_k x_{k,i} <= 1,   Σ_i power_i·x_{k,i} <= cap_k

D_k/(τ - a_k) is convex in τ, so it is replaced by tangents at POINTS deadlines between a proved bound and the greedy
plan's: nothing else is relaxed, and the dual bound stays valid. The objective is that of the plan by the true rates.
Rates are taken over what the bound's deadline asks for, so rows are of order one. Both get their limit in seconds of
processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.direct_engines import Answer, highs_answer, scip_answer
from rasolve.forms import FixedDensityLink, MixedIntegerProgram
from rasolve.forms.link import NOBODY

POINTS = 60


def program(link: FixedDensityLink, low: float, high: float) -> MixedIntegerProgram:
    """Return the program: columns x_{1,1} .. x_{K,M} by client, then τ in units of ``high``."""
    K, M = link.clients, link.subchannels
    needed = link.payload_bits / (low - link.offset_s)
    rows, least, most = [], [], []
    for k in range(K):
        for at in np.linspace(low, high, POINTS):
            value = link.payload_bits[k] / (at - link.offset_s[k]) / needed[k]
            slope = -value / (at - link.offset_s[k])
            row = np.zeros(K * M + 1)
            row[k * M : (k + 1) * M] = link.rate_bps[k] / needed[k]
            row[-1] = -slope * high
            rows.append(row)
            least.append(value - slope * at)
            most.append(np.inf)
        row = np.zeros(K * M + 1)
        row[k * M : (k + 1) * M] = link.power_w / link.client_power_w[k]
        rows.append(row), least.append(-np.inf), most.append(1.0)
    for i in range(M):
        row = np.zeros(K * M + 1)
        row[i : K * M : M] = 1.0
        rows.append(row), least.append(-np.inf), most.append(1.0)
    return MixedIntegerProgram(
        cost=np.append(np.zeros(K * M), 1.0),
        matrix=np.asarray(rows),
        row_low=np.asarray(least),
        row_high=np.asarray(most),
        low=np.append(np.zeros(K * M), low / high),
        high=np.ones(K * M + 1),
        whole=np.append(np.ones(K * M, dtype=bool), False),
    )


def by_highs(link: FixedDensityLink, low: float, high: float, seconds: float, gap: float) -> Answer:
    """Return HiGHS's answer after at most about so many seconds of processor time."""
    return highs_answer(partial(program, link, low, high), partial(_judged, link), high, seconds, gap)


def by_scip(link: FixedDensityLink, low: float, high: float, seconds: float, gap: float) -> Answer | None:
    """Return SCIP's answer through Pyomo, None where SCIP is not installed."""
    return scip_answer(lambda: _in_pyomo(program(link, low, high)), partial(_judged, link), high, seconds, gap)


def _in_pyomo(form: MixedIntegerProgram) -> tuple[Any, list[Any]]:
    """Return a program as a Pyomo model, and its variables."""
    import pyomo.environ as pyo

    model = pyo.ConcreteModel()
    columns = range(len(form.cost))
    model.x = pyo.Var(columns, domain=lambda _, j: pyo.Binary if form.whole[j] else pyo.NonNegativeReals)
    model.x[columns[-1]].setlb(float(form.low[-1])), model.x[columns[-1]].setub(1.0)
    model.rows = pyo.ConstraintList()
    matrix = form.matrix
    for r in range(matrix.shape[0]):
        entries = slice(matrix.indptr[r], matrix.indptr[r + 1])
        body = pyo.quicksum(
            float(c) * model.x[int(j)] for j, c in zip(matrix.indices[entries], matrix.data[entries], strict=True)
        )
        low_r, high_r = float(form.row_low[r]), float(form.row_high[r])
        model.rows.add(body >= low_r if np.isfinite(low_r) else body <= high_r)
    model.tau = pyo.Objective(expr=model.x[columns[-1]])
    return model, [model.x[j] for j in columns]


def _judged(link: FixedDensityLink, x: np.ndarray) -> float:
    """Return the objective of the owners at a point, by the true rates."""
    share = np.asarray(x[:-1]).reshape(link.clients, link.subchannels)
    return link.judge(np.where(share.max(axis=0) > 0.5, share.argmax(axis=0), NOBODY))
