"""`Choice`: the minimum over labelled alternatives."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

from rasolve.forms.formulation import Form
from rasolve.forms.starts import record


@dataclass(frozen=True, eq=False)
class Alternative:
    """One alternative: its label, a cheap lower bound on its objective, and the form that it costs the optimum of.

    Without a form, the bound is its exact objective.
    """

    label: Hashable
    bound: float
    form: Form | None = None


@dataclass(frozen=True)
class Chosen:
    """The value of a choice: the label that won and the value of its form."""

    label: Any
    value: Any = None


@dataclass(frozen=True, eq=False)
class Choice(Form):
    """min over alternatives; no alternative at all, or bounds that are all infinite, means infeasible."""

    name: ClassVar[str] = "Choice"
    says: ClassVar[str] = "minimum over labelled alternatives, each a form with a cheap lower bound"

    alternatives: tuple[Alternative, ...]

    def judge(self, value: Chosen) -> float | None:
        """Return the objective of the chosen alternative; inf where there is none of that label, or no value for it."""
        for alternative in self.alternatives:
            if alternative.label == value.label:
                if alternative.form is None:
                    return alternative.bound
                return float("inf") if value.value is None else alternative.form.judge(value.value)
        return float("inf")

    def as_start(self, value: Any) -> Chosen:
        given = record(value, Chosen)
        form = next((each.form for each in self.alternatives if each.label == given.label), None)
        return given if form is None or given.value is None else Chosen(given.label, form.as_start(given.value))
