"""Values from outside, to start from: made a form's own, or refused in one line."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray

V = TypeVar("V")

WHAT = {"b": "true and false", "iu": "whole numbers", "iuf": "numbers"}
"""What an array holds, by the kinds of its type."""


def record(value: Any, kind: type[V]) -> V:
    """Return a value of the given kind; raises InputError for any other."""
    if not isinstance(value, kind):
        raise InputError(f"start: a value of type {kind.__name__} is needed, not {type(value).__name__}")
    return value


def array(name: str, raw: Any, shape: tuple[int, ...], kinds: str = "iuf") -> Any:
    """Return what is given as an array of a shape and a kind; raises InputError where it is none."""
    try:
        found = np.asarray(raw)
    except ValueError:
        found = np.asarray(None)
    if found.dtype.kind not in kinds:
        raise InputError(f"start: {name} must be an array of {WHAT[kinds]}")
    if found.shape != shape:
        raise InputError(f"start: {name} has shape {list(found.shape)}, needs {list(shape)}")
    return found


def floats(name: str, raw: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return what is given as an array of floats of a shape; raises InputError where it is none."""
    return np.asarray(array(name, raw, shape), dtype=np.float64)


def places(name: str, raw: Any, shape: tuple[int, ...], least: int, most: int) -> IntArray:
    """Return what is given as whole numbers from ``least`` to ``most``; raises InputError where they are none."""
    found = np.asarray(array(name, raw, shape, "iu"), dtype=np.int64)
    for wrong in found[(found < least) | (found > most)]:
        raise InputError(f"start: {name} holds {wrong}: must be from {least} to {most}")
    return found
