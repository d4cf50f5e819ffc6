"""Rivals: the min-max of a link at given densities as one mixed-integer linear program, by HiGHS and by SCIP.

    min τ   subject to   Σ_i rate_{k,i}·x_{k,i} >= D_k/(τ - a_k),   Σ_k x_{k,i} <= 1,   Σ_i power_i·x_{k,i} <= cap_k

D_k/(τ - a_k) is convex in τ, so it is replaced by tangents at POINTS deadlines between a proved bound and the greedy
plan's: nothing else is relaxed, and the dual bound stays valid. The objective is that of the plan by the true rates.
Rates are taken over what the bound's deadline asks for, so rows are of order one. Both get their limit in seconds of
processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time
from typing import Any

import highspy
import numpy as np

from rasolve.forms import FixedDensityLink, MixedIntegerProgram
from rasolve.forms.link import NOBODY
from rasolve.solvers.highs import as_lp, quiet_highs

POINTS = 60


@dataclass(frozen=True)
class Answer:
    """What a rival ends with: objective and bound [s], seconds of processor time, its own word on why it ended."""

    objective: float
    bound: float
    seconds: float
    status: str

    @property
    def gap(self) -> float:
        """Relative gap; 1 without a plan."""
        return 1 - self.bound / self.objective if np.isfinite(self.objective) else 1.0


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
    form, began = program(link, low, high), process_time()
    highs = quiet_highs()
    highs.setOptionValue("mip_rel_gap", gap)
    highs.passModel(as_lp(form))

    def stop(event: Any) -> None:
        event.interrupt(process_time() - began > seconds)

    highs.cbMipInterrupt.subscribe(stop)
    highs.run()
    found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    objective = _judged(link, np.asarray(highs.getSolution().col_value)) if found else np.inf
    bound = highs.getInfo().mip_dual_bound * high
    return Answer(objective, bound, process_time() - began, str(highs.getModelStatus()).rsplit(".k", 1)[-1])


def by_scip(link: FixedDensityLink, low: float, high: float, seconds: float, gap: float) -> Answer | None:
    """Return SCIP's answer through Pyomo, None where SCIP is not installed."""
    import pyomo.environ as pyo
    from pyomo.contrib.solver.common.factory import SolverFactory

    solver = SolverFactory("scip_direct")
    if not solver.available():
        return None
    form, began = program(link, low, high), process_time()
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
    result = solver.solve(
        model,
        solver_options={"timing/clocktype": 1, "limits/time": seconds, "limits/gap": gap, "lp/threads": 1},
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
        tee=False,
    )
    objective = np.inf
    if result.incumbent_objective is not None:
        result.solution_loader.load_vars()
        objective = _judged(link, np.asarray([pyo.value(model.x[j]) for j in columns]))
    return Answer(
        objective, float(result.objective_bound) * high, process_time() - began, result.termination_condition.name
    )


def _judged(link: FixedDensityLink, x: np.ndarray) -> float:
    """Return the objective of the owners at a point, by the true rates."""
    share = np.asarray(x[:-1]).reshape(link.clients, link.subchannels)
    return link.judge(np.where(share.max(axis=0) > 0.5, share.argmax(axis=0), NOBODY))
