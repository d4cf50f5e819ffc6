"""`highs`: mixed-integer linear programs by HiGHS, built by arrays."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import MixedIntegerProgram
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

TOLERANCE = 1e-9
"""Feasibility and integrality tolerance asked of HiGHS; its tightest is 1e-10."""


@dataclass(frozen=True, eq=False)
class HighsState(State):
    """The multipliers of the rows [m], for a program without whole variables, and whether HiGHS has run."""

    multipliers: FloatArray | None = None
    ran: bool = False


@register
@dataclass(frozen=True)
class Highs(Solver[MixedIntegerProgram, HighsState]):
    """One run of HiGHS (Huangfu and Hall, 2018), its dual simplex or branch and cut.

    What the bound is worth: without whole variables it is recomputed from the multipliers, so it is proved. With them
    it is HiGHS's own, as is the word that nothing is feasible: proved up to its tolerance of 1e-9. ``nodes`` limits the
    search tree; the objective is always that of the value, with whole variables exactly whole.
    """

    name = "highs"
    form = MixedIntegerProgram
    purpose = "exact: HiGHS; with whole variables its bound is proved up to its tolerance of 1e-9"
    exact = True

    nodes: int | None = None

    def init(self, form: MixedIntegerProgram, limits: Limits) -> HighsState:
        return HighsState(None, INFINITY, -INFINITY)

    def step(self, form: MixedIntegerProgram, state: HighsState, limits: Limits) -> HighsState:
        import highspy

        highs = quiet_highs()
        highs.setOptionValue("mip_rel_gap", limits.gap)
        highs.setOptionValue("mip_abs_gap", 0.0)
        if self.nodes is not None:
            highs.setOptionValue("mip_max_nodes", self.nodes)
        if limits.deadline < INFINITY:
            highs.setOptionValue("time_limit", max(limits.deadline - perf_counter(), 0.0))
        highs.passModel(as_lp(form))
        if limits.start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = np.asarray(limits.start, dtype=np.float64).tolist()
            highs.setSolution(solution)
        highs.run()
        status = highs.getModelStatus()
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            status = self._without_objective(highs, form)
        if status == highspy.HighsModelStatus.kInfeasible:
            return HighsState(None, INFINITY, INFINITY, ran=True)
        return self._answer(highs, form)

    @staticmethod
    def _without_objective(highs: Any, form: MixedIntegerProgram) -> Any:
        """Return that the program is infeasible; raises InputError where it is unbounded instead."""
        import highspy

        highs.changeColsCost(len(form.cost), np.arange(len(form.cost), dtype=np.int32), np.zeros(len(form.cost)))
        highs.run()
        if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            raise InputError("MixedIntegerProgram has no least objective: it falls without limit")
        return highs.getModelStatus()

    @staticmethod
    def _answer(highs: Any, form: MixedIntegerProgram) -> HighsState:
        import highspy

        found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not form.whole.any():
            solution = highs.getSolution()
            multipliers = np.asarray(solution.row_dual) if solution.dual_valid else np.zeros(len(form.row_low))
            x = np.asarray(solution.col_value) if found else None
            return _state(form, x, form.dual_bound(multipliers), multipliers)
        bound = float(highs.getInfo().mip_dual_bound)
        return _state(form, _made_whole(highs, form) if found else None, bound, None)

    def multipliers(self, form: MixedIntegerProgram, state: HighsState) -> dict[str, Any]:
        return {} if state.multipliers is None else {"rows": state.multipliers}

    def done(self, form: MixedIntegerProgram, state: HighsState, limits: Limits) -> bool:
        return state.ran


def _state(form: MixedIntegerProgram, x: FloatArray | None, bound: float, multipliers: FloatArray | None) -> HighsState:
    objective = INFINITY if x is None else form.judge(x)
    value = x if objective < INFINITY else None
    return HighsState(value, objective, min(bound, objective), multipliers, ran=True)


def _made_whole(highs: Any, form: MixedIntegerProgram) -> FloatArray:
    """Return HiGHS's point with whole variables rounded, and the others best for them."""
    x = np.asarray(highs.getSolution().col_value)
    x[form.whole] = np.rint(x[form.whole])
    if form.whole.all():
        return x
    fixed = np.flatnonzero(form.whole).astype(np.int32)
    rest = quiet_highs()
    rest.passModel(as_lp(form, relaxed=True))
    rest.changeColsBounds(len(fixed), fixed, x[fixed], x[fixed])
    rest.run()
    again = np.asarray(rest.getSolution().col_value)
    again[form.whole] = x[form.whole]
    return again


def quiet_highs() -> Any:
    """Return a silent, serial HiGHS with tight tolerances."""
    import highspy

    highs = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("parallel", "off"),
        ("primal_feasibility_tolerance", TOLERANCE),
        ("dual_feasibility_tolerance", TOLERANCE),
        ("mip_feasibility_tolerance", TOLERANCE),
    ):
        highs.setOptionValue(option, value)
    return highs


def as_lp(form: MixedIntegerProgram, relaxed: bool = False) -> Any:
    """Return the program as HiGHS takes it, by rows; without wholeness where relaxed."""
    import highspy

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = form.matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = form.cost, form.low, form.high
    lp.row_lower_, lp.row_upper_ = form.row_low, form.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = form.matrix.indptr, form.matrix.indices
    lp.a_matrix_.value_ = form.matrix.data
    if form.whole.any() and not relaxed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in form.whole]
    return lp
