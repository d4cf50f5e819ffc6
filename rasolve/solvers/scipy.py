"""`scipy`: SLSQP and trust-constr, wrapped as references on the same form."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.errors import named, whole_number
from rasolve.forms import SmoothProgram, Termination
from rasolve.solvers.base import Ending, Solver, State
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register
from rasolve.solvers.smooth.ending import CONVERGED
from rasolve.solvers.smooth.least_squares import multipliers_by_least_squares
from rasolve.solvers.smooth.options import positive, true_or_false
from rasolve.solvers.smooth.scipy_calls import Late, Record, slsqp_constraints, trust_constr_constraints

METHODS = {"slsqp": "SLSQP", "trust_constr": "trust-constr"}
"""Our names of scipy's methods."""


@dataclass(frozen=True, eq=False)
class ScipyState(State):
    """Whether scipy has been asked, how it ended, and its own count of iterations."""

    ended: Ending | None = None
    inner_steps: int = 0


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

        start, record = form.begin(limits.start), Record(form, limits.deadline)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                found = minimize(
                    lambda x: record.values(x).objective,
                    start,
                    jac=lambda x: record.slopes(x).gradient,
                    method=METHODS[self.method],
                    **self._asked(record),
                )
            except Late:
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

    def _asked(self, record: Record) -> dict[str, Any]:
        """Return bounds, constraints, second derivatives and options as the method wants them."""
        from scipy.optimize import BFGS, Bounds

        form = record.form
        if self.method == "slsqp":
            return {
                "bounds": Bounds(form.lower, form.upper),
                "constraints": slsqp_constraints(record),
                "options": {"ftol": self.tolerance, "maxiter": self.iterations},
            }
        none = np.zeros(form.inequality_count), np.zeros(form.equality_count)
        return {
            "bounds": Bounds(form.lower, form.upper, keep_feasible=self.keep_bounds),
            "constraints": trust_constr_constraints(record),
            "hess": BFGS() if form.hessian is None else lambda x: form.lagrangian_hessian(x, 1.0, *none),
            "options": {
                "gtol": 1e-5 * self.tolerance,
                "xtol": self.tolerance,
                "barrier_tol": self.tolerance,
                "maxiter": self.iterations,
            },
        }
