"""HiGHS and SCIP on a whole program of a link, each within so many seconds of processor time, judged by its owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import process_time
from typing import Any

import highspy
import numpy as np

from rasolve.forms import MixedIntegerProgram
from rasolve.solvers.highs import as_lp, quiet_highs

Judge = Callable[[np.ndarray], float]
"""The objective [s] of a point of a program, by the true rates."""


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


def highs_answer(
    program: Callable[[], MixedIntegerProgram], judged: Judge, unit_s: float, seconds: float, gap: float
) -> Answer:
    """Return HiGHS's answer after at most about so many seconds; the program's objective is in units of ``unit_s``."""
    began = process_time()
    highs = quiet_highs()
    highs.setOptionValue("mip_rel_gap", gap)
    highs.passModel(as_lp(program()))

    def stop(event: Any) -> None:
        event.interrupt(process_time() - began > seconds)

    highs.cbMipInterrupt.subscribe(stop)
    highs.run()
    found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    objective = judged(np.asarray(highs.getSolution().col_value)) if found else np.inf
    bound = highs.getInfo().mip_dual_bound * unit_s
    return Answer(objective, bound, process_time() - began, str(highs.getModelStatus()).rsplit(".k", 1)[-1])


def scip_answer(
    model: Callable[[], tuple[Any, Iterable[Any]]], judged: Judge, unit_s: float, seconds: float, gap: float
) -> Answer | None:
    """Return SCIP's answer through Pyomo, None where SCIP is not installed.

    ``model`` makes a Pyomo model, whose objective is in units of ``unit_s``, and lists the variables of a point.
    """
    import pyomo.environ as pyo
    from pyomo.contrib.solver.common.factory import SolverFactory

    solver = SolverFactory("scip_direct")
    if not solver.available():
        return None
    began = process_time()
    stated, point = model()
    result = solver.solve(
        stated,
        solver_options={"timing/clocktype": 1, "limits/time": seconds, "limits/gap": gap, "lp/threads": 1},
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
        tee=False,
    )
    objective = np.inf
    if result.incumbent_objective is not None:
        result.solution_loader.load_vars()
        objective = judged(np.asarray([pyo.value(variable) for variable in point]))
    bound = float(result.objective_bound) * unit_s
    return Answer(objective, bound, process_time() - began, result.termination_condition.name)
