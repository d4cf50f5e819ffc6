"""`rasolve doctor`: what is installed, what is missing and how to get it, and does solving work here?"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import chain

import rasolve
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Json
from rasolve.cli.output import show, show_json
from rasolve.problems.fedsllm import FedsLLM
from rasolve.solving import solve
from rasolve.tables import aligned

BASE = ("numpy", "scipy", "highspy", "pydantic", "typer", "rich")
EXTRAS = {
    "executor": ("torch", "safetensors", "scikit-learn"),
    "modeling": ("cvxpy", "pyomo"),
    "plot": ("matplotlib",),
}
"""Libraries of the extras that people use, as pyproject.toml lists them."""

IMPORTED_AS = {"scikit-learn": "sklearn"}
"""What to import where a library's name is not its package's."""


@dataclass(frozen=True)
class Library:
    """A library: its version if it is installed, and what goes wrong when it is imported, if anything."""

    name: str
    version: str | None
    trouble: str | None

    def __str__(self) -> str:
        if self.version is None:
            return "not installed"
        return self.version if self.trouble is None else f"{self.version}, but does not import: {self.trouble}"


def doctor(as_json: Json = False) -> ExitCode:
    """Report versions, missing extras and a small self-test; exit code 2 where rasolve cannot work."""
    base = [_library(name) for name in BASE]
    extras = {extra: [_library(name) for name in names] for extra, names in EXTRAS.items()}
    missing = [extra for extra, found in extras.items() if any(library.version is None for library in found)]
    libraries = [*base, *chain.from_iterable(extras.values())]
    troubles = [lib for lib in libraries if lib.trouble is not None or (lib in base and lib.version is None)]
    wrong = _self_test()
    healthy = not troubles and wrong is None
    if as_json:
        show_json(
            {
                "python": platform.python_version(),
                "rasolve": rasolve.__version__,
                "versions": {library.name: library.version for library in libraries},
                "missing_extras": missing,
                "install": _install(missing),
                "troubles": {library.name: str(library) for library in troubles},
                "self_test": wrong or "passed",
                "healthy": healthy,
            }
        )
    else:
        show(_text(base, extras, missing, wrong))
    return ExitCode.DONE if healthy else ExitCode.BAD_INPUT


def _library(name: str) -> Library:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Library(name, None, None)
    try:
        import_module(IMPORTED_AS.get(name, name))
    except (ImportError, OSError) as error:
        return Library(name, found, str(error))
    return Library(name, found, None)


def _self_test() -> str | None:
    """Solve a small instance exactly and by a heuristic, and return what contradicts what, or None."""
    problem = FedsLLM.sample(seed=1, clients=3, subchannels=8, model="gpt-mini")
    optimum, heuristic = solve(problem), solve(problem, "alternating")
    for result in (optimum, heuristic):
        if not result.feasible:
            return f"{result.solver} found nothing feasible"
    if optimum.gap is None or optimum.gap > 1e-6:
        return f"{optimum.solver} left a gap of {optimum.gap}"
    if optimum.bound is None or heuristic.objective is None or heuristic.objective < optimum.bound * (1 - 1e-9):
        return f"{heuristic.solver} is below the proved bound"
    return None


def _install(missing: list[str]) -> str | None:
    return f'python -m pip install "rasolve[{",".join(missing)}]"' if missing else None


def _text(base: list[Library], extras: dict[str, list[Library]], missing: list[str], wrong: str | None) -> str:
    rows = [["Python", platform.python_version(), ""], ["rasolve", rasolve.__version__, ""]]
    rows += [[library.name, str(library), ""] for library in base]
    rows += [[library.name, str(library), f"extra: {extra}"] for extra, found in extras.items() for library in found]
    lines = [*aligned(rows), ""]
    lines.append(f"missing extras: {', '.join(missing)}" if missing else "all extras are installed")
    if missing:
        lines.append(f"  to get them: {_install(missing)}")
    lines.append(f"self-test: {'passed' if wrong is None else f'FAILED: {wrong}'}")
    return "\n".join(lines)
