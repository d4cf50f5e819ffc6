"""An interior-point method for the elastic subproblem: Mehrotra's predictor and corrector.

With r = over - under, spare = (ν - λ, λ - ω), room = (d - low, high - d) and force, the box's multipliers,

    H·d + g + Aᵀλ - force_low + force_high = 0,   over·spare = under·spare = room·force = 0.

Newton's method on these, with products of μ instead of 0, needs one quasi-definite system [[H + Σ, Aᵀ], [A, -D]] with
Σ, D > 0 per step (Mehrotra 1992; textbook: Nocedal and Wright, section 16.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.smooth.elastic_qp import ElasticQp, QpAnswer
from rasolve.solvers.smooth.kkt import factorised

MOST_STEPS = 60
"""Interior-point steps after which the best is taken as it is."""

PRECISE = 1e-13
"""Relative residuals and mean complementarity that are aimed at."""

ENOUGH = 1e-8
"""The same, with which an answer counts as precise where rounding allows no more."""

PATIENCE = 4
"""Steps without progress after which rounding is taken to have its way."""

BACK = 0.995
"""Fraction of the way to the boundary that a step may go."""

LEAST_SLACK = 1e-11
"""Least D of a row, so that dependent equalities leave the system regular."""


@dataclass(frozen=True, eq=False)
class _Iterate:
    """d [N] and λ [m] with the pairs whose products are to vanish, all strictly above 0.

    ``parts`` [2, m] are what r is over and under 0, ``spare`` [2, m] how far λ is below ν and above ω; ``room`` [2, N]
    is how far d is above low and below high, ``force`` [2, N] the box's multipliers.
    """

    d: FloatArray
    multiplier: FloatArray
    parts: FloatArray
    spare: FloatArray
    room: FloatArray
    force: FloatArray

    @property
    def products(self) -> FloatArray:
        """All products of pairs [2m + 2N]."""
        return np.concatenate([(self.parts * self.spare).ravel(), (self.room * self.force).ravel()])

    def moved(self, by: _Iterate, share: float) -> _Iterate:
        """Return the iterate after a share of a step."""
        return _Iterate(*(getattr(self, f) + share * getattr(by, f) for f in self.__dataclass_fields__))

    def share(self, by: _Iterate) -> float:
        """Return how often a step fits in before a member of a pair vanishes; inf where none ever does."""
        names = ("parts", "spare", "room", "force")
        value = np.concatenate([getattr(self, name).ravel() for name in names])
        change = np.concatenate([getattr(by, name).ravel() for name in names])
        shrinking = change < 0
        return float(np.min(value[shrinking] / -change[shrinking], initial=np.inf))


def interior_point(qp: ElasticQp, guess: FloatArray, order: IntArray | None) -> QpAnswer:
    """Return the solution of the subproblem, from guessed multipliers [m]; see the module."""
    at = _begin(qp, guess)
    scales = 1.0 + np.abs(qp.gradient).max(initial=0.0), 1.0 + np.abs(qp.constants).max(initial=0.0)
    best, best_error, idle = at, np.inf, 0
    with np.errstate(all="ignore"):
        for _ in range(MOST_STEPS):
            parts = zip(_residuals(qp, at), scales, strict=True)
            error = max(float(np.abs(part).max(initial=0.0)) / scale for part, scale in parts)
            error = max(error, float(at.products.mean()) / scales[0])
            best, best_error, idle = (at, error, 0) if error < best_error else (best, best_error, idle + 1)
            if error <= PRECISE or not np.isfinite(error) or (idle > PATIENCE and best_error <= ENOUGH):
                break
            try:
                at = _stepped(qp, at, order)
            except np.linalg.LinAlgError:
                break
    held = best.force > best.room
    return QpAnswer(np.where(held[0], qp.low, np.where(held[1], qp.high, best.d)), best.multiplier)


def _begin(qp: ElasticQp, guess: FloatArray) -> _Iterate:
    """Return a start well inside: a little off the box's walls, multipliers near those guessed, products alike."""
    width = qp.high - qp.low
    inset = np.minimum(0.25 * width, 0.1)
    d = np.clip(0.0, qp.low + inset, qp.high - inset)
    margin = np.minimum(0.25 * (qp.penalty - qp.least), 0.1 + 0.1 * np.abs(guess))
    multiplier = np.clip(guess, qp.least + margin, qp.penalty - margin)
    r = qp.linear(d) - qp.soft * multiplier
    spare = np.stack([qp.penalty - multiplier, multiplier - qp.least])
    room = np.stack([d - qp.low, qp.high - d])
    return _Iterate(
        d,
        multiplier,
        parts=np.stack([np.maximum(r, 0), np.maximum(-r, 0)]) + np.minimum(0.1 + 0.1 * np.abs(r), 0.1 / spare),
        spare=spare,
        room=room,
        force=0.1 / np.clip(room, 1e-8, 1e3),
    )


def _residuals(qp: ElasticQp, at: _Iterate) -> tuple[FloatArray, FloatArray]:
    """Return what is left of the Lagrangian's gradient [N] and of r = over - under [m]."""
    slope = qp.curvature.times(at.d) + qp.gradient + qp.rows.T @ at.multiplier
    missed = qp.linear(at.d) - qp.soft * at.multiplier - at.parts[0] + at.parts[1]
    return slope + at.force[1] - at.force[0], missed


def _stepped(qp: ElasticQp, at: _Iterate, order: IntArray | None) -> _Iterate:
    """Return the iterate after one step: Newton's towards 0 (predictor), which tells where to go (corrector)."""
    dual, primal = _residuals(qp, at)
    slack = np.maximum((at.parts / at.spare).sum(axis=0) + qp.soft, LEAST_SLACK)
    factors = factorised(qp.curvature, (at.force / at.room).sum(axis=0), qp.rows, slack, order)

    def newton(rows: FloatArray, box: FloatArray) -> _Iterate:
        """Return the step that adds ``rows`` [2, m] and ``box`` [2, N] to the products, to first order."""
        per_spare, per_room = rows / at.spare, box / at.room
        d, multiplier = factors.solve(-dual + per_room[0] - per_room[1], -primal + per_spare[0] - per_spare[1])
        spare, room = np.stack([-multiplier, multiplier]), np.stack([d, -d])
        parts, force = per_spare - at.parts * spare / at.spare, per_room - at.force * room / at.room
        return _Iterate(d, multiplier, parts, spare, room, force)

    rows, box = at.parts * at.spare, at.room * at.force
    mean = float(at.products.mean())
    predicted = newton(-rows, -box)
    reached = float(at.moved(predicted, min(1.0, at.share(predicted))).products.mean())
    goal = mean * min(max(reached / mean, 0.0), 1.0) ** 3
    corrected = newton(goal - rows - predicted.parts * predicted.spare, goal - box - predicted.room * predicted.force)
    return at.moved(corrected, min(1.0, BACK * at.share(corrected)))
