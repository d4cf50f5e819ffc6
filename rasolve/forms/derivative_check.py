"""Whether given derivatives are the derivatives: compared with differences, the wrong component called by its name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rasolve.errors import InputError, whole_number
from rasolve.forms.differences import STEP, VectorFunction
from rasolve.forms.matrix import dense
from rasolve.forms.smooth import SmoothProgram
from rasolve.numerics import FloatArray

AGREEMENT = 1e-5
"""Relative difference at which a derivative is wrong, on top of what the differences themselves are unsure of."""


def check_derivatives(form: SmoothProgram, x: FloatArray | None = None, seed: int = 0) -> tuple[str, ...]:
    """Return one line for every component of a given derivative that differences at x [n] contradict; none: all agree.

    x is the program's start unless given, moved by up to 1e-3 and off the bounds. Second derivatives are compared with
    differences of first ones, for random multipliers, once those are right. Costs four evaluations for each variable
    (ours). Raises InputError where x does not fit or the functions are undefined there.
    """
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    begin = form.first if x is None else form.point("check_derivatives: x", x)
    moved = begin + 1e-3 * rng.uniform(-1, 1, form.size) * np.maximum(1, np.abs(begin))
    point = _off_bounds(form, moved)
    if not form.values(point).defined:
        raise InputError("check_derivatives: the functions are undefined there; give another x")
    return tuple(_first(form, point)) or tuple(_second(form, point, rng))


def _steps(x: FloatArray) -> FloatArray:
    return np.asarray(4 * STEP * np.maximum(1.0, np.abs(x)))


def _off_bounds(form: SmoothProgram, x: FloatArray) -> FloatArray:
    """Return the point moved to where differences stay within bounds; a variable without the room to the middle."""
    room = np.minimum(3 * _steps(form.within_bounds(x)), (form.upper - form.lower) / 2)
    return np.clip(x, form.lower + room, form.upper - room)


def _first(form: SmoothProgram, x: FloatArray) -> Iterator[str]:
    """Yield the wrong components of the gradient and of both Jacobians, variable by variable."""
    slopes = form.slopes(x)
    matrices = slopes.gradient[None, :], slopes.inequality_jacobian, slopes.equality_jacobian
    said = [
        *_labels(form, "gradient", ["gradient"]),
        *_labels(form, "inequality_jacobian", [form.label("inequality", i) for i in range(form.inequality_count)]),
        *_labels(form, "equality_jacobian", [form.label("equality", i) for i in range(form.equality_count)]),
    ]

    def functions(point: FloatArray) -> FloatArray:
        values = form.values(point)
        return np.concatenate([[values.objective], values.inequalities, values.equalities])

    for j, (differences, unsure) in enumerate(_columns(functions, x)):
        given = np.concatenate([dense(matrix[:, [j]]).ravel() for matrix in matrices])
        for i in _wrong(given, differences, unsure):
            if said[i]:
                yield f"{said[i]} by variable {j}: given {given[i]:.6g}, differences say {differences[i]:.6g}"


def _labels(form: SmoothProgram, derivative: str, rows: list[str]) -> list[str]:
    """Return how messages call the rows of a derivative; nothing where it is by differences itself."""
    if getattr(form, derivative) is None:
        return [""] * len(rows)
    return rows if derivative == "gradient" else [f"jacobian of {row}" for row in rows]


def _second(form: SmoothProgram, x: FloatArray, rng: np.random.Generator) -> Iterator[str]:
    if form.hessian is None:
        return
    inequality = rng.uniform(0.5, 1.5, form.inequality_count)
    equality = rng.uniform(0.5, 1.5, form.equality_count)
    hessian = form.lagrangian_hessian(x, 1.0, inequality, equality)

    def gradient(point: FloatArray) -> FloatArray:
        return form.slopes(point).lagrangian(inequality, equality)

    for j, (differences, unsure) in enumerate(_columns(gradient, x)):
        column = dense(hessian[:, [j]]).ravel()
        for i in _wrong(column, differences, unsure):
            said = f"given {column[i]:.6g}, differences say {differences[i]:.6g}"
            yield f"hessian of the Lagrangian, entry [{i}, {j}]: {said}"


def _columns(function: VectorFunction, x: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield, for each variable, the derivative by differences and how far two step sizes disagree about it."""
    size = np.abs(function(x)).max(initial=1.0)
    for j, step in enumerate(_steps(x)):
        estimates = []
        for length in (step, 2 * step):
            ahead, behind = x.copy(), x.copy()
            ahead[j], behind[j] = x[j] + length, x[j] - length
            estimates.append((function(ahead) - function(behind)) / (2 * length))
        yield estimates[0], np.abs(estimates[1] - estimates[0]) + 1e-15 * size / step


def _wrong(given: FloatArray, differences: FloatArray, unsure: FloatArray) -> list[int]:
    size = np.maximum(1.0, np.maximum(np.abs(given), np.abs(differences)))
    agree = np.abs(given - differences) <= AGREEMENT * size + 10 * unsure
    return np.flatnonzero(np.isfinite(differences) & ~agree).tolist()
