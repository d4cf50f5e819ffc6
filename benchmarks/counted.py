"""Runs of smooth solvers with every call of a program's functions counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.kkt import kkt_residual
from benchmarks.lbfgsb_lagrangian import LbfgsbLagrangian
from rasolve.forms import SmoothProgram
from rasolve.solvers import Limits, Solver
from rasolve.solvers.augmented_lagrangian import AugmentedLagrangian
from rasolve.solvers.scipy import Scipy
from rasolve.solvers.sqp import Sqp


@dataclass
class Calls:
    """How often the objective, the gradient and the Hessian were asked for."""

    objective: int = 0
    gradient: int = 0
    hessian: int = 0


@dataclass(frozen=True)
class Method:
    """A solver, with or without second derivatives."""

    solver: Solver[Any, Any]
    second: bool


METHODS = {
    "sqp": Method(Sqp(), True),
    "sqp, BFGS": Method(Sqp(), False),
    "augmented Lagrangian": Method(AugmentedLagrangian(), True),
    "augmented Lagrangian, BFGS": Method(AugmentedLagrangian(), False),
    "the same, L-BFGS-B": Method(LbfgsbLagrangian(), False),
    "SLSQP": Method(Scipy(), False),
    "trust-constr": Method(Scipy(method="trust_constr"), True),
    "trust-constr, BFGS": Method(Scipy(method="trust_constr"), False),
    "trust-constr in bounds": Method(Scipy(method="trust_constr", keep_bounds=True), True),
}
"""What can be compared; SLSQP and L-BFGS-B know no second derivatives."""


@dataclass(frozen=True)
class Run:
    """One method on one program: what came out, at what cost.

    ``steps`` are the method's own iterations; inner ones for the augmented Lagrangian. ``kkt`` is nan without a value.
    ``seconds`` are of the processor, so that other work on the machine counts little.
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
    """Return one run; it ends when the method is done, so many seconds have passed or it has taken too many steps."""
    method = METHODS[name]
    program, calls = counted(form if method.second else replace(form, hessian=None))
    solver, began = method.solver, process_time()
    limits = Limits(deadline=perf_counter() + seconds)
    state, steps = solver.init(program, limits), 0
    while not solver.done(program, state, limits) and steps < most_steps and perf_counter() < limits.deadline:
        state, steps = solver.step(program, state, limits), steps + 1
    taken, spent = process_time() - began, replace(calls)
    ended = state.ended.termination.value if state.ended else "time_limit" if steps < most_steps else "iteration_limit"
    multipliers = solver.multipliers(program, state) if state.value is not None else {}
    kkt = kkt_residual(form, state.value, multipliers) if multipliers else float("nan")  # none of scipy's out of time
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
