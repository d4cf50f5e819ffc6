"""Checks of what a caller may set: each raises InputError in one line where it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rasolve.errors import InputError, is_real, named
from rasolve.forms.evaluation import array_of
from rasolve.numerics import FloatArray

MULTIPLIERS = ("inequalities", "equalities", "lower", "upper")
"""What a solution of a smooth program has multipliers of."""


def positive(name: str, value: object) -> None:
    """Raise InputError where an option is no finite number above 0."""
    if not (is_real(value) and 0 < value < np.inf):
        raise InputError(f"{name} = {value!r}: must be above 0")


def true_or_false(name: str, value: object) -> None:
    """Raise InputError where an option is neither True nor False."""
    if not isinstance(value, bool):
        raise InputError(f"{name} = {value!r}: must be True or False")


def known_multipliers(known: Mapping[str, Any], inequalities: int, equalities: int) -> FloatArray:
    """Return known multipliers of inequalities [p], moved to at least 0, and of equalities [q] in one row; else 0."""
    if not isinstance(known, Mapping):
        raise InputError("known: multipliers by name are needed, as a solution has them")
    for name in known:
        named("multipliers in known", name, dict.fromkeys(MULTIPLIERS))
    parts = []
    for name, count in (("inequalities", inequalities), ("equalities", equalities)):
        given = array_of(known.get(name, np.zeros(count)))
        if given.dtype.kind not in "iuf" or given.shape != (count,) or not np.isfinite(given).all():
            raise InputError(f"known['{name}']: {count} finite numbers are needed")
        parts.append(given.astype(np.float64))
    return np.concatenate([np.maximum(parts[0], 0.0), parts[1]])
