"""The modelling language of the algebraic models, loaded when it is first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rasolve.errors import SolverUnavailable


def pyomo() -> Any:
    """Return `pyomo.environ`; raises SolverUnavailable without Pyomo."""
    try:
        return import_module("pyomo.environ")
    except ModuleNotFoundError:
        raise SolverUnavailable("the algebraic model needs pyomo: install rasolve[modeling]") from None
