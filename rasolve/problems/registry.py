"""Problems by name, and problems from files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rasolve.documents import Document
from rasolve.errors import InputError, named, unknown
from rasolve.files import parse_json, read_text
from rasolve.problems.base import Problem
from rasolve.surrogate_models.rounds import Rounds

SHIPPED = ("fedsllm", "fedsllm-fdma", "dag-split", "adaptive-split", "cut-and-clock")
"""Problems of this package, each in the module of its name, with _ for -, maybe with one beside it."""

DOCUMENTS: dict[str, type[Document]] = {"rounds": Rounds}
"""Fields that hold a document, which a scenario may keep in a .json file of its own."""

P = TypeVar("P", bound=Problem)

_registered: dict[str, type[Problem]] = {}


def register(problem: type[P]) -> type[P]:
    """Make a problem class available under its ``kind`` (a decorator); raises InputError if the name is taken."""
    if _registered.setdefault(problem.kind, problem) is not problem:
        raise InputError(f"a problem named '{problem.kind}' is registered already")
    return problem


@cache
def _load_shipped() -> None:
    for name in SHIPPED:
        import_module(f"rasolve.problems.{name.replace('-', '_')}")


def problems() -> dict[str, type[Problem]]:
    """Return every problem class by its command-line name, this package's first, whatever was imported when."""
    _load_shipped()
    return dict(sorted(_registered.items(), key=lambda item: (_place(item[1]), item[0])))


def _place(problem: type[Problem]) -> int:
    packages = [f"rasolve.problems.{name.replace('-', '_')}" for name in SHIPPED]
    own = ".".join(problem.__module__.split(".")[:3])
    return packages.index(own) if own in packages else len(packages)


def problem_named(name: str) -> type[Problem]:
    """Return the named problem class; raises InputError with the nearest known names."""
    return named("problem", name, problems())


def load(path: str | Path, *, seed: int | None = None, changes: Mapping[str, Any] | None = None) -> Problem:
    """Return the problem in a scenario file (TOML) or in a problem's own JSON.

    A scenario names its ``problem``; a table ``[sample]`` holds seed and sizes to draw an instance with, a table
    ``[data]`` fields to set (all of them where there is no ``[sample]``). A large array may be the path of an .npy file
    beside the scenario, fitted rounds that of a .json file. `changes` (fields, and sizes for ``[sample]``) come before
    what the file says, and so does `seed` for ``[sample]``. Raises InputError naming the file.
    """
    path = Path(path)
    text = read_text(path)
    try:
        if path.suffix == ".toml":
            return _from_scenario(_parse_toml(text), path.parent, seed, dict(changes or {}))
        fields = parse_json(text, "problem")
        cls = problem_named(str(fields.get("kind")))
        return cls.from_fields({**with_files(fields, path.parent), **(changes or {})})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not a whole scenario: {error}") from None


def _from_scenario(scenario: dict[str, Any], folder: Path, seed: int | None, changes: dict[str, Any]) -> Problem:
    for name in scenario:
        if name not in ("problem", "sample", "data"):
            raise unknown("entry of a scenario", name, ["problem", "sample", "data"])
    if "problem" not in scenario:
        raise InputError('a scenario must name its problem, e.g. problem = "fedsllm"')
    for table in ("sample", "data"):
        if not isinstance(scenario.get(table, {}), dict):
            raise InputError(f"{table} must be a table: [{table}]")
    cls = problem_named(str(scenario["problem"]))
    data = {**with_files(scenario.get("data", {}), folder), **changes}
    if "sample" in scenario:
        drawn = {} if seed is None else {"seed": seed}
        return cls.sample(**{**scenario["sample"], **drawn, **data})
    return cls(**data)


def with_files(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return fields with what stands in the files that they name, from the folder: .npy arrays and DOCUMENTS."""
    return {name: _in_file(name, value, folder) for name, value in fields.items()}


def _in_file(name: str, value: Any, folder: Path) -> Any:
    """Return what a field's value stands for: the array or document in the file that it names, else itself."""
    if isinstance(value, str) and value.endswith(".npy"):
        return _array(folder / value)
    if isinstance(value, str) and value.endswith(".json") and name in DOCUMENTS:
        return DOCUMENTS[name].load(folder / value)
    return value


def _array(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, EOFError):
        raise InputError(f"cannot read {path}: not a whole .npy array") from None
