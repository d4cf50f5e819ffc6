"""How problems draw random instances: sizes for a generator, fields to set outright, everything else refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rasolve.arrays import Array
from rasolve.errors import InputError, unknown
from rasolve.problems.base import Problem

Fields = dict[str, Any]


def drawn_fields(cls: type[Problem], draw: Callable[..., Fields], seed: int, given: Fields) -> Fields:
    """Return the fields that `draw` gives for a seed; `given` are its sizes, and fields to set outright.

    One number stands for a whole array. Raises InputError for a name that is neither size nor field.
    """
    sizes = {name for name in inspect.signature(draw).parameters if name != "rng"}
    seed = whole("seed", seed, 0, 2**63 - 1)
    known = sizes.union(cls.model_fields)
    for name in given:
        if name not in known:
            raise unknown(f"size or field of {cls.kind}", name, known)
    drawn = draw(np.random.default_rng(seed), **{name: given[name] for name in given if name in sizes})
    return {**drawn, **{name: _spread(cls, name, given[name]) for name in given if name not in sizes}}


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number of any integer type; raises InputError where it is none or out of range."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} = {value!r}: must be a whole number from {least} to {most}")
    return int(value)


def _spread(cls: type[Problem], name: str, value: Any) -> Any:
    """Return a number given for an array as an array that stretches to its dimensions."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        return value
    notes = [*cls.model_fields[name].metadata, *_within(cls.model_fields[name].annotation)]
    dims = next((note.dims for note in notes if isinstance(note, Array)), ())
    return np.full((1,) * len(dims), value) if dims else value


def _within(annotation: Any) -> list[Any]:
    """Return the notes of the parts of an annotation such as ``Annotated[X, note] | None``."""
    return [note for part in getattr(annotation, "__args__", ()) for note in getattr(part, "__metadata__", ())]
