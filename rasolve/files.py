"""Files: text, JSON objects and folders, or one line saying why they cannot be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rasolve.errors import InputError


def read_text(path: str | Path) -> str:
    """Return the text of a file, or raise InputError saying why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cannot read {path}: not a text file") from None


def writable_folder(path: str | Path) -> Path:
    """Return the folder at `path`, made where there is none; raises InputError where that cannot be."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
    return folder


def parse_json(text: str, kind: str) -> dict[str, Any]:
    """Return the JSON object in `text`, or raise InputError saying where it breaks off."""
    try:
        parsed = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise InputError(f"not a whole {kind} document: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise InputError(f"not a {kind} document: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"not a {kind} document: {error}") from None
    if not isinstance(parsed, dict):
        raise InputError(f"not a {kind} document: a JSON object is needed")
    return parsed


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice}' is given twice")
    return dict(pairs)
