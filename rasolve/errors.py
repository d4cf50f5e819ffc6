"""The one small family of errors that rasolve raises, each a single clear line."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")


class RasolveError(Exception):
    """Base of every error raised on purpose by rasolve."""


class InputError(RasolveError, ValueError):
    """An input is unknown, malformed or out of range; the message names field, value and limit."""


class InfeasibleError(RasolveError):
    """A plan was asked of a problem that has none; the message names the clashing limits."""


class SolverUnavailable(RasolveError):
    """A solver exists but cannot serve here: its library is absent or it refuses the form; says why."""


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Return the error for an unknown `name` of some `kind`, naming the nearest known ones first."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return InputError(f"unknown {kind} '{name}'; {hint}")


def named(kind: str, name: object, table: Mapping[str, T]) -> T:
    """Return the entry of a table of known things, or raise the error for an unknown `name`, which may be anything."""
    if not isinstance(name, str) or name not in table:
        raise unknown(kind, name, table)
    return table[name]


def whole_number(name: str, value: Any, at_least: int) -> int:
    """Return a setting as an int, numpy's integers included; raises InputError where it is no whole number in range."""
    try:
        number = operator.index(value)
    except TypeError:
        number = at_least - 1
    if isinstance(value, bool) or number < at_least:
        raise InputError(f"{name} = {value!r}: must be a whole number of at least {at_least}")
    return number


def is_real(value: object) -> TypeGuard[float]:
    """Return whether a setting is a number on the real line, numpy's included; true and false are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def said(value: object) -> str:
    """Return a scalar or a word as it was given, of anything longer its type."""
    return repr(value) if value is None or isinstance(value, (str, bool)) or is_real(value) else type(value).__name__


def listed(name: str, given: Any, kind: type[Any] | tuple[type[Any], ...], needed: str) -> list[Any]:
    """Return one thing or several as a list; raises InputError where there is none or one is not what is needed."""
    several = [given] if isinstance(given, kind) or not isinstance(given, Iterable) else list(given)
    for each in several:
        if not isinstance(each, kind):
            raise InputError(f"{name} holds {said(each)}: {needed} is needed")
    if not several:
        raise InputError(f"{name} is empty: at least one is needed")
    return several
