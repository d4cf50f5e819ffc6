"""`Sum`: independent forms added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rasolve.errors import InputError
from rasolve.forms.formulation import Form


@dataclass(frozen=True, eq=False)
class Term:
    """A form that counts with a weight >= 0, and a lower bound on its optimum."""

    weight: float
    form: Form
    bound: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise InputError(f"Term.weight = {self.weight!r}: must be finite and at least 0")


@dataclass(frozen=True, eq=False)
class Sum(Form):
    """min of constant + Σ weight·form over forms that share no decision; its value is the tuple of their values."""

    name: ClassVar[str] = "Sum"
    says: ClassVar[str] = "weighted sum of independent forms"

    terms: tuple[Term, ...]
    constant: float = 0.0

    def judge(self, value: Sequence[Any]) -> float | None:
        """Return the sum of what the terms' forms judge, or None where one of them cannot tell."""
        if len(value) != len(self.terms):
            return float("inf")
        total = self.constant
        for term, part in zip(self.terms, value, strict=True):
            if (judged := term.form.judge(part)) is None:
                return None
            total += term.weight * judged
        return total

    def as_start(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or len(value) != len(self.terms):
            raise InputError(f"start: a sequence of {len(self.terms)} values is needed, one for each term")
        return tuple(term.form.as_start(part) for term, part in zip(self.terms, value, strict=True))
