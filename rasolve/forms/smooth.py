"""`SmoothProgram`: smooth functions and their derivatives, the form of general nonlinear programming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError, is_real
from rasolve.forms.differences import jacobian_by_differences
from rasolve.forms.evaluation import Function, Slopes, Values, called, frozen, matrix_of
from rasolve.forms.formulation import Form, numbers
from rasolve.forms.matrix import Matrix
from rasolve.forms.starts import floats
from rasolve.numerics import ROUNDING, FloatArray

JACOBIANS = {"inequality_jacobian": "inequalities", "equality_jacobian": "equalities"}
"""Each Jacobian and the function that it is the derivative of."""


@dataclass(frozen=True, eq=False)
class SmoothProgram(Form):
    """min f(x) subject to g(x) <= 0, h(x) = 0 and lower <= x <= upper, for n numbers x and smooth f, g and h.

    ``objective`` maps x [n] to f, ``inequalities`` to g [p], ``equalities`` to h [q]; ``start``, ``lower``, ``upper``
    are [n]. ``gradient`` gives ∇f [n], the Jacobians [p, n] and [q, n], dense or scipy.sparse; ``hessian`` maps
    (x, σ, λ_g [p], λ_h [q]) to σ·∇²f + Σ λ_g·∇²g + Σ λ_h·∇²h [n, n], both triangles. A first derivative that is None is
    taken by central differences (``derivatives`` says which); without ``hessian`` solvers estimate curvature.
    A function is undefined where it gives nan or an infinity or raises ArithmeticError. Names [p] and [q] are for
    messages. ``tolerance`` is how far a constraint may be exceeded, in its own units; bounds are always kept.
    ``convex`` is the caller's word that f and every g are convex and h is affine: where first derivatives are given, it
    turns multipliers into proofs.
    Raises InputError for misshapen data, and for functions whose number of constraints cannot be found at the start.
    """

    name: ClassVar[str] = "SmoothProgram"
    says: ClassVar[str] = "smooth objective, inequalities and equalities, bounds, derivatives"

    objective: Function
    start: FloatArray
    gradient: Function | None = None
    inequalities: Function | None = None
    inequality_jacobian: Function | None = None
    equalities: Function | None = None
    equality_jacobian: Function | None = None
    hessian: Callable[[FloatArray, float, FloatArray, FloatArray], Any] | None = None
    lower: FloatArray = field(default_factory=lambda: np.asarray(-np.inf))
    upper: FloatArray = field(default_factory=lambda: np.asarray(np.inf))
    inequality_names: tuple[str, ...] = ()
    equality_names: tuple[str, ...] = ()
    tolerance: float = 1e-6
    convex: bool = False

    def __post_init__(self) -> None:
        self._check_functions()
        self._check_bounds()
        if not (is_real(self.tolerance) and 0 < self.tolerance < np.inf):
            raise InputError(f"SmoothProgram.tolerance = {self.tolerance!r}: must be above 0")
        if not isinstance(self.convex, bool):
            raise InputError(f"SmoothProgram.convex = {self.convex!r}: must be True or False")
        self._check_names()
        self._check_calls()

    def _check_functions(self) -> None:
        for name in ("objective", "gradient", "inequalities", "equalities", "hessian", *JACOBIANS):
            function = getattr(self, name)
            if not callable(function) and (function is not None or name == "objective"):
                raise InputError(f"SmoothProgram.{name} must be a function")
        for name, of in JACOBIANS.items():
            if getattr(self, name) is not None and getattr(self, of) is None:
                raise InputError(f"SmoothProgram.{name} is given without SmoothProgram.{of}")

    def _check_bounds(self) -> None:
        object.__setattr__(self, "start", numbers("SmoothProgram.start", self.start))
        if self.start.ndim != 1 or not np.isfinite(self.start).all():
            raise InputError("SmoothProgram.start must be one row of finite numbers")
        for name in ("lower", "upper"):
            given = numbers(f"SmoothProgram.{name}", getattr(self, name))
            if given.shape not in ((), self.start.shape):
                raise InputError(f"SmoothProgram.{name} has shape {list(given.shape)}, needs {[self.size]}")
            object.__setattr__(self, name, np.broadcast_to(given, self.start.shape))
        allowed = (self.lower <= self.upper) & (self.lower < np.inf) & (self.upper > -np.inf)
        if not allowed.all():
            i = int(np.argmin(allowed))
            raise InputError(f"SmoothProgram: no x[{i}] from lower = {self.lower[i]:g} to upper = {self.upper[i]:g}")

    def _check_names(self) -> None:
        for name, count in (("inequality_names", self.inequality_count), ("equality_names", self.equality_count)):
            given = getattr(self, name)
            if not isinstance(given, (tuple, list)) or not all(isinstance(each, str) for each in given):
                raise InputError(f"SmoothProgram.{name} must be a list of words")
            if len(given) not in (0, count):
                raise InputError(f"SmoothProgram.{name} holds {len(given)} names, needs {count}")
            object.__setattr__(self, name, tuple(given))

    def _check_calls(self) -> None:
        """Call every function once, so that what does not fit is said here and not amid a solve."""
        self.values(self.first)
        self.slopes(self.first)
        if self.hessian is not None:
            counts = self.inequality_count, self.equality_count
            self.lagrangian_hessian(self.first, 1.0, *map(np.zeros, counts))

    @property
    def size(self) -> int:
        """n."""
        return len(self.start)

    @cached_property
    def first(self) -> FloatArray:
        """The point of the bounds nearest to ``start`` [n]."""
        return self.within_bounds(self.start)

    @cached_property
    def inequality_count(self) -> int:
        """p."""
        return len(called(self.inequalities, "inequalities", self.first, -1))

    @cached_property
    def equality_count(self) -> int:
        """q."""
        return len(called(self.equalities, "equalities", self.first, -1))

    @property
    def derivatives(self) -> dict[str, str]:
        """Of each derivative that the program has, whether it is "given", by "differences" or "none"."""
        first = {"gradient": True, **{name: getattr(self, of) is not None for name, of in JACOBIANS.items()}}
        said = {name: "differences" if getattr(self, name) is None else "given" for name, has in first.items() if has}
        return {**said, "hessian": "none" if self.hessian is None else "given"}

    @property
    def provable(self) -> bool:
        """Whether multipliers prove something: the program is convex, and no slope is only near by differences."""
        return self.convex and "differences" not in self.derivatives.values()

    def within_bounds(self, x: FloatArray) -> FloatArray:
        """Return the nearest point within the bounds [n]."""
        return np.clip(x, self.lower, self.upper)

    def point(self, name: str, raw: object) -> FloatArray:
        """Return what a caller gave as a point [n]; raises InputError, naming it, for anything but n finite numbers."""
        given = numbers(name, raw)
        if given.shape != self.start.shape or not np.isfinite(given).all():
            raise InputError(f"{name}: {self.size} finite numbers are needed")
        return given

    def as_start(self, value: Any) -> FloatArray:
        given = floats("value", value, self.start.shape)
        if not np.isfinite(given).all():
            raise InputError(f"start: value must be {self.size} finite numbers")
        return given

    def begin(self, start: Any) -> FloatArray:
        """Return a start from outside, or where it is None the program's own, within the bounds [n]."""
        return self.first if start is None else self.within_bounds(self.as_start(start))

    def values(self, x: FloatArray) -> Values:
        """Return f, g and h at x [n]."""
        point = frozen(x)
        return Values(
            float(called(self.objective, "objective", point, 1)[0]),
            called(self.inequalities, "inequalities", point, self.inequality_count),
            called(self.equalities, "equalities", point, self.equality_count),
        )

    def slopes(self, x: FloatArray) -> Slopes:
        """Return the first derivatives at x [n], by central differences those that are not given."""
        point, n = frozen(x), self.size
        return Slopes(
            self._derivative("gradient", "objective", point, (n,)),
            self._derivative("inequality_jacobian", "inequalities", point, (self.inequality_count, n)),
            self._derivative("equality_jacobian", "equalities", point, (self.equality_count, n)),
        )

    def _derivative(self, name: str, of: str, x: FloatArray, shape: tuple[int, ...]) -> Matrix:
        if (given := getattr(self, name)) is not None:
            return matrix_of(given, name, shape, x)
        rows = 1 if of == "objective" else shape[0]
        if not rows:
            return np.zeros(shape)

        def function(moved: FloatArray) -> FloatArray:
            return called(getattr(self, of), of, moved, rows)

        return jacobian_by_differences(function, x, self.lower, self.upper).reshape(shape)

    def lagrangian_hessian(self, x: FloatArray, weight: float, inequality: FloatArray, equality: FloatArray) -> Matrix:
        """Return weight·∇²f + Σ inequality·∇²g + Σ equality·∇²h at x, [n, n]; asks the program's own ``hessian``."""
        assert self.hessian is not None, "the program gives no second derivatives"
        return matrix_of(self.hessian, "hessian", (self.size,) * 2, frozen(x), weight, inequality, equality)

    def judge(self, value: Any) -> float:
        """Return f at x [n], or inf where a constraint is exceeded by more than ``tolerance``, a bound by rounding."""
        x = np.asarray(value, dtype=np.float64)
        if (
            x.shape != self.start.shape
            or (np.abs(self.within_bounds(x) - x) > ROUNDING * np.maximum(1, np.abs(x))).any()
        ):
            return np.inf
        values = self.values(x)
        return values.objective if values.defined and values.violation <= self.tolerance else np.inf

    def label(self, kind: str, i: int) -> str:
        """Return how messages call constraint i of a kind, "inequality" or "equality"."""
        names = self.inequality_names if kind == "inequality" else self.equality_names
        return f"{kind} {i} ('{names[i]}')" if names else f"{kind} {i}"

    def violated(self, x: FloatArray) -> tuple[str, ...]:
        """Return, the worst first, every constraint that x exceeds by more than ``tolerance``, and by how much."""
        values = self.values(x)
        excess = {("inequality", i): g for i, g in enumerate(values.inequalities)}
        excess |= {("equality", j): abs(h) for j, h in enumerate(values.equalities)}
        worst = sorted((place for place, by in excess.items() if not by <= self.tolerance), key=lambda p: -excess[p])
        return tuple(f"{self.label(*place)} is off by {excess[place]:.3g}" for place in worst)
