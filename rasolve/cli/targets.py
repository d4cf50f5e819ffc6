"""What a TARGET on the command line stands for: a problem's name or a scenario file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rasolve.cli.values import settings
from rasolve.errors import InputError, unknown
from rasolve.files import parse_json, read_text
from rasolve.plan import Plan
from rasolve.problems import Problem, load, problem_named, problems
from rasolve.problems.registry import with_files
from rasolve.result import Result

LONGEST_SHOWN = 200
"""Characters of a target that an error repeats."""


def problem_of(target: str, seed: int | None, pairs: Iterable[str]) -> Problem:
    """Return the problem that a name or a file stands for, with sizes and fields changed by `key=value` pairs.

    A name is sampled with the seed (0 by default); in a file the seed replaces that of its table [sample]. A field may
    be the path of an .npy file, and rounds that of a .json file, from the current folder.
    """
    changes = with_files(settings(pairs), Path())
    if "seed" in changes:
        raise InputError("seed: not a size or field, use --seed")
    if is_file(target):
        if (kind := kind_of(target)) in (Plan.kind, Result.kind):
            raise InputError(f"{target} is a {kind}, not a problem")
        return load(target, seed=seed, changes=changes)
    return problem_named(target).sample(**{"seed": seed or 0, **changes})


def kind_of(path: str) -> str | None:
    """Return the kind that a JSON document names; None for a file in another format."""
    if Path(path).suffix != ".json":
        return None
    text = read_text(path)
    try:
        kind = parse_json(text, "JSON").get("kind")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if not isinstance(kind, str):
        raise InputError(f"{path} names no kind: is this a plan, a result or a problem?")
    return kind


def is_file(target: str) -> bool:
    """Return whether a target is a file rather than a problem's name; raises InputError where it can be neither."""
    if target in problems():
        return False
    path = Path(target)
    try:
        if path.suffix in (".toml", ".json") or len(path.parts) > 1 or path.exists():
            return True
    except OSError as error:
        raise InputError(f"cannot read {_short(target)}: {error.strerror}") from None
    raise unknown("problem", _short(target), problems())


def _short(target: str) -> str:
    return target if len(target) <= LONGEST_SHOWN else f"{target[:LONGEST_SHOWN]}..."
