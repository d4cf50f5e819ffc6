"""Both problems as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InfeasibleError
from rasolve.problems.adaptive_split.costs import curves
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.judgement import evaluate, explain
from rasolve.problems.modeling import pyomo

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots

GHZ = 1e9


def to_pyomo(problem: SplitOverSlots, decision: SplitDecision | None = None) -> Any:
    """Return the mixed-integer nonlinear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    takes[t,n,c] in {0,1} picks the cut of device n in slot t, clock_ghz[t,n] is its server clock, delay_s[t] how long
    the slot lasts (reconstructed). Where one device trains in a slot, n is 0. Raises InfeasibleError where a budget is
    out of reach, SolverUnavailable without Pyomo.
    """
    pyo = pyomo()
    if reasons := explain(problem):
        raise InfeasibleError("; ".join(reasons))
    at, shape = curves(problem, problem.channels), (problem.slots, problem.at_once, len(problem.candidates))
    base_s, base_j = at.delay_s.reshape(shape), at.energy_j.reshape(shape)
    cycles, cuts = at.cycles, problem.candidates.tolist()
    least, most = problem.clock_min_hz / GHZ, problem.clock_max_hz / GHZ

    model = pyo.ConcreteModel(name=f"{problem.kind}, {problem.reference}")
    model.slots, model.devices = pyo.RangeSet(0, shape[0] - 1), pyo.RangeSet(0, shape[1] - 1)
    model.cuts = pyo.Set(initialize=cuts)
    model.takes = pyo.Var(model.slots, model.devices, model.cuts, domain=pyo.Binary)
    model.clock_ghz = pyo.Var(model.slots, model.devices, bounds=(least, most), initialize=most / shape[1])
    model.delay_s = pyo.Var(model.slots, domain=pyo.NonNegativeReals, initialize=1.0)

    def chosen(t: int, n: int, of: Any) -> Any:
        return pyo.quicksum(float(of[s]) * model.takes[t, n, cut] for s, cut in enumerate(cuts))

    @model.Constraint(model.slots, model.devices)  # type: ignore[untyped-decorator]
    def one_cut(model: Any, t: int, n: int) -> Any:
        return pyo.quicksum(model.takes[t, n, cut] for cut in cuts) == 1

    @model.Constraint(model.slots, model.devices)  # type: ignore[untyped-decorator]
    def in_time(model: Any, t: int, n: int) -> Any:
        return chosen(t, n, base_s[t, n]) + chosen(t, n, cycles / GHZ) / model.clock_ghz[t, n] <= model.delay_s[t]

    @model.Constraint(model.slots)  # type: ignore[untyped-decorator]
    def one_server(model: Any, t: int) -> Any:
        return pyo.quicksum(model.clock_ghz[t, n] for n in model.devices) <= most

    @model.Expression(model.slots, model.devices)  # type: ignore[untyped-decorator]
    def energy_j(model: Any, t: int, n: int) -> Any:
        computing = chosen(t, n, at.epsilon * GHZ**2 * cycles) * model.clock_ghz[t, n] ** 2
        return chosen(t, n, base_j[t, n]) + computing

    limits = problem.limits_j

    @model.Constraint(pyo.RangeSet(0, shape[1] - 1))  # type: ignore[untyped-decorator]
    def budget(model: Any, n: int) -> Any:
        return pyo.quicksum(model.energy_j[t, n] for t in model.slots) / shape[0] <= float(limits[n])

    model.mean_delay_s = pyo.Objective(expr=pyo.quicksum(model.delay_s.values()) / shape[0])
    if decision is not None:
        _set_to(model, problem, decision)
    return model


def _set_to(model: Any, problem: SplitOverSlots, decision: SplitDecision) -> None:
    """Set the variables to a decision."""
    shape = (problem.slots, problem.at_once)
    cut, clock = decision.cut.reshape(shape), decision.clock_hz.reshape(shape) / GHZ
    for t, delay in enumerate(evaluate(problem, decision).parts["slot_s"].tolist()):
        model.delay_s[t] = delay
    for t, n in np.ndindex(shape):
        model.clock_ghz[t, n] = float(clock[t, n])
        for each in model.cuts:
            model.takes[t, n, each] = int(each == cut[t, n])
