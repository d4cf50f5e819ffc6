"""What solving a form gives: three separate statements (why it stopped, what the point is, what the bound is)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np


class Termination(StrEnum):
    """Why a solver stopped."""

    OPTIMAL = "optimal"
    CONVERGED = "converged"
    TIME_LIMIT = "time_limit"
    ITERATION_LIMIT = "iteration_limit"
    GAP_REACHED = "gap_reached"
    CUTOFF = "cutoff"
    """Only inside composite solvers: nothing below the asked cutoff exists."""
    INFEASIBLE = "infeasible"
    """Proved: the bound is inf."""
    LOCALLY_INFEASIBLE = "locally_infeasible"
    """Nothing near relieves the violation any more: no proof, something feasible may exist elsewhere."""
    UNBOUNDED = "unbounded"
    """Feasible points without end, each better than the last, as far as numbers reach."""
    STALLED = "stalled"
    """No step improves any more, though the conditions of an optimum are not met."""
    INTERRUPTED = "interrupted"
    ERROR = "error"


class BoundKind(StrEnum):
    """What a bound is worth: ``proved`` for this form, proved for a ``relaxation`` only approximately, or ``none``."""

    PROVED = "proved"
    RELAXATION = "relaxation"
    NONE = "none"


@dataclass(frozen=True)
class Progress:
    """One line of a solver's history: objective and bound after an iteration, seconds since the start.

    The objective is inf before the first incumbent, the bound -inf before the first bound.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"allow_inf_nan": True}

    iteration: int
    objective: float
    bound: float
    seconds: float

    @property
    def gap(self) -> float | None:
        """Relative gap, or None where objective or bound is not finite."""
        return relative_gap(self.objective, self.bound)


@dataclass(frozen=True, eq=False)
class Solution:
    """The answer to a form: the best value found, its objective, a lower bound and where each comes from.

    ``value`` is None when nothing feasible was found (objective inf). For a batched form, objective and bound are
    the largest over the batch and ``value`` holds the arrays; "optimal" is then true of every instance. ``reasons`` say
    in words why a solver ended otherwise than well, e.g. which constraints are violated.
    """

    value: Any
    objective: float
    bound: float
    bound_kind: BoundKind
    termination: Termination
    solver: str
    iterations: int
    seconds: float
    multipliers: dict[str, Any] = field(default_factory=dict)
    history: tuple[Progress, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """(objective - bound) / max(|objective|, 1e-12), or None without a bound."""
        return relative_gap(self.objective, self.bound) if self.bound_kind is not BoundKind.NONE else None


def relative_gap(objective: float, bound: float) -> float | None:
    """Return |objective - bound| / max(|objective|, 1e-12), or None where either is not finite."""
    if not (np.isfinite(objective) and np.isfinite(bound)):
        return None
    return abs(objective - bound) / max(abs(objective), 1e-12)
