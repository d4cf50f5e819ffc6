"""Array fields: what a document's annotation says of an array, and how an input becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

LARGEST_WHOLE = 2.0**53
"""Above it, double precision does not hold every whole number."""

LARGEST = 1e24
"""No quantity here is larger in its SI unit; beyond it, products would leave the range of double precision."""


@dataclass(frozen=True)
class Array:
    """Annotation of an array field: its named dimensions (``"K"``, ``"J+1"``) and the range of its entries.

    An axis of length 1 stretches to its dimension, as in numpy, without copying the data.
    """

    dims: tuple[str, ...]
    above: float | None = None
    at_least: float | None = None
    at_most: float = LARGEST
    integer: bool = False

    def read(self, raw: object) -> NDArray[Any]:
        """Return `raw` as a finite, in-range, read-only array of this annotation's rank.

        Raises ValueError, naming the first offending entry and the limit it breaks.
        """
        given = _numbers(raw)
        if given.ndim != len(self.dims):
            raise ValueError(f"has {given.ndim} dimensions, needs {len(self.dims)}: [{','.join(self.dims)}]")
        if given.size == 0:
            raise ValueError("is empty")
        entries = without_stretch(given)
        self._reject(entries, ~np.isfinite(entries), "is not finite")
        if self.above is not None:
            self._reject(entries, entries <= self.above, f"must be above {self.above:g}")
        if self.at_least is not None:
            self._reject(entries, entries < self.at_least, f"must be at least {self.at_least:g}")
        self._reject(entries, entries > self.at_most, f"must be at most {self.at_most:g}")
        self._reject(entries, entries < -LARGEST, f"must be at least {-LARGEST:g}")
        if self.integer:
            odd = (entries != np.floor(entries)) | (np.abs(entries) > LARGEST_WHOLE)
            self._reject(entries, odd, "is not a whole number")
        kept = np.array(entries, dtype=np.int64 if self.integer else np.float64)
        kept.setflags(write=False)
        return np.broadcast_to(kept, given.shape) if kept.shape != given.shape else kept

    @staticmethod
    def _reject(entries: NDArray[Any], wrong: NDArray[np.bool_], complaint: str) -> None:
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(f"{list(at)} = {entries[at]:g} {complaint}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda array: without_stretch(array).tolist()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "integer" if self.integer else "number"}
        if self.above is not None:
            described["exclusiveMinimum"] = self.above
        if self.at_least is not None:
            described["minimum"] = self.at_least
        described["maximum"] = self.at_most
        for _ in self.dims:
            described = {"type": "array", "items": described}
        return {**described, "description": f"shape [{','.join(self.dims)}]"}


def _numbers(raw: object) -> NDArray[np.float64]:
    """Return `raw` as floats; raises ValueError for anything but real numbers, such as words, dates or masks."""
    try:
        given = np.asarray(raw)
    except ValueError:
        raise ValueError("is not an array of numbers: its rows differ in length") from None
    if (given.dtype.kind not in "iuf" and given.size) or isinstance(raw, np.ma.MaskedArray):
        raise ValueError("is not an array of numbers")
    return given.astype(np.float64, copy=False)


def without_stretch(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array` with every stretched axis (stride 0) cut back to length 1."""
    return array[
        tuple(
            slice(0, 1) if step == 0 and size > 1 else slice(None)
            for step, size in zip(array.strides, array.shape, strict=True)
        )
    ]
