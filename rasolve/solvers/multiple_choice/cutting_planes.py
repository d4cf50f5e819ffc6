"""The largest value of a concave function that is a minimum of planes, by cutting planes (Kelley 1960, textbook)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from rasolve.numerics import FloatArray

STRIDE = 4.0
"""How many times a coordinate may grow from the best point in one round."""

ENOUGH = 1e-3
"""A search ends when what it may still gain is at most this share of what the goal lacks anyway."""

MOST_ROUNDS = 40
"""Planes are asked for this often at most: a search that crawls is left to the caller's branching."""


class Plane(Protocol):
    """A plane that the function lies below: where it stands at the point zero, and how it rises [n]."""

    @property
    def at_zero(self) -> float:
        """Its value at zero."""

    @property
    def gradient(self) -> FloatArray:
        """Its gradient."""


P = TypeVar("P", bound=Plane)


@dataclass(frozen=True, eq=False)
class Summit(Generic[P]):
    """The best point found [n], planes whose minimum is the function there, and those that balance each other on top.

    ``balance`` has the weights (> 0, sum 1) with which their gradients balance; empty where no search was needed.
    """

    point: FloatArray
    planes: tuple[P, ...]
    balance: tuple[tuple[float, P], ...] = ()

    @property
    def lowest(self) -> P:
        """The plane that is lowest at the point."""
        return min(self.planes, key=lambda plane: _height(plane, self.point))

    @property
    def value(self) -> float:
        """The function's value at the point."""
        return _height(self.lowest, self.point)


def climb(
    planes_at: Callable[[FloatArray], Sequence[P]],
    known: Sequence[P],
    start: FloatArray,
    least: FloatArray,
    most: FloatArray,
    goal: float,
) -> Summit[P]:
    """Maximise a minimum of planes on 0 <= point <= most [n], until the goal is reached or little can be gained.

    ``planes_at`` gives, for a point, planes whose minimum is the function there; ``known`` are planes to begin with.
    Coordinates below ``least`` [n] > 0 grow as if they were as large. Without coordinates the function is a constant.
    """
    best = Summit(start, tuple(planes_at(start)))
    if len(start) == 0 or best.value >= goal:
        return best
    model = _Model(most)
    model.add([*known, *best.planes])
    balance: Sequence[tuple[float, P]] = ()
    for _ in range(MOST_ROUNDS):
        top = model.top(np.minimum(STRIDE * np.maximum(best.point, least), most))
        if top is None:
            break
        upper, point, balance = top
        if upper - best.value <= ENOUGH * (goal - best.value):
            break
        found = Summit(point, tuple(planes_at(point)))
        best = found if found.value > best.value else best
        if best.value >= goal:
            return best
        model.add(found.planes)
    return Summit(best.point, best.planes, tuple(balance))


def _height(plane: Plane, point: FloatArray) -> float:
    return float(plane.at_zero + plane.gradient @ point)


class _Model:
    """The linear program max t with t <= every plane and 0 <= point <= most, kept warm in HiGHS."""

    def __init__(self, unit: FloatArray) -> None:
        import highspy

        self._unit, self._planes, self._scale = unit, list[Any](), 1.0
        self._columns = np.arange(len(unit) + 1, dtype=np.int32)
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.addVars(len(unit) + 1, np.r_[-np.inf, np.zeros(len(unit))], np.r_[np.inf, np.ones(len(unit))])
        self._highs.changeColsCost(1, self._columns[:1], np.asarray([-1.0]))

    def add(self, planes: Sequence[Plane]) -> None:
        """Add planes, but none too steep for HiGHS: without it the top is only higher. The first ones set the scale."""
        from highspy import HighsStatus

        if not self._planes:
            self._scale = max(abs(plane.at_zero) for plane in planes)
        for plane in planes:
            row = np.r_[1.0, -plane.gradient * self._unit / self._scale]
            status = self._highs.addRow(-np.inf, plane.at_zero / self._scale, len(row), self._columns, row)
            if status != HighsStatus.kError:
                self._planes.append(plane)

    def top(self, most: FloatArray) -> tuple[float, FloatArray, list[tuple[float, Any]]] | None:
        """Return the program's value, its point up to ``most`` [n], and the planes that hold it with their weights.

        None where HiGHS finds no top.
        """
        self._highs.changeColsBounds(len(most), self._columns[1:], np.zeros_like(most), most / self._unit)
        self._highs.run()
        found = self._highs.getSolution()
        if not found.dual_valid:
            return None
        value, *point = found.col_value
        weights = [(-weight, plane) for weight, plane in zip(found.row_dual, self._planes, strict=True) if weight < 0]
        return value * self._scale, np.maximum(point, 0.0) * self._unit, weights
