"""CutAndClock as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InfeasibleError
from rasolve.problems.cut_and_clock.costs import curves, slopes
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.problems.cut_and_clock.judgement import explain
from rasolve.problems.modeling import pyomo

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock

GHZ = 1e9


def to_pyomo(problem: CutAndClock, decision: CutAndClockDecision | None = None) -> Any:
    """Return the mixed-integer nonlinear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    takes[i,c] in {0,1} picks the cut of decision i (round by round, in a round device by device), clock_ghz[i] is its
    server clock. Raises InfeasibleError where the budget is out of reach, SolverUnavailable without Pyomo.
    """
    pyo = pyomo()
    if reasons := explain(problem):
        raise InfeasibleError("; ".join(reasons))
    count, cuts = problem.gain.size, problem.candidates.tolist()
    at = curves(problem, slice(0, count))
    worth, least = slopes(problem, at), at.least_hz / GHZ

    model = pyo.ConcreteModel(name=f"{problem.kind}, {problem.reference}")
    model.decisions, model.cuts = pyo.RangeSet(0, count - 1), pyo.Set(initialize=cuts)
    model.takes = pyo.Var(model.decisions, model.cuts, domain=pyo.Binary)
    model.clock_ghz = pyo.Var(
        model.decisions,
        bounds=lambda _, i: (float(least[i]), at.most_hz / GHZ),
        initialize=at.most_hz / GHZ,
    )

    def chosen(i: int, of: Any) -> Any:
        return pyo.quicksum(float(of[cut]) * model.takes[i, cut] for cut in cuts)

    @model.Constraint(model.decisions)  # type: ignore[untyped-decorator]
    def one_cut(model: Any, i: int) -> Any:
        return pyo.quicksum(model.takes[i, cut] for cut in cuts) == 1

    @model.Expression(model.decisions)  # type: ignore[untyped-decorator]
    def delay_s(model: Any, i: int) -> Any:
        return chosen(i, at.delay_s[i]) + chosen(i, at.cycles / GHZ) / model.clock_ghz[i]

    @model.Expression(model.decisions)  # type: ignore[untyped-decorator]
    def energy_j(model: Any, i: int) -> Any:
        return chosen(i, at.energy_j[i]) + chosen(i, at.xi * GHZ**2 * at.cycles) * model.clock_ghz[i] ** 2

    if problem.energy_budget_j is not None:
        mean = pyo.quicksum(model.energy_j.values()) / count
        model.budget = pyo.Constraint(expr=mean <= problem.energy_budget_j)
    model.mean_utility = pyo.Objective(
        expr=pyo.quicksum(
            float(worth.per_second[i]) * (model.delay_s[i] - float(worth.zero_s[i]))
            + float(worth.per_joule[i]) * (model.energy_j[i] - float(worth.zero_j[i]))
            for i in model.decisions
        )
        / count
    )
    if decision is not None:
        for i, (cut, clock_hz) in enumerate(zip(decision.cut.flat, decision.clock_hz.flat, strict=True)):
            model.clock_ghz[i] = float(clock_hz) / GHZ
            for each in cuts:
                model.takes[i, each] = int(np.equal(each, cut))
    return model
