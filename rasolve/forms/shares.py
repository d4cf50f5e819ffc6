"""`MinMaxShares`: the smallest deadline that a budget of one resource can meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers
from rasolve.forms.starts import floats, record
from rasolve.numerics import ROUNDING, FloatArray


@dataclass(frozen=True, eq=False)
class Shares:
    """Deadline [...] and what each of the K clients needs to meet it [..., K]."""

    deadline: FloatArray
    share: FloatArray


@dataclass(frozen=True, eq=False)
class MinMaxShares(Form):
    """min τ subject to Σ_k need_k(τ) <= budget and need_k(τ) <= cap_k, with need_k decreasing to below both limits.

    ``need`` maps deadlines [...] to needs [..., K]; it is only asked for τ > ``floor`` [...] and may be +inf near it.
    ``budget`` has shape [...] and ``cap`` [..., K]; leading dimensions are a batch of independent instances.
    """

    name: ClassVar[str] = "MinMaxShares"
    says: ClassVar[str] = "smallest deadline with summed needs within a budget and per-client caps"

    need: Callable[[FloatArray], FloatArray]
    floor: FloatArray
    budget: FloatArray
    cap: FloatArray

    def __post_init__(self) -> None:
        if not callable(self.need):
            raise InputError("MinMaxShares.need must be a function of deadlines")
        for name in ("floor", "budget", "cap"):
            array = numbers(f"MinMaxShares.{name}", getattr(self, name))
            if np.isnan(array).any() or (name != "floor" and (array <= 0).any()):
                raise InputError(f"MinMaxShares.{name} must be {'a number' if name == 'floor' else 'above 0'}")
            object.__setattr__(self, name, array)

    def judge(self, value: Shares) -> float:
        """Return the latest deadline of the batch, or inf where the budget or a cap does not meet its own."""
        return float(value.deadline.max()) if (self.residual(value.deadline) <= ROUNDING).all() else np.inf

    def as_start(self, value: Any) -> Shares:
        given = record(value, Shares)
        batch = np.broadcast_shapes(self.floor.shape, self.budget.shape, self.cap.shape[:-1])
        return Shares(floats("deadline", given.deadline, batch), given.share)

    def residual(self, deadline: FloatArray) -> FloatArray:
        """Return ln of the worst ratio of need to limit, [...]: decreasing in the deadline, <= 0 where it is met."""
        need = self.need(deadline)
        if np.isnan(need).any():
            raise InputError("MinMaxShares.need must not be nan: it may be inf near the floor")
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            worst = np.maximum(need.sum(axis=-1) / self.budget, (need / self.cap).max(axis=-1))
            return np.asarray(np.log(worst))
