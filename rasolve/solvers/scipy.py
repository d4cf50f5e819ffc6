"""`scipy`: SLSQP and trust-constr, wrapped as references on the same form."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.errors import named, whole_number
from rasolve.forms import Slopes, SmoothProgram, Termination, Values
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Ending, Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.ending import CONVERGED
from rasolve.solvers.smooth.least_squares import multipliers_by_least_squares
from rasolve.solvers.smooth.options import positive, true_or_false

METHODS = {"slsqp": "SLSQP", "trust_constr": "trust-constr"}
"""Our names of scipy's methods."""


@dataclass(frozen=True, eq=False)
class ScipyState(State):
    """Whether scipy has been asked, how it ended, and its own count of iterations."""

    ended: Ending | None = None
    inner_steps: int = 0


class _Late(Exception):
    """Raised inside scipy when time is over."""


class _Record:
    """The program as scipy calls it, each point computed once, and the best feasible one where it took a gradient."""

    def __init__(self, form: SmoothProgram, deadline: float) -> None:
        self.form, self.deadline = form, deadline
        self.value: FloatArray | None = None
        self.best = INFINITY
        self._values: tuple[bytes, Values] | None = None
        self._slopes: tuple[bytes, Slopes] | None = None

    def values(self, x: FloatArray) -> Values:
        """Return f, g and h at x [n]; raises _Late when time is over, but not before the first gradient."""
        if self._slopes is not None and perf_counter() >= self.deadline:
            raise _Late
        if self._values is None or self._values[0] != x.tobytes():
            self._values = x.tobytes(), self.form.values(x)
        return self._values[1]

    def slopes(self, x: FloatArray) -> Slopes:
        """Return the first derivatives at x [n]."""
        if self._slopes is None or self._slopes[0] != x.tobytes():
            self._offer(x)
            self._slopes = x.tobytes(), self.form.slopes(x)
        return self._slopes[1]

    def _offer(self, x: FloatArray) -> None:
        if (self.form.within_bounds(x) != x).any():
            return
        values = self.values(x)
        if values.defined and values.objective < self.best and values.violation <= self.form.tolerance:
            self.value, self.best = x.copy(), values.objective


