"""The augmented Lagrangian of multipliers and a penalty.

    Φ(x) = f(x) + Σ_ineq (max(0, λ + ρ·g)² - λ²)/(2ρ) + Σ_eq (λ·h + ρ·h²/2)

∇Φ is the Lagrangian's gradient at the estimates λ⁺ = max(0, λ + ρ·g) and λ + ρ·h (textbook).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.view import Point, View


@dataclass(frozen=True, eq=False)
class Augmented:
    """An augmented Lagrangian: multipliers λ [m] and penalty ρ of a program."""

    view: View
    multipliers: FloatArray
    penalty: float

    def estimates(self, at: Point) -> FloatArray:
        """Return λ⁺ [m], the multipliers that a minimiser of Φ would have."""
        raised = self.multipliers + self.penalty * at.constraints
        p = self.view.inequalities
        return np.concatenate([np.maximum(raised[:p], 0.0), raised[p:]])

    def value(self, at: Point) -> float:
        """Return Φ; inf where undefined."""
        if not at.defined:
            return np.inf
        raised = self.estimates(at)
        return float(at.objective + ((raised - self.multipliers) @ (raised + self.multipliers)) / (2 * self.penalty))

    def missed(self, at: Point) -> float:
        """Return the largest of |h| and |min(-g, λ/ρ)|: violation, and multipliers of what is not active."""
        c, p = at.constraints, self.view.inequalities
        idle = np.minimum(-c[:p], self.multipliers[:p] / self.penalty)
        return max(float(np.abs(idle).max(initial=0.0)), float(np.abs(c[p:]).max(initial=0.0)))
