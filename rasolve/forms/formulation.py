"""A problem written as a form, with the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.numerics import FloatArray


def numbers(name: str, raw: object) -> FloatArray:
    """Return `raw` as a non-empty array of floats; raises InputError where it holds anything but real numbers."""
    try:
        given = np.asarray(raw)
    except ValueError:
        given = np.asarray(None)
    if given.dtype.kind not in "iuf" or given.size == 0:
        raise InputError(f"{name} must be a non-empty array of numbers")
    return given.astype(np.float64, copy=False)


def require(name: str, array: FloatArray, kept: NDArray[np.bool_], rule: str) -> None:
    """Raise InputError, naming the first entry that is not kept and the rule that it breaks, unless all are."""
    if kept.all():
        return
    at = tuple(int(i) for i in np.argwhere(~kept)[0]) if array.ndim else ()
    place = f"[{', '.join(map(str, at))}]" if at else ""
    raise InputError(f"{name}{place} = {array[at]:g} {rule}")


class Form:
    """A mathematical value that solvers take: frozen, free of any problem's vocabulary."""

    name: ClassVar[str]
    says: ClassVar[str]

    def judge(self, value: Any) -> float | None:
        """Return a value's objective, inf where it is infeasible, or None where the form cannot tell by itself."""
        return None

    def as_start(self, value: Any) -> Any:
        """Return a value from outside as one of this form, its lists as arrays; raises InputError where it is none.

        By default the value as it is.
        """
        return value


@dataclass(frozen=True, eq=False)
class Formulation:
    """A form, ``lift`` from its value to the problem's decision, and ``lift_bound`` from its bound to the problem's.

    ``lift_bound`` is None where a bound on the form says nothing about the problem; ``lower`` turns a decision into a
    start for the form's solvers, and ``lift_multipliers`` the form's multipliers into the problem's, where that makes
    sense.
    """

    form: Form
    lift: Callable[[Any], Any]
    lift_bound: Callable[[float], float] | None = None
    lower: Callable[[Any], Any] | None = None
    lift_multipliers: Callable[[dict[str, Any]], dict[str, Any]] | None = None
