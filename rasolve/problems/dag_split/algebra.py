"""DagSplit as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer linear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.problems.dag_split import delay
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.problems.modeling import pyomo

if TYPE_CHECKING:
    from rasolve.problems.dag_split.problem import DagSplit


def to_pyomo(problem: DagSplit, decision: DagSplitDecision | None = None) -> Any:
    """Return the mixed-integer linear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    below[l,v] says that layer v is on tier l or lower, sends[l,v] that its output crosses link l (published structure;
    the model is ours). Without a memory limit its linear relaxation has an integral optimum: it is a minimum cut.
    Raises SolverUnavailable without Pyomo.
    """
    pyo = pyomo()
    seconds, raw = delay.seconds_by_tier(problem), delay.is_input(problem)
    up, down = (1 / rate for rate in delay.rates(problem))
    pairs = [(parent, child) for parent, child in problem.edges.tolist()]

    model = pyo.ConcreteModel(name=f"DagSplit, {problem.reference}")
    model.links = pyo.RangeSet(0, problem.links - 1)
    model.layers = pyo.RangeSet(0, problem.layers - 1)
    model.edges = pyo.Set(initialize=sorted(set(pairs)), dimen=2)
    model.below = pyo.Var(model.links, model.layers, domain=pyo.Binary)
    model.sends = pyo.Var(model.links, model.layers, domain=pyo.Binary)

    @model.Constraint(model.links, model.edges)  # type: ignore[untyped-decorator]
    def parents_first(model: Any, link: int, parent: int, child: int) -> Any:
        return model.below[link, child] <= model.below[link, parent]

    @model.Constraint(model.links, model.edges)  # type: ignore[untyped-decorator]
    def sent_once(model: Any, link: int, parent: int, child: int) -> Any:
        return model.sends[link, parent] >= model.below[link, parent] - model.below[link, child]

    @model.Constraint(model.links, model.layers)  # type: ignore[untyped-decorator]
    def nested(model: Any, link: int, layer: int) -> Any:
        return model.below[link - 1, layer] <= model.below[link, layer] if link else pyo.Constraint.Skip

    for link in model.links:
        for layer in problem.inputs.tolist():
            model.below[link, layer].fix(1)
    if problem.memory_bytes is not None and problem.device_memory_bytes is not None:
        need = problem.memory_bytes.tolist()
        used = pyo.quicksum(need[v] * model.below[0, v] for v in model.layers)
        model.memory = pyo.Constraint(expr=used <= problem.device_memory_bytes)

    def on(tier: int, layer: int) -> Any:
        """Whether a layer is on a tier: below the link above it and not below the one beneath."""
        upper = model.below[tier, layer] if tier < problem.links else 1
        return upper - (model.below[tier - 1, layer] if tier else 0)

    compute = pyo.quicksum(float(seconds[tier, v]) * on(tier, v) for tier in range(problem.tiers) for v in model.layers)
    sent = problem.output_bits * np.where(raw, up[:, None], (up + down)[:, None])
    carried = problem.weight_bits * (up + down)[:, None]
    crossing = pyo.quicksum(float(sent[k, v]) * model.sends[k, v] for k in model.links for v in model.layers)
    weights = pyo.quicksum(float(carried[k, v]) * model.below[k, v] for k in model.links for v in model.layers)
    model.delay_s = pyo.Objective(expr=problem.local_steps * (compute + crossing) + weights)
    if decision is not None:
        for k in model.links:
            crosses = delay.crossing(problem, decision.tier, k)
            for v in model.layers:
                model.below[k, v] = int(decision.tier[v] <= k)
                model.sends[k, v] = int(crosses[v])
    return model
