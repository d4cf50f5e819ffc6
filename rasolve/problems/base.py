"""What every problem answers: what a decision costs, whether it is allowed, and why nothing is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Self, TypeVar, get_type_hints

import numpy as np

from rasolve.arrays import LARGEST, LARGEST_WHOLE
from rasolve.documents import Document
from rasolve.errors import InputError, unknown
from rasolve.forms import Form, Formulation
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import Plan

F = TypeVar("F", bound=Form)

TOLERANCE = 1e-9
"""Relative violation up to which a constraint counts as kept."""


@dataclass(frozen=True, eq=False)
class Decision:
    """Base of decisions: a frozen record of arrays."""

    def summary(self) -> tuple[str, ...]:
        """Return the decision in a few lines for people; nothing by default."""
        return ()

    def to_fields(self) -> dict[str, Any]:
        """Return the arrays as plain lists, for JSON."""
        return {f.name: getattr(self, f.name).tolist() for f in fields(self)}

    @classmethod
    def from_fields(cls, values: dict[str, Any]) -> Self:
        """Return the decision of a mapping made by :meth:`to_fields`; InputError names an unknown or absent field."""
        names = [f.name for f in fields(cls)]
        for name in values:
            if name not in names:
                raise unknown("field of decision", name, names)
        for name in names:
            if name not in values:
                raise InputError(f"decision: field '{name}' is missing")
        hints = get_type_hints(cls)
        return cls(**{name: _numbers(name, values[name], hints[name] == IntArray) for name in names})


def _numbers(name: str, raw: Any, integer: bool) -> Any:
    """Return a decision's field as an array of its type; raises InputError where it holds anything else."""
    try:
        numbers = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"decision.{name} is not an array of numbers") from None
    if not integer:
        return numbers
    if not (np.abs(numbers) <= LARGEST_WHOLE).all() or (numbers != np.floor(numbers)).any():
        raise InputError(f"decision.{name} must hold whole numbers")
    return numbers.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective of a decision and its parts, recomputed from raw data; a part's name ends in its unit, if any."""

    objective: float
    parts: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Constraint:
    """One family of constraints: value <= limit, entry by entry (or equality for ``relation`` "=")."""

    name: str
    value: FloatArray
    limit: FloatArray
    unit: str
    relation: Literal["<=", "="] = "<="

    @property
    def violation(self) -> FloatArray:
        """How far each entry is beyond its limit, in its unit; 0 where it is kept."""
        excess = np.asarray(self.value, dtype=np.float64) - self.limit
        return np.abs(excess) if self.relation == "=" else np.maximum(excess, 0.0)

    @property
    def kept(self) -> bool:
        """Whether no entry is violated by more than the relative tolerance."""
        return bool((self.violation <= TOLERANCE * np.maximum(np.abs(self.limit), 1e-300)).all())

    @property
    def worst(self) -> int:
        """Index of the entry that is closest to or furthest beyond its limit."""
        value, limit = np.broadcast_arrays(np.asarray(self.value, float), np.asarray(self.limit, float))
        return int(np.argmax(np.abs(value - limit) if self.relation == "=" else value - limit))

    def __str__(self) -> str:
        value, limit = (np.broadcast_arrays(self.value, self.limit)[i].flat[self.worst] for i in (0, 1))
        mark = "ok " if self.kept else "NOT"
        return f"{mark} {self.name}: {value:.6g} {self.relation} {limit:.6g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Check:
    """Every constraint of a problem at a decision."""

    constraints: tuple[Constraint, ...]

    @property
    def feasible(self) -> bool:
        """Whether all constraints are kept."""
        return all(c.kept for c in self.constraints)

    @property
    def violated(self) -> tuple[Constraint, ...]:
        """The constraints that are not kept."""
        return tuple(c for c in self.constraints if not c.kept)

    def __str__(self) -> str:
        return "\n".join(map(str, self.constraints))


@dataclass(frozen=True)
class Baseline:
    """A rule to compare with: its description and, given a random generator, a formulation and a solver's name.

    ``keeps_limits`` says whether the rule promises a feasible decision where there is one; one that looks at delay
    alone does not.
    """

    name: str
    says: str
    formulate: Callable[[np.random.Generator], Formulation] = field(repr=False)
    solver: str = "auto"
    keeps_limits: bool = True


class Problem(Document):
    """Base of all problems: frozen, validated data that can be judged without any solver.

    ``forms`` lists the forms it can be written in, the one with a proved optimum first.
    """

    largest: ClassVar[float | None] = LARGEST

    reference: ClassVar[str]
    sense: ClassVar[Literal["min", "max"]] = "min"
    unit: ClassVar[str]
    forms: ClassVar[tuple[type[Form], ...]]
    Decision: ClassVar[type[Decision]]

    @classmethod
    @abstractmethod
    def sample(cls, *, seed: int = 0) -> Self:
        """Return a random instance; the same seed gives the same instance on any machine."""

    @abstractmethod
    def evaluate(self, decision: Any) -> Evaluation:
        """Return the objective and its parts, recomputed from raw data."""

    @abstractmethod
    def check(self, decision: Any) -> Check:
        """Return every constraint with value, limit and unit."""

    @abstractmethod
    def explain(self) -> tuple[str, ...]:
        """Return why nothing is feasible, one sentence for each clash; empty when something is."""

    @abstractmethod
    def formulate(self, form: type[Form]) -> Formulation:
        """Return this problem written as the given form."""

    def as_form(self, form: type[F]) -> F:
        """Return the given form of this problem by itself, without the way back."""
        found = self.formulate(form).form
        assert isinstance(found, form)
        return found

    def written_in(self) -> tuple[type[Form], ...]:
        """Return those of ``forms`` that this instance can be written in: all, unless its options rule some out.

        The last one is the automatic choice where no optimum is proved.
        """
        return self.forms

    @abstractmethod
    def lower_bound(self) -> float:
        """Return a proved bound on the objective that costs next to nothing; inf when nothing is feasible."""

    def notes(self, decision: Any = None) -> tuple[str, ...]:
        """Return what a reader of a result with this decision must know about the data; nothing by default."""
        return ()

    @abstractmethod
    def baselines(self) -> dict[str, Baseline]:
        """Return the rules that the paper compares with, by name."""

    @abstractmethod
    def to_pyomo(self, decision: Any = None) -> Any:
        """Return the algebraic statement as a Pyomo model, its variables set to `decision` where one is given.

        For teaching and for solvers of Pyomo's own; this package solves nothing with it. Its objective at a decision is
        that of `evaluate`.
        """

    @abstractmethod
    def plan(self, decision: Any, solver: str) -> Plan:
        """Return the plan of a decision, with its prediction."""
