"""Second-order models: a matrix plus signed outer products, exact or updated from gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.forms.matrix import Matrix
from rasolve.numerics import FloatArray
from rasolve.solvers.smooth.matrices import identity_like, is_small

MEMORY = 8
"""Pairs of steps and gradient changes that a limited-memory matrix keeps (textbook: 3 to 20)."""

DAMPING = 0.2
"""Least curvature along a step, relative to the model's own, that an update lets through (Powell 1978)."""


@dataclass(frozen=True, eq=False)
class Curvature:
    """H = matrix + Σ_i sign_i·wing_i·wing_iᵀ, with ``matrix`` [N, N] dense or sparse and wings [r, N]."""

    matrix: Matrix
    wings: FloatArray
    signs: FloatArray

    def times(self, x: FloatArray) -> FloatArray:
        """Return H·x [N]."""
        return np.asarray(self.matrix @ x + self.wings.T @ (self.signs * (self.wings @ x)))


def plain(matrix: Matrix) -> Curvature:
    """Return the curvature that is just a matrix."""
    return Curvature(matrix, np.zeros((0, matrix.shape[0])), np.zeros(0))


def first_model(rows: Matrix) -> Bfgs | LimitedBfgs:
    """Return the model to begin with where second derivatives are not given, for constraints' Jacobian [m, N]."""
    return Bfgs(np.eye(rows.shape[1])) if is_small(rows) else LimitedBfgs(rows.shape[1])


def unit_like(curvature: Curvature, rows: Matrix) -> Curvature:
    """Return the identity in the pattern of another curvature, for systems with these rows [m, N]."""
    return Curvature(identity_like(rows), np.zeros_like(curvature.wings), curvature.signs)


@dataclass(frozen=True, eq=False)
class Bfgs:
    """Damped BFGS with a full matrix: stays positive definite whatever the Lagrangian does (Powell 1978)."""

    matrix: FloatArray
    fresh: bool = True

    @property
    def curvature(self) -> Curvature:
        """The model."""
        return plain(self.matrix)

    def times(self, factor: float) -> Bfgs:
        """Return the model of the objective times a factor."""
        return Bfgs(self.matrix * factor, self.fresh)

    def updated(self, step: FloatArray, change: FloatArray) -> Bfgs:
        """Return the matrix after a step [N] that changed the Lagrangian's gradient by ``change`` [N]."""
        matrix = self.matrix
        if self.fresh:
            matrix = matrix * _first_scale(step, change)
        bent = matrix @ step
        own = float(step @ bent)
        if own <= 0:
            return self
        change = _damped(step, change, bent, own)
        matrix = matrix - np.outer(bent, bent) / own + np.outer(change, change) / float(step @ change)
        return Bfgs((matrix + matrix.T) / 2, fresh=False)


@dataclass(frozen=True, eq=False)
class LimitedBfgs:
    """Damped BFGS of the last `MEMORY` pairs on a multiple of the identity, for many variables (Nocedal 1980)."""

    size: int
    steps: tuple[FloatArray, ...] = ()
    changes: tuple[FloatArray, ...] = ()

    @property
    def curvature(self) -> Curvature:
        """The model: every pair takes one outer product away and adds one; unused places are zeros."""
        from scipy.sparse import eye_array

        scale = _first_scale(self.steps[-1], self.changes[-1]) if self.steps else 1.0
        wings, signs = np.zeros((2 * MEMORY, self.size)), np.tile([-1.0, 1.0], MEMORY)
        for i, (step, change) in enumerate(zip(self.steps, self.changes, strict=True)):
            bent = scale * step + wings.T @ (signs * (wings @ step))
            own = float(step @ bent)
            kept = _damped(step, change, bent, own)
            wings[2 * i], wings[2 * i + 1] = bent / np.sqrt(own), kept / np.sqrt(float(step @ kept))
        return Curvature((scale * eye_array(self.size)).tocsr(), wings, signs)

    def times(self, factor: float) -> LimitedBfgs:
        """Return the model of the objective times a factor."""
        return LimitedBfgs(self.size, self.steps, tuple(factor * change for change in self.changes))

    def updated(self, step: FloatArray, change: FloatArray) -> LimitedBfgs:
        """Return the model with one more pair, the oldest forgotten; a pair without curvature is left out."""
        if float(step @ change) <= 1e-12 * float(step @ step):
            return self
        return LimitedBfgs(self.size, (*self.steps, step)[-MEMORY:], (*self.changes, change)[-MEMORY:])


def _first_scale(step: FloatArray, change: FloatArray) -> float:
    """Return the multiple of the identity that fits one pair, within six orders of magnitude of 1."""
    along, across = float(step @ change), float(change @ change)
    return float(np.clip(across / along, 1e-6, 1e6)) if along > 0 else 1.0


def _damped(step: FloatArray, change: FloatArray, bent: FloatArray, own: float) -> FloatArray:
    """Return the change moved towards the model's own so that its curvature along the step is at least `DAMPING`."""
    along = float(step @ change)
    if along >= DAMPING * own:
        return change
    share = (1 - DAMPING) * own / (own - along)
    return np.asarray(share * change + (1 - share) * bent)
