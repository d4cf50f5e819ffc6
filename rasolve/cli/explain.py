"""`rasolve explain`: which limits clash, or which solver is right and why."""

from __future__ import annotations

from rasolve.choosing import choose_solver
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Changes, Json, Seed, Target
from rasolve.cli.output import show, show_json
from rasolve.cli.targets import problem_of


def explain(target: Target, seed: Seed = None, changes: Changes = None, as_json: Json = False) -> ExitCode:
    """Explain why nothing is feasible (exit code 3), or which solver is chosen automatically and why."""
    problem = problem_of(target, seed, changes or [])
    reasons = problem.explain()
    if reasons:
        if as_json:
            show_json({"problem": problem.kind, "feasible": False, "reasons": reasons})
        else:
            show("\n".join(["nothing is feasible:", *(f"  {reason}" for reason in reasons)]))
        return ExitCode.INFEASIBLE
    choice, bound = choose_solver(problem), problem.lower_bound()
    if as_json:
        chosen = {"solver": choice.solver, "why": choice.why, "lower_bound": bound, "unit": problem.unit}
        show_json({"problem": problem.kind, "feasible": True, "reasons": [], **chosen})
    else:
        show(
            f"no limits clash in this {problem.kind}\n"
            f"  solver       {choice}\n"
            f"  lower bound  {bound:.6g} {problem.unit} (proved, before any solving)"
        )
    return ExitCode.DONE
