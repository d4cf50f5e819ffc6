"""What both solvers of smooth programs have in common: options, and what they report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from rasolve.forms import SmoothProgram
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Ending, Solver
from rasolve.solvers.limits import Limits
from rasolve.solvers.smooth.ending import CONVERGED
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope
from rasolve.solvers.smooth.options import positive, true_or_false
from rasolve.solvers.smooth.restoration import restored
from rasolve.solvers.smooth.state import SmoothState

S = TypeVar("S", bound=SmoothState)


@dataclass(frozen=True)
class SmoothSolver(Solver[SmoothProgram, S]):
    """Base of the solvers whose state is a `SmoothState`, with the options that they share.

    ``tolerance`` on the optimality error and first ``penalty``, both in scaled functions; ``scaling`` of variables and
    functions by sizes and derivatives at the start; ``known`` multipliers to begin with, as a solution has them. Raises
    InputError for options out of range and where nothing can be computed at the start.
    """

    form = SmoothProgram

    tolerance: float = 1e-8
    penalty: float = 1.0
    scaling: bool = True
    known: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        positive(f"{self.name}.tolerance", self.tolerance)
        positive(f"{self.name}.penalty", self.penalty)
        true_or_false(f"{self.name}.scaling", self.scaling)

    def done(self, form: SmoothProgram, state: S, limits: Limits) -> bool:
        return state.ended is not None or state.bound >= limits.cutoff

    def ending(self, form: SmoothProgram, state: S) -> Ending | None:
        """Return why it has stopped; where it has converged, the bound says whether to an optimum."""
        return None if state.ended == CONVERGED else state.ended

    def last_resort(self, form: SmoothProgram, state: S) -> Any:
        return restored(state.view, state.at)

    def multipliers(self, form: SmoothProgram, state: S) -> dict[str, Any]:
        """Return λ of "inequalities" [p] >= 0 and "equalities" [q], z of "lower" and "upper" [n] >= 0, at the point.

        ∇f + Σ λ_g·∇g + Σ λ_h·∇h - z_lower + z_upper = 0, in the program's own units. A bound takes what it can hold, a
        fixed variable all.
        """
        view, slopes = state.view, form.slopes(state.x)
        inequality, equality = view.unscaled(state.multipliers)
        left = slopes.lagrangian(inequality, equality)
        pulls: FloatArray = np.where(form.lower == form.upper, -left, 0.0)
        held = bound_pulls(view, state.at.x, lagrangian_slope(state.slope, state.multipliers)) != 0
        pulls[view.free] = np.where(held, -left[view.free], 0.0)
        return {
            "inequalities": inequality,
            "equalities": equality,
            "lower": np.maximum(-pulls, 0.0),
            "upper": np.maximum(pulls, 0.0),
        }
