"""The result of solving a problem: its decision, how good it is proved to be, and the plan made of it."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_serializer, field_validator

from rasolve.documents import Document
from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import BoundKind, Progress, Termination
from rasolve.plan import Plan
from rasolve.problems import Check, Decision, Evaluation, Problem, problem_named
from rasolve.tables import percent


class Result(Document):
    """What came out: three statements (termination, feasible, bound kind), the decision and where it came from.

    ``evaluation``, ``check`` and ``plan()`` need the problem's data: on a result read from JSON they raise InputError
    until :meth:`of` ties it to its problem. Without a decision they raise InfeasibleError.

    ``objective`` and ``decision`` are None when nothing feasible was found, ``bound`` and ``gap`` when none is known;
    ``reasons`` then say which limits clash. gap = |objective - bound| / max(|objective|, 1e-12). ``feasible`` is the
    problem's own judgement, never the solver's. ``instance`` is the fingerprint of the data that it is a result of. In
    JSON the infinities of a history (no incumbent yet, no bound yet) are null.
    """

    kind: ClassVar[str] = "result"

    problem: str
    solver: str
    objective: float | None
    unit: str
    sense: Literal["min", "max"]
    bound: float | None
    bound_kind: BoundKind
    gap: float | None
    termination: Termination
    feasible: bool
    decision: Any
    multipliers: dict[str, Any] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    iterations: int
    seconds: float
    seed: int
    instance: str
    notes: tuple[str, ...] = ()
    history: tuple[Progress, ...] = ()

    _problem: Problem | None = PrivateAttr(default=None)

    @field_validator("history", mode="before")
    @classmethod
    def _read_history(cls, history: Any) -> Any:
        if not isinstance(history, (list, tuple)):
            raise ValueError("must be a list")
        return tuple(_with_infinities(line) if isinstance(line, dict) else line for line in history)

    @field_serializer("history")
    def _write_history(self, history: tuple[Progress, ...]) -> list[dict[str, float | None]]:
        return [{name: v if isfinite(v) else None for name, v in vars(line).items()} for line in history]

    @field_validator("decision")
    @classmethod
    def _decided(cls, decision: Any) -> Any:
        if decision is not None and not isinstance(decision, (dict, Decision)):
            raise ValueError("is not a decision: an object with its arrays is needed")
        return decision

    @field_serializer("decision")
    def _plain(self, decision: Decision | None) -> dict[str, Any] | None:
        return None if decision is None else decision.to_fields()

    def model_post_init(self, context: object) -> None:
        """Read the decision of a stored result."""
        super().model_post_init(context)
        if isinstance(self.decision, dict):
            kept = problem_named(self.problem).Decision.from_fields(self.decision)
            object.__setattr__(self, "decision", kept)

    def of(self, problem: Problem) -> Result:
        """Return this result tied to its problem's data (a result read from JSON has lost them).

        Raises InputError where it is not of this problem, or not of these data.
        """
        if problem.kind != self.problem:
            raise InputError(f"this is a result of {self.problem}, not of {problem.kind}")
        if self.instance != problem.fingerprint():
            raise InputError(
                f"this is a result of another instance of {self.problem}: give the data it was solved with"
            )
        return self.made_of(problem)

    def made_of(self, problem: Problem) -> Result:
        """Return this result tied to the problem that it has just been made of, which needs no proof."""
        tied = self.model_copy()
        tied._problem = problem
        return tied

    @property
    def evaluation(self) -> Evaluation:
        """The objective's parts, recomputed from the problem's data."""
        return self._data.evaluate(self._found)

    @property
    def check(self) -> Check:
        """Every constraint at the decision."""
        return self._data.check(self._found)

    def plan(self) -> Plan:
        """Return the plan of the decision; raises InfeasibleError with the explanation when there is none."""
        return self._data.plan(self._found, self.solver)

    @property
    def _data(self) -> Problem:
        if self._problem is None:
            raise InputError("a result read from a file has no problem data: tie it with result.of(problem)")
        return self._problem

    @property
    def _found(self) -> Any:
        if self.decision is None:
            raise InfeasibleError("; ".join(self.reasons) or f"{self.solver} found no feasible decision")
        return self.decision

    def __str__(self) -> str:
        lines = [f"{self.problem} by {self.solver}: {self.termination.value} in {self.seconds:.3g} s"]
        if self.objective is None:
            lines += [f"  no feasible decision: {reason}" for reason in self.reasons or ("none was found",)]
            return "\n".join(lines)
        lines.append(f"  objective  {self.objective:.6g} {self.unit}{'' if self.feasible else '  (NOT feasible)'}")
        if self.bound is not None and self.gap is not None:
            proved = f"({self.bound_kind.value}), gap {percent(self.gap)}"
            lines.append(f"  bound      {self.bound:.6g} {self.unit} {proved}")
        else:
            lines.append("  bound      none")
        lines += [f"  {summary}" for summary in self.decision.summary()]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def _with_infinities(line: dict[str, Any]) -> dict[str, Any]:
    """Return a stored line of a history with its nulls read as what they stand for."""
    nothing = {"objective": inf, "bound": -inf}
    return {name: nothing.get(name) if value is None else value for name, value in line.items()}
