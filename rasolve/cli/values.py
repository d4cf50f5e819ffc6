"""`key=value` as people type it: values are TOML literals, and words need no quotes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from rasolve.errors import InputError

WORD = re.compile(r"(\.{0,2}/|~/)?[A-Za-z][\w./+-]*")


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return the mapping of `key=value` pairs; raises InputError for a pair without key or value, or a key twice."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InputError(f"'{pair}' must have the form key=value")
        if key in found:
            raise InputError(f"'{key}' is set twice")
        found[key] = _value(key, text.strip())
    return found


def _value(key: str, text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        parsed = {"value": text if WORD.fullmatch(text) else None}
    value = parsed.pop("value")
    if parsed or not isinstance(value, (bool, int, float, str, list, dict)):
        raise InputError(f"{key} = {text}: must be a number, true or false, a word, or a list such as [1, 2]")
    return value
