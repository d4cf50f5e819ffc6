"""Which solver a problem is given to, and in which of its forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.errors import SolverUnavailable, named
from rasolve.forms import Form, Formulation
from rasolve.problems import Problem
from rasolve.solvers.base import Solver
from rasolve.solvers.registry import proves, solver_named, solvers_for, tightens


@dataclass(frozen=True)
class SolverChoice:
    """The solver that "auto" stands for, and why."""

    solver: str
    why: str

    def __str__(self) -> str:
        return f"{self.solver}: {self.why}"


def choose_solver(problem: Problem) -> SolverChoice:
    """Return the automatic choice for a problem: the first of its forms that can be solved with proof.

    Where none can, the first one whose solvers end by themselves with a proved bound that they have tightened; where
    there is none either, the last form's solver, a heuristic whose gap to a cheap proved bound is reported.
    """
    formulation, promise = automatic(problem)
    solver = solvers_for(formulation.form)[0]
    return SolverChoice(solver.name, f"{promise} ({_purposes(formulation.form)})")


def _purposes(form: Form) -> str:
    """Return what the automatic solver of a form is for, and those of its parts, each once."""
    return "; ".join(dict.fromkeys(f"{solver.name}, {solver.purpose}" for solver in _solvers_of_parts(form)))


def _solvers_of_parts(form: Form) -> Iterator[Solver[Any, Any]]:
    solver = solvers_for(form)[0]
    yield solver
    for part in solver.parts(form):
        yield from _solvers_of_parts(part)


PROOF = "ends with a proved optimum"
GAP = "ends by itself, with a proved gap that is mostly 0"
CHEAP = "no solver proves an optimum of this instance"


def automatic(problem: Problem) -> tuple[Formulation, str]:
    """Return the formulation that the automatic choice solves, and what that promises."""
    formulations = []
    for form in problem.written_in():
        formulations.append(problem.formulate(form))
        if proves(formulations[-1].form):
            return formulations[-1], PROOF
    for formulation in formulations:
        if tightens(formulation.form):
            return formulation, GAP
    return formulations[-1], CHEAP


def written_for(problem: Problem, solver: str, seed: int) -> tuple[Formulation, str]:
    """Return the problem in the form that the named solver takes, and the name of the solver that will run."""
    if solver.startswith("baseline:"):
        rule = named(f"baseline of {problem.kind}", solver.removeprefix("baseline:"), problem.baselines())
        return rule.formulate(np.random.default_rng(seed)), rule.solver
    if solver == "auto":
        formulation, _ = automatic(problem)
        return formulation, solvers_for(formulation.form)[0].name
    wanted = solver_named(solver).form
    written = next((form for form in problem.written_in() if issubclass(form, wanted)), None)
    if written is None:
        takers = ", ".join(solvers_of(problem))
        raise SolverUnavailable(
            f"solver '{solver}' takes the form {wanted.name}; {problem.kind} is solved by: {takers}"
        )
    return problem.formulate(written), solver


def solvers_of(problem: Problem) -> list[str]:
    """Return the names of the solvers that take one of the problem's forms, the automatic choice's form first."""
    return [solver.name for form in problem.written_in() for solver in solvers_for(problem.formulate(form).form)]


def rivals(problem: Problem) -> list[str]:
    """Return what `solve` takes as the problem's solver, other than "auto": its solvers, then its baselines."""
    return [*solvers_of(problem), *(f"baseline:{name}" for name in problem.baselines())]
