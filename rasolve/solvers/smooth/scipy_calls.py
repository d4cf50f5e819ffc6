"""A smooth program as scipy's methods call it: values and slopes on record, constraints as each method wants them."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from rasolve.forms import Slopes, SmoothProgram, Values
from rasolve.forms.matrix import dense
from rasolve.numerics import FloatArray
from rasolve.solvers.limits import INFINITY


class Late(Exception):
    """Raised inside scipy when time is over."""


class Record:
    """The program as scipy calls it, each point computed once, and the best feasible one where it took a gradient."""

    def __init__(self, form: SmoothProgram, deadline: float) -> None:
        self.form, self.deadline = form, deadline
        self.value: FloatArray | None = None
        self.best = INFINITY
        self._values: tuple[bytes, Values] | None = None
        self._slopes: tuple[bytes, Slopes] | None = None

    def values(self, x: FloatArray) -> Values:
        """Return f, g and h at x [n]; raises Late when time is over, but not before the first gradient."""
        if self._slopes is not None and perf_counter() >= self.deadline:
            raise Late
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


def slsqp_constraints(record: Record) -> list[dict[str, Any]]:
    """Return the constraints as SLSQP wants them, which are dense and at least 0."""
    constraints: list[dict[str, Any]] = []
    if record.form.inequality_count:
        constraints.append(
            {
                "type": "ineq",
                "fun": lambda x: -record.values(x).inequalities,
                "jac": lambda x: -dense(record.slopes(x).inequality_jacobian),
            }
        )
    if record.form.equality_count:
        constraints.append(
            {
                "type": "eq",
                "fun": lambda x: record.values(x).equalities,
                "jac": lambda x: dense(record.slopes(x).equality_jacobian),
            }
        )
    return constraints


def trust_constr_constraints(record: Record) -> list[Any]:
    """Return the constraints as trust-constr wants them, each kind with its share of the Lagrangian's Hessian."""
    from scipy.optimize import BFGS, NonlinearConstraint

    form = record.form
    p, q, exact = form.inequality_count, form.equality_count, form.hessian is not None
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
    return constraints
