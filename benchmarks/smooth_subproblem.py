"""One quadratic subproblem of the shared band at growing size: ours beside HiGHS's active set and Clarabel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter, process_time

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array, eye_array, triu, vstack

from benchmarks.report import figures, seconds, tiny
from benchmarks.smooth_forms import sampled_band
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.curvature import plain
from rasolve.solvers.smooth.elastic_qp import ElasticQp
from rasolve.solvers.smooth.kkt import elimination_order
from rasolve.solvers.smooth.subproblem import solve_qp

STIFF = 1e4
"""Penalty of the constraints, high enough for them to be met."""


def subproblem(clients: int) -> ElasticQp:
    """Return the first subproblem of a band with second derivatives at even multipliers; its rows can be met."""
    form = sampled_band(clients, 0).program()
    x = form.start
    values, slopes = form.values(x), form.slopes(x)
    even = np.append(np.full(clients, 1 / clients), 1.0)
    hessian = form.lagrangian_hessian(x, 1.0, even, np.zeros(0)) + 1e-8 * eye_array(form.size)
    low, high = np.maximum(form.lower - x, -10.0), np.minimum(form.upper - x, 10.0)
    rows, penalty = slopes.inequality_jacobian, np.full(clients + 1, STIFF)
    return ElasticQp(
        plain(csr_array(hessian)), slopes.gradient, rows, values.inequalities, clients + 1, low, high, penalty
    )


def ours(qp: ElasticQp, _limit_s: float) -> FloatArray:
    """Return the step of our own solver, its ordering included."""
    order = elimination_order(qp.curvature, qp.rows)
    return solve_qp(qp, np.zeros(len(qp.constants)), order).step


def highs(qp: ElasticQp, limit_s: float) -> FloatArray:
    """Return the step of HiGHS's active-set method, with hard constraints."""
    import highspy

    model, count = highspy.HighsModel(), len(qp.gradient)
    lp, hessian, rows = model.lp_, csc_array(triu(qp.curvature.matrix)), csr_array(qp.rows)
    lp.num_col_, lp.num_row_ = count, rows.shape[0]
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = qp.gradient, qp.low, qp.high
    lp.row_lower_, lp.row_upper_ = np.full(rows.shape[0], -highspy.kHighsInf), -qp.constants
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    model.hessian_.dim_, model.hessian_.format_ = count, highspy.HessianFormat.kTriangular
    lower = csc_array(hessian.T)
    model.hessian_.start_, model.hessian_.index_, model.hessian_.value_ = lower.indptr, lower.indices, lower.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", limit_s)
    solver.passModel(model)
    solver.run()
    return np.asarray(solver.getSolution().col_value)


def clarabel(qp: ElasticQp, limit_s: float) -> FloatArray:
    """Return the step of Clarabel's interior point, with hard constraints."""
    import clarabel as library

    count = len(qp.gradient)
    identity = eye_array(count, format="csc")
    rows = csc_array(vstack([csc_array(qp.rows), identity, -identity]))
    limits = np.concatenate([-qp.constants, qp.high, -qp.low])
    settings = library.DefaultSettings()
    settings.verbose, settings.time_limit = False, limit_s
    quadratic = csc_array(triu(qp.curvature.matrix))
    cones = [library.NonnegativeConeT(len(limits))]
    return np.asarray(library.DefaultSolver(quadratic, qp.gradient, rows, limits, cones, settings).solve().x)


SOLVERS: dict[str, Callable[[ElasticQp, float], FloatArray]] = {"ours": ours, "HiGHS": highs, "Clarabel": clarabel}


def table(sizes: Sequence[int], limit_s: float) -> str:
    """Return processor seconds and accuracy of every solver; one that is late is not asked about larger sizes."""
    rows, late = [], set()
    for solver in SOLVERS.values():
        solver(subproblem(3), limit_s)  # loads everything before the clock counts
    for clients in sizes:
        qp = subproblem(clients)
        steps: dict[str, tuple[FloatArray, float]] = {}
        for name, solver in SOLVERS.items():
            if name not in late:
                ends, began = perf_counter() + limit_s, process_time()
                steps[name] = solver(qp, limit_s), process_time() - began
                late |= {name} if perf_counter() > ends else set()
        value = {name: _value(qp, step) for name, (step, _) in steps.items()}
        for name, (step, taken) in steps.items():
            missed = float(qp.violations(step).max()) if len(step) == len(qp.gradient) else np.inf
            above = (value[name] - value["ours"]) / abs(value["ours"])
            rows.append((f"{clients}, {name}", seconds(taken), tiny(above), tiny(missed)))
    return figures(("clients, solver", "time", "above ours", "largest violation"), rows)


def _value(qp: ElasticQp, step: FloatArray) -> float:
    if len(step) != len(qp.gradient):
        return np.inf
    return float(qp.gradient @ step + 0.5 * step @ (diags_array(qp.curvature.matrix.diagonal()) @ step))