@register
@dataclass(frozen=True)
class Scipy(Solver[SmoothProgram, ScipyState]):
    """scipy.optimize.minimize as a reference: its SLSQP (Kraft 1988) or trust-constr (Byrd, Hribar and Nocedal 1999).

    One step is the whole of it. Where its last point is infeasible, or time ran out, the value is the best feasible
    point at which it asked for a gradient.

    Options: ``method`` slsqp or trust_constr; ``tolerance`` as SLSQP's ftol or as trust-constr's xtol and barrier_tol
    (its gtol says nothing of what the barrier still costs, so it is 1e-5 of that); ``iterations`` at most.
    ``keep_bounds`` makes trust-constr compute nothing outside the bounds, which SLSQP never does. Raises InputError for
    options out of range.
    """

    name = "scipy"
    form = SmoothProgram
    purpose = "reference: scipy's SLSQP (method=slsqp) or trust-constr (method=trust_constr)"
    method: str = "slsqp"
    tolerance: float = 1e-10
    iterations: int = 1000
    keep_bounds: bool = False

    def __post_init__(self) -> None:
        named("method of solver scipy", self.method, METHODS)
        positive("scipy.tolerance", self.tolerance)
        whole_number("scipy.iterations", self.iterations, 1)
        true_or_false("scipy.keep_bounds", self.keep_bounds)

    def init(self, form: SmoothProgram, limits: Limits) -> ScipyState:
        return ScipyState(None, INFINITY, -INFINITY)

    def step(self, form: SmoothProgram, state: ScipyState, limits: Limits) -> ScipyState:
        from scipy.optimize import minimize

        start = form.first if limits.start is None else form.within_bounds(form.as_start(limits.start))
        record = _Record(form, limits.deadline)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                found = minimize(
                    lambda x: record.values(x).objective,
                    start,
                    jac=lambda x: record.slopes(x).gradient,
                    method=METHODS[self.method],
                    **(self._slsqp(record) if self.method == "slsqp" else self._trust_constr(record)),
                )
            except _Late:
                return ScipyState(record.value, record.best, -INFINITY, Ending(Termination.TIME_LIMIT))
            except (ValueError, np.linalg.LinAlgError) as error:
                return ScipyState(record.value, record.best, -INFINITY, Ending(Termination.ERROR, (str(error),)))
        x = form.within_bounds(np.asarray(found.x))
        if (objective := form.judge(x)) < INFINITY:
            record.value, record.best = x, objective
        return ScipyState(record.value, record.best, -INFINITY, self._ending(form, found), int(found.get("nit", 0)))

    def done(self, form: SmoothProgram, state: ScipyState, limits: Limits) -> bool:
        return state.ended is not None

    def ending(self, form: SmoothProgram, state: ScipyState) -> Ending | None:
        return state.ended

    def multipliers(self, form: SmoothProgram, state: ScipyState) -> dict[str, Any]:
        """Return multipliers as `sqp` does, by least squares: not scipy's own, which vary. None where time ran out."""
        late = state.ended is not None and state.ended.termination is Termination.TIME_LIMIT
        return {} if late else multipliers_by_least_squares(form, state.value)

    def _ending(self, form: SmoothProgram, found: Any) -> Ending:
        violated = form.violated(form.within_bounds(np.asarray(found.x)))
        message = str(found.message)
        if found.success and not violated:
            return CONVERGED
        limit = 9 if self.method == "slsqp" else 0
        termination = Termination.ITERATION_LIMIT if found.status == limit else Termination.STALLED
        return Ending(termination, (message, *violated))

    def _slsqp(self, record: _Record) -> dict[str, Any]:
        from scipy.optimize import Bounds

        form = record.form

        def dense(matrix: Any) -> FloatArray:
            return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)

        constraints = []
        if form.inequality_count:
            constraints.append(
                {
                    "type": "ineq",
                    "fun": lambda x: -record.values(x).inequalities,
                    "jac": lambda x: -dense(record.slopes(x).inequality_jacobian),
                }
            )
        if form.equality_count:
            constraints.append(
                {
                    "type": "eq",
                    "fun": lambda x: record.values(x).equalities,
                    "jac": lambda x: dense(record.slopes(x).equality_jacobian),
                }
            )
        options = {"ftol": self.tolerance, "maxiter": self.iterations}
        return {"bounds": Bounds(form.lower, form.upper), "constraints": constraints, "options": options}

    def _trust_constr(self, record: _Record) -> dict[str, Any]:
        from scipy.optimize import BFGS, Bounds, NonlinearConstraint

        form = record.form
        p, q = form.inequality_count, form.equality_count
        exact = form.hessian is not None
        constraints = []
        if p:
            constraints.append(
                NonlinearConstraint(
                    lambda x: record.values(x).inequalities,
                    -np.inf,
                    0.0,
                    jac=lambda x: record.slopes(x).inequality_jacobian,
                    hess=(lambda x, v: form.lagrangian_hessian(x, 0.0, v, np.zeros(q))) if exact else BFGS(),
                )
            )
        if q:
            constraints.append(
                NonlinearConstraint(
                    lambda x: record.values(x).equalities,
                    0.0,
                    0.0,
                    jac=lambda x: record.slopes(x).equality_jacobian,
                    hess=(lambda x, v: form.lagrangian_hessian(x, 0.0, np.zeros(p), v)) if exact else BFGS(),
                )
            )
        return {
            "bounds": Bounds(form.lower, form.upper, keep_feasible=self.keep_bounds),
            "constraints": constraints,
            "hess": (lambda x: form.lagrangian_hessian(x, 1.0, np.zeros(p), np.zeros(q))) if exact else BFGS(),
            "options": {
                "gtol": 1e-5 * self.tolerance,
                "xtol": self.tolerance,
                "barrier_tol": self.tolerance,
                "maxiter": self.iterations,
            },
        }
