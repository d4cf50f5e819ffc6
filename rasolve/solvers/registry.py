"""Finds the solver for a form, by name or by itself, and solves with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from rasolve.errors import InputError, SolverUnavailable, unknown
from rasolve.forms import Form, Solution, Termination
from rasolve.solvers.base import Solver, iterate
from rasolve.solvers.limits import Limits

SHIPPED = (
    "counts",
    "deadline_mip",
    "lagrangian",
    "local_search",
    "greedy",
    "deadline",
    "fdma",
    "cvxpy",
    "sum",
    "enumeration",
    "branch_and_bound",
    "alternating",
    "min_cut",
    "chain",
    "block_wise",
    "budgeted_cut",
    "closed_sets",
    "highs",
    "sqp",
    "augmented_lagrangian",
    "scipy",
    "separate",
    "clairvoyant",
    "prices",
    "drift_plus_penalty",
)
"""Modules of this package, each with the solver of its name; the first that takes a form is the automatic choice."""

FINISHED = (Termination.OPTIMAL, Termination.GAP_REACHED, Termination.CONVERGED)
"""Ends that another run within the same limits would come to again."""

C = TypeVar("C", bound=type[Solver[Any, Any]])

_registered: dict[str, type[Solver[Any, Any]]] = {}


def register(solver: C) -> C:
    """Make a solver class available under its name (a decorator); raises InputError if the name is taken."""
    if _registered.setdefault(solver.name, solver) is not solver:
        raise InputError(f"a solver named '{solver.name}' is registered already")
    return solver


@cache
def _load_shipped() -> None:
    for module in SHIPPED:
        import_module(f"rasolve.solvers.{module}")


def solvers() -> dict[str, type[Solver[Any, Any]]]:
    """Return every solver class by name: shipped ones in their order, then others as they were registered."""
    _load_shipped()
    return {**{name: _registered[name] for name in SHIPPED}, **_registered}


def solver_named(name: str, options: dict[str, Any] | None = None) -> Solver[Any, Any]:
    """Return the named solver with its options set; unknown names raise InputError with the nearest known ones."""
    _load_shipped()
    if name not in _registered:
        raise unknown("solver", name, ["auto", *solvers()])
    solver = _registered[name]
    if not options:
        return solver()
    settings = {f.name for f in fields(solver)}  # type: ignore[arg-type]
    for option in options:
        if option not in settings:
            if not settings:
                raise InputError(f"solver '{name}' has no option '{option}': it takes none")
            raise unknown(f"option of solver {name}", option, settings)
    return solver(**options)


def solvers_for(form: Form) -> list[Solver[Any, Any]]:
    """Return the solvers, with default options, that take this form, the automatic choice first."""
    takers = [solver() for solver in solvers().values() if isinstance(form, solver.form)]
    return [solver for solver in takers if solver.refuses(form) is None]


def proves(form: Form) -> bool:
    """Return whether the automatic solver of this form, and those of all its parts, end with a proved optimum."""
    return _throughout(form, lambda solver: solver.exact)


def tightens(form: Form) -> bool:
    """Return whether the automatic solver of this form, and those of all its parts, end with a bound worth the name."""
    return _throughout(form, lambda solver: solver.exact or solver.tightens)


def _throughout(form: Form, holds: Callable[[Solver[Any, Any]], bool]) -> bool:
    """Return whether something holds of the automatic solvers of a form and of all its parts."""
    known, takers, seen, waiting = solvers().values(), {}, set(), [form]
    while waiting:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        if type(part) not in takers:
            takers[type(part)] = [solver() for solver in known if isinstance(part, solver.form)]
        taker = next((solver for solver in takers[type(part)] if solver.refuses(part) is None), None)
        if taker is None or not holds(taker):
            return False
        waiting += taker.parts(part)
    return True


def solve_form(form: Form, solver: str = "auto", limits: Limits | None = None, **options: Any) -> Solution:
    """Solve a form within limits.

    Raises InputError for an unknown solver or option, SolverUnavailable when the solver cannot take the form.
    """
    limits = limits or Limits()
    if solver == "auto" and form in limits.solved:
        return limits.solved[form]
    solution = iterate(chosen(form, solver, options), form, limits)
    if solver == "auto" and solution.termination in FINISHED:
        limits.solved[form] = solution
    return solution


def chosen(form: Form, name: str, options: dict[str, Any]) -> Solver[Any, Any]:
    """Return the named solver, or the automatic choice, with its options; raises as :func:`solve_form` does."""
    if name == "auto":
        takers = solvers_for(form)
        if not takers:
            raise SolverUnavailable(f"no solver takes the form {form.name}")
        return solver_named(takers[0].name, options)
    solver = solver_named(name, options)
    if not isinstance(form, solver.form):
        raise SolverUnavailable(f"solver '{name}' takes the form {solver.form.name}, not {form.name}")
    if reason := solver.refuses(form):
        raise SolverUnavailable(f"solver '{name}' cannot take this {form.name}: {reason}")
    return solver
