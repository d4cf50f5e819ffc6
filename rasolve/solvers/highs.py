"""`highs`: mixed-integer linear programs by HiGHS, with a bound that is worked out again from its multipliers."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.errors import SolverUnavailable
from rasolve.forms import MixedIntegerProgram
from rasolve.numerics import FloatArray, summed_at
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.registry import register

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class HighsState(State):
    """Whether HiGHS has run, the prices of the rows in its linear relaxation, and the bound that it claims itself."""

    ran: bool
    prices: FloatArray = field(default_factory=lambda: np.zeros(0))
    claimed: float = -INFINITY


@register
@dataclass(frozen=True)
class Highs(Solver[MixedIntegerProgram, HighsState]):
    """Branch and cut by HiGHS on arrays, a reference for solvers that know more.

    HiGHS's bound holds within its tolerances only. The bound given here is a proof: the Lagrangian value at the prices
    of the linear relaxation, in floating point with its rounding taken off, which holds for any prices (textbook). It
    is the optimum where the relaxation is integral, as for cuts, and else the root's bound. HiGHS's own claim stands
    among the multipliers.
    """

    name = "highs"
    form = MixedIntegerProgram
    purpose = "reference: branch and cut by HiGHS; the proved bound is that of the linear relaxation"

    def init(self, form: MixedIntegerProgram, limits: Limits) -> HighsState:
        return HighsState(None, INFINITY, -INFINITY, ran=False)

    def step(self, form: MixedIntegerProgram, state: HighsState, limits: Limits) -> HighsState:
        relaxed, prices, _ = _run(form, limits, whole=False)
        if relaxed is None:
            infeasible = prices is None
            return HighsState(None, INFINITY, INFINITY if infeasible else -INFINITY, ran=True)
        assert prices is not None
        bound = lagrangian(form, prices)
        x, _, claimed = _run(form, limits, whole=True)
        if x is None:
            return HighsState(None, INFINITY, INFINITY if claimed == INFINITY else bound, True, prices, claimed)
        x = np.where(form.integral, np.rint(x), x)
        objective = form.judge(x)
        return HighsState(x, objective, min(bound, objective), True, prices, claimed)

    def multipliers(self, form: MixedIntegerProgram, state: HighsState) -> dict[str, Any]:
        """Return the prices of the rows in the linear relaxation [m], and the bound that HiGHS claims."""
        return {"rows": state.prices, "claimed_bound": state.claimed}

    def done(self, form: MixedIntegerProgram, state: HighsState, limits: Limits) -> bool:
        return state.ran


def lagrangian(form: MixedIntegerProgram, prices: FloatArray) -> float:
    """Return a lower bound on the program without wholeness, whatever the prices [m]; -inf where they bound nothing.

    A price counts at the side of its row that it pays for, a reduced cost at the bound of its variable that it seeks.
    """
    prices = np.where((prices > 0) & np.isinf(form.row_lower) | (prices < 0) & np.isinf(form.row_upper), 0.0, prices)
    sides = np.where(prices > 0, form.row_lower, np.where(prices < 0, form.row_upper, 0.0))
    reduced = form.priced(prices)
    ends = np.where(reduced > 0, form.lower, np.where(reduced < 0, form.upper, 0.0))
    terms = np.concatenate([[form.constant], prices * sides, reduced * ends])
    size = summed_at(form.columns, np.abs(form.values * prices[form.rows]), len(form.cost))
    lost = (np.abs(form.cost) + size) @ np.where(np.isfinite(ends), np.abs(ends), 0.0) + np.abs(terms).sum()
    return float(terms.sum() - 4 * EPSILON * lost) if np.isfinite(terms).all() else -INFINITY


def _run(form: MixedIntegerProgram, limits: Limits, whole: bool) -> tuple[FloatArray | None, FloatArray | None, float]:
    """Return the columns that HiGHS found, the prices of the rows, and its bound (inf: it says infeasible).

    Without columns, no prices either mean that it says infeasible.
    """
    try:
        import highspy
    except ModuleNotFoundError:
        raise SolverUnavailable("solver 'highs' needs highspy: install rasolve") from None
    highs = highspy.Highs()
    for option, value in _options(limits).items():
        highs.setOptionValue(option, value)
    highs.passModel(_model(highspy, form, whole))
    if whole and limits.start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = np.asarray(limits.start, dtype=np.float64).tolist()
        highs.setSolution(solution)
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None, None, INFINITY
    prices = np.asarray(highs.getSolution().row_dual) if not whole else np.zeros(len(form.row_lower))
    claimed = form.constant + float(info.mip_dual_bound) if whole else -INFINITY
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None, prices, claimed
    return np.asarray(highs.getSolution().col_value), prices, claimed


def _options(limits: Limits) -> dict[str, Any]:
    left = max(limits.deadline - perf_counter(), 0.01)
    options: dict[str, Any] = {"output_flag": False, "threads": 1, "random_seed": limits.seed % 2**31}
    options |= {"mip_rel_gap": limits.gap, "mip_abs_gap": 0.0, "mip_feasibility_tolerance": 1e-9}
    return (
        options
        | {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        | ({"time_limit": left} if left < INFINITY else {})
    )


def _model(highspy: Any, form: MixedIntegerProgram, whole: bool) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(form.cost), len(form.row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = form.cost, form.lower, form.upper
    lp.row_lower_, lp.row_upper_ = form.row_lower, form.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = form.starts, form.columns, form.values
    if whole:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(k)] for k in form.integral]
    return lp
