"""Runs of smooth solvers with every call of a program's functions counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.kkt import kkt_residual
from rasolve.forms import SmoothProgram
from rasolve.solvers import Limits, solver_named


@dataclass
class Calls:
    """How often the objective, the gradient and the Hessian were asked for."""

    objective: int = 0
    gradient: int = 0
    hessian: int = 0


@dataclass(frozen=True)
class Method:
    """A solver with options, with or without second derivatives."""

    solver: str
    second: bool
    options: Mapping[str, Any] = field(default_factory=dict)


METHODS = {
    "sqp": Method("sqp", True),
    "sqp, BFGS": Method("sqp", False),
    "augmented Lagrangian": Method("augmented_lagrangian", True),
    "augmented Lagrangian, BFGS": Method("augmented_lagrangian", False),
    "SLSQP": Method("scipy", False, {"method": "slsqp"}),
    "trust-constr": Method("scipy", True, {"method": "trust_constr"}),
    "trust-constr, BFGS": Method("scipy", False, {"method": "trust_constr"}),
}
"""What is compared; SLSQP knows no second derivatives."""


@dataclass(frozen=True)
class Run:
    """One method on one program: what came out, at what cost.

    ``steps`` are the method's own iterations; inner ones for the augmented Lagrangian. ``kkt`` is nan without a value.
    """

    method: str
    objective: float
    bound: float
    ending: str
    kkt: float
    steps: int
    calls: Calls
    seconds: float


def run(name: str, form: SmoothProgram, seconds: float = np.inf, most_steps: int = 1000) -> Run:
    """Return one run; it ends when the method is done, time is over or it has taken too many steps."""
    method = METHODS[name]
    program, calls = counted(form if method.second else replace(form, hessian=None))
    solver = solver_named(method.solver, dict(method.options))
    began = perf_counter()
    limits = Limits(deadline=began + seconds)
    state, steps = solver.init(program, limits), 0
    while not solver.done(program, state, limits) and steps < most_steps and perf_counter() < limits.deadline:
        state, steps = solver.step(program, state, limits), steps + 1
    taken, spent = perf_counter() - began, replace(calls)
    ended = state.ended.termination.value if state.ended else "time_limit" if steps < most_steps else "iteration_limit"
    found = state.value is not None
    kkt = kkt_residual(form, state.value, solver.multipliers(program, state)) if found else float("nan")
    inner = getattr(state, "inner_steps", steps)
    return Run(name, state.objective, state.bound, ended, kkt, inner, spent, taken)


def counted(form: SmoothProgram) -> tuple[SmoothProgram, Calls]:
    """Return the same program and the count of its calls from now on."""
    calls = Calls()

    def counting(name: str, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
        def called(*arguments: Any) -> Any:
            setattr(calls, name, getattr(calls, name) + 1)
            return function(*arguments)  # type: ignore[misc]

        return None if function is None else called

    names = ("objective", "gradient", "hessian")
    program = replace(form, **{name: counting(name, getattr(form, name)) for name in names})
    for name in names:
        setattr(calls, name, 0)
    return program, calls
