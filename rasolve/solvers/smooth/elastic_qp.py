"""The subproblem: a convex quadratic with linearised constraints under an exact penalty.

    min_d  ½·dᵀHd + gᵀd + Σ_ineq ν_i·max(0, r_i) + Σ_eq ν_i·|r_i|,   r = A·d + c,   low <= d <= high

Because the penalty is exact and the box finite, a solution always exists, constraints may contradict or depend on each
other, and multipliers are bounded: ν·max(0, r) is the largest λ·r over λ in [0, ν], and ν·|r| that over [-ν, ν].
Inequalities and equalities then differ in the lower end ω of that interval only. A row may also be ``soft``,
r = A·d + c - soft·λ: until its cap ν, its penalty is then quadratic, r²/(2·soft), as an augmented Lagrangian has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.matrix import Matrix
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.curvature import Curvature


@dataclass(frozen=True, eq=False)
class ElasticQp:
    """Data of the subproblem, inequalities first: gradient, low, high [N], rows [m, N], constants, penalty [m]."""

    curvature: Curvature
    gradient: FloatArray
    rows: Matrix
    constants: FloatArray
    inequalities: int
    low: FloatArray
    high: FloatArray
    penalty: FloatArray
    soft: float = 0.0

    @property
    def least(self) -> FloatArray:
        """ω: the least value of every multiplier [m]."""
        return np.where(np.arange(len(self.constants)) < self.inequalities, 0.0, -self.penalty)

    def linear(self, d: FloatArray) -> FloatArray:
        """Return the linearised constraints A·d + c [m]."""
        return np.asarray(self.rows @ d + self.constants)

    def violations(self, d: FloatArray) -> FloatArray:
        """Return by how much d violates every linearised constraint [m]."""
        return violations(self.linear(d), self.inequalities)

    def decrease(self, d: FloatArray) -> float:
        """Return by how much d lowers the model from where it is at 0."""
        relief = violations(self.constants, self.inequalities) - self.violations(d)
        return float(self.penalty @ relief - self.gradient @ d - 0.5 * d @ self.curvature.times(d))

    def misses(self, answer: QpAnswer) -> FloatArray:
        """Return r of every row at an answer [m]: 0 where it is met."""
        return self.linear(answer.step) - self.soft * answer.multipliers

    def slope(self, answer: QpAnswer) -> FloatArray:
        """Return the Lagrangian's gradient H·d + g + Aᵀλ at an answer [N], for the box to balance."""
        bent = self.curvature.times(answer.step) + self.gradient
        return np.asarray(bent + self.rows.T @ answer.multipliers)

    def error(self, answer: QpAnswer) -> float:
        """Return by how much an answer misses the subproblem's optimality conditions, as natural residuals."""
        down = np.clip(answer.step - self.slope(answer), self.low, self.high)
        pulled = np.clip(answer.multipliers + self.misses(answer), self.least, self.penalty)
        parts = answer.step - down, answer.multipliers - pulled
        return max(float(np.abs(part).max(initial=0.0)) for part in parts)


@dataclass(frozen=True, eq=False)
class QpAnswer:
    """A step d [N] and multipliers of the rows [m]."""

    step: FloatArray
    multipliers: FloatArray


def violations(constraints: FloatArray, inequalities: int) -> FloatArray:
    """Return max(0, c_i) of inequalities and |c_i| of equalities [m]."""
    return np.concatenate([np.maximum(constraints[:inequalities], 0), np.abs(constraints[inequalities:])])
