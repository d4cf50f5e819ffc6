"""Rival: the same method of multipliers with the library's bound-constrained solver inside, scipy's L-BFGS-B."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.augmented_lagrangian import AugmentedLagrangian, AugmentedState
from rasolve.solvers.limits import Limits
from rasolve.solvers.smooth.augmented import Augmented
from rasolve.solvers.smooth.bound_newton import Inner
from rasolve.solvers.smooth.merit import lagrangian_slope

UNDEFINED = 1e30
"""Value where a function is undefined: L-BFGS-B knows no such places."""


@dataclass(frozen=True)
class LbfgsbLagrangian(AugmentedLagrangian):
    """Multipliers, penalties, scaling, restarts and the last Newton step are those of `augmented_lagrangian`."""

    def _minimised(self, function: Augmented, begin: Inner, state: AugmentedState, limits: Limits) -> Inner:
        from scipy.optimize import Bounds, minimize

        view = function.view

        def value_and_slope(x: FloatArray) -> tuple[float, FloatArray]:
            point = view.point(view.within(x))
            if not point.defined:
                return UNDEFINED, np.zeros_like(x)
            return function.value(point), lagrangian_slope(view.slope(point.x), function.estimates(point))

        options = {"gtol": state.inner_tolerance, "ftol": 0.0, "maxiter": 1000, "maxls": 50}
        bounds = Bounds(view.lower, view.upper)
        found = minimize(value_and_slope, begin.at.x, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        point = view.point(view.within(found.x))
        return Inner(point, view.slope(point.x), begin.model, int(found.nit))
