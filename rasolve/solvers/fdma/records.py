"""Records of arrays of many instances [...] and their clients [..., K]: sums, shapes, and some of the instances."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray

R = TypeVar("R", bound=tuple[Any, ...])


@lru_cache(maxsize=64)
def _ones(clients: int) -> FloatArray:
    return np.ones(clients)


def total(per_client: FloatArray) -> FloatArray:
    """Return the sum over clients, [...] of [..., K], as a matrix product: of all sums the cheapest on few clients."""
    summed: FloatArray = per_client.dot(_ones(per_client.shape[-1]))
    return summed


def across(per_instance: NDArray[Any]) -> NDArray[Any]:
    """Return what each instance has [...] in a shape that stretches over its clients [..., K]."""
    return per_instance[..., None] if per_instance.ndim else per_instance


def some(condition: NDArray[np.bool_]) -> bool:
    """Return whether a condition holds anywhere."""
    return bool(np.count_nonzero(condition) if condition.ndim else condition)


def rows(record: R, index: Any) -> R:
    """Return some of the instances of a record of arrays, or of such records, that have them as first dimension."""
    return type(record)(*(rows(f, index) if isinstance(f, tuple) else f[index] for f in record))


def copied(record: R) -> R:
    """Return a record of its own arrays, to write into."""
    return type(record)(*(copied(f) if isinstance(f, tuple) else f.copy() for f in record))


def put(record: R, index: Any, part: R) -> None:
    """Write some of the instances of a record, in place."""
    for whole, some in zip(record, part, strict=True):
        if isinstance(whole, tuple):
            put(whole, index, some)
        else:
            whole[index] = some


def chosen(where: NDArray[np.bool_], new: R, old: R) -> R:
    """Return the record that is ``new`` for the instances [...] of a condition and ``old`` for the others."""
    return type(old)(
        *(np.where(where if f.ndim == where.ndim else across(where), f, o) for f, o in zip(new, old, strict=True))
    )
