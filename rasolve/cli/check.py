"""`rasolve check`: is this scenario, plan or result sound?"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
import typer

from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Changes, Json, Seed
from rasolve.cli.output import show, show_json
from rasolve.cli.targets import is_file, kind_of, problem_of
from rasolve.errors import InputError
from rasolve.executor.need import dag_shortage, sequential_shortage, shortage
from rasolve.numerics import FloatArray
from rasolve.plan import DagPlan, Plan, Quantity, SplitFederatedPlan, SplitSequentialPlan
from rasolve.problems import Constraint, Problem
from rasolve.result import Result
from rasolve.scenario.units import quantity


def check(
    target: Annotated[str, typer.Argument(help="A problem's name, a scenario file, or a plan.")],
    document: Annotated[str | None, typer.Argument(help="A stored result (or plan) of that problem.")] = None,
    seed: Seed = None,
    changes: Changes = None,
    as_json: Json = False,
) -> ExitCode:
    """Check a scenario, a plan, or a stored result against its problem.

    A result's constraints are all recomputed from the problem's data: exit code 3 where one is violated.
    """
    kind = kind_of(target) if document is None and is_file(target) else None
    if kind == Plan.kind:
        return _plan(Plan.load(target), as_json)
    if kind == Result.kind:
        raise InputError(f"{target} is a result: name its problem first, rasolve check PROBLEM {target}")
    problem = problem_of(target, seed, changes or [])
    if document is None:
        return _problem(problem, as_json)
    if kind_of(document) == Plan.kind:
        return _plan(_plan_of(problem, document), as_json)
    return _result(Result.load(document).of(problem), as_json)


def _problem(problem: Problem, as_json: bool) -> ExitCode:
    sizes = problem.dimensions()
    if as_json:
        show_json({"kind": problem.kind, "valid": True, "sizes": sizes, "notes": problem.notes()})
        return ExitCode.DONE
    listed = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    show("\n".join([f"valid {problem.kind}: {listed}", *(f"  note: {note}" for note in problem.notes())]))
    return ExitCode.DONE


def _plan_of(problem: Problem, path: str) -> Plan:
    plan = Plan.load(path)
    if plan.problem != problem.kind:
        raise InputError(f"{path}: this is a plan of {plan.problem}, not of {problem.kind}")
    if isinstance(plan, DagPlan) and len(plan.tier) != problem.dimension("V"):
        raise InputError(f"{path}: the plan has {len(plan.tier)} layers, the problem {problem.dimension('V')}")
    if isinstance(plan, SplitFederatedPlan) and plan.clients != problem.dimension("K"):
        raise InputError(f"{path}: the plan has {plan.clients} clients, the problem {problem.dimension('K')}")
    return plan


def _obstacle(plan: Plan) -> str | None:
    """Return why `rasolve run` would refuse a plan here; None where it would not."""
    if plan.obstacle is not None:
        return plan.obstacle
    if find_spec("torch") is None:
        return "running a plan needs torch: install rasolve[executor]"
    if isinstance(plan, DagPlan):
        return dag_shortage(plan)
    if isinstance(plan, SplitSequentialPlan):
        return sequential_shortage(plan)
    return shortage(plan) if isinstance(plan, SplitFederatedPlan) else None


def _plan(plan: Plan, as_json: bool) -> ExitCode:
    obstacle = _obstacle(plan)
    if as_json:
        show_json(
            {
                "kind": plan.kind,
                "valid": True,
                "problem": plan.problem,
                "solver": plan.solver,
                "protocol": plan.protocol,
                "model": plan.model_name,
                "clients": plan.clients,
                **plan.split,
                "objective": plan.objective,
                "unit": plan.unit,
                "can_be_run": obstacle is None,
                "obstacle": obstacle,
            }
        )
        return ExitCode.DONE
    show(f"{_summary(plan)}\n  can be run {'yes' if obstacle is None else f'no, because {obstacle}'}")
    return ExitCode.DONE


def _summary(plan: Plan) -> str:
    model = plan.model_name or "none named"
    return "\n".join(
        [
            f"valid plan: {plan.problem} by {plan.solver}, {plan.protocol}",
            f"  model      {model}, {plan.says}, batch {plan.batch_size}",
            f"  clients    {plan.clients}",
            f"  rounds     {plan.rounds:g} of {plan.local_steps} local steps ({plan.rounds_source})",
            f"  predicted  {_predicted(plan)}",
        ]
    )


def _predicted(plan: Plan) -> str:
    """Return what is predicted of the whole training, or of all turns, in words."""
    if isinstance(plan, SplitSequentialPlan):
        seconds, joules, bits = (_of_clients(plan, name) for name in ("seconds", "joules", "bits"))
        longest = np.zeros(int(plan.turn.max()) + 1)
        np.maximum.at(longest, plan.turn, seconds)
        spent = f"{quantity(longest.sum(), 's')} and {quantity(joules.sum(), 'J')}"
        return f"{spent} for all turns, {quantity(bits.sum(), 'bit')} sent"
    sent = sum(p.value for p in plan.predicted("bits") if p.per == "step")
    return f"{quantity(plan.objective, plan.unit)} in all, {quantity(sent, 'bit')} sent per local step"


def _of_clients(plan: SplitSequentialPlan, name: Quantity) -> FloatArray:
    """Return what every client is predicted to take in its turn [K]."""
    found = np.zeros(plan.clients)
    for each in plan.predicted(name):
        found[each.client - 1] += each.value * (1 if each.per == "round" else plan.local_steps)
    return found


def _result(result: Result, as_json: bool) -> ExitCode:
    judged, objective = result.check, result.evaluation.objective
    agreed = result.objective == objective
    if as_json:
        show_json(
            {
                "kind": result.kind,
                "problem": result.problem,
                "solver": result.solver,
                "feasible": judged.feasible,
                "objective": objective if np.isfinite(objective) else None,
                "stored_objective": result.objective,
                "constraints": [_constraint(constraint) for constraint in judged.constraints],
            }
        )
    else:
        verdict = "feasible" if judged.feasible else f"NOT feasible: {len(judged.violated)} constraints violated"
        claim = "" if agreed else f", NOT the {result.objective:.6g} {result.unit} that the file says"
        show(f"{judged}\n{verdict}, objective {objective:.6g} {result.unit}{claim}")
    if not judged.feasible:
        return ExitCode.INFEASIBLE
    return ExitCode.DONE if agreed else ExitCode.BAD_INPUT


def _constraint(constraint: Constraint) -> dict[str, Any]:
    return {
        "name": constraint.name,
        "value": np.asarray(constraint.value).tolist(),
        "relation": constraint.relation,
        "limit": np.asarray(constraint.limit).tolist(),
        "unit": constraint.unit,
        "kept": constraint.kept,
    }
