"""What solving many instances of one form together gives: arrays over the instances, and each one's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.solution import BoundKind, Progress, Solution, Termination
from rasolve.numerics import FloatArray


class Rows(Sequence[Any]):
    """Records of many instances, kept as one record (or dict) of arrays whose leading dimensions are the batch.

    ``arrays`` is that record; an index counts instances in C order and gives the record of one.
    """

    def __init__(self, arrays: Any, batch: tuple[int, ...]) -> None:
        self.arrays = arrays
        self.batch = batch

    def __len__(self) -> int:
        return int(np.prod(self.batch))

    def __getitem__(self, index: Any) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        at = np.unravel_index(index % len(self), self.batch)
        if isinstance(self.arrays, dict):
            return {name: array[at] for name, array in self.arrays.items()}
        return type(self.arrays)(*(getattr(self.arrays, f.name)[at] for f in fields(self.arrays)))


class Picked(Sequence[Any]):
    """Records picked from several sequences: ``places`` has each one's sequence and its index there."""

    def __init__(self, places: Sequence[tuple[Sequence[Any], int]]) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        records, at = self._places[index]
        return records[at]


class Histories(Sequence[tuple[Progress, ...]]):
    """Each instance's own history, up to its last change: objectives and bounds [...] after every step of the batch."""

    def __init__(self, lines: Sequence[Progress], marks: Sequence[tuple[FloatArray, FloatArray]]) -> None:
        self._lines, self._marks = lines, marks

    def __len__(self) -> int:
        return self._marks[0][0].size

    def __getitem__(self, index: Any) -> Any:
        stood = [(float(objective.flat[index]), float(bound.flat[index])) for objective, bound in self._marks]
        while len(stood) > 1 and stood[-1] == stood[-2]:
            stood.pop()
        return tuple(
            Progress(line.iteration, *mark, line.seconds) for line, mark in zip(self._lines, stood, strict=False)
        )


def stacked(values: Sequence[Any]) -> Any:
    """Return records of equally shaped arrays as one record of arrays with a leading dimension."""
    return type(values[0])(*(np.stack([getattr(v, f.name) for v in values]) for f in fields(values[0])))


@dataclass(frozen=True, eq=False)
class BatchSolution(Sequence[Solution]):
    """The answers to many independent instances of one form.

    ``objective``, ``bound`` and ``terminations`` have the shape of the batch [...]; ``values`` and ``multipliers`` are
    sequences over the instances in C order. An index, also in C order, gives the `Solution` of one instance, with its
    own iterations and history up to its last change. ``iterations``, ``seconds`` and ``history`` are those of the whole
    batch, ``histories`` everyone's own.
    """

    objective: FloatArray
    bound: FloatArray
    terminations: NDArray[Any]
    values: Sequence[Any]
    multipliers: Sequence[dict[str, Any]]
    solver: str
    iterations: int
    seconds: float
    histories: Sequence[tuple[Progress, ...]]
    history: tuple[Progress, ...] = ()

    @property
    def gap(self) -> FloatArray:
        """|objective - bound| / max(|objective|, 1e-12) of each instance [...]; nan where either is not finite."""
        return relative_gaps(self.objective, self.bound)

    @property
    def termination(self) -> Termination:
        """The one termination of all instances, or else that of the first which is not optimal."""
        others = [t for t in self.terminations.flat if t is not Termination.OPTIMAL]
        return others[0] if others else Termination.OPTIMAL

    def __len__(self) -> int:
        return self.objective.size

    def __getitem__(self, index: Any) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        objective, bound = float(self.objective.flat[index]), float(self.bound.flat[index])
        found, history = np.isfinite(objective), self.histories[index]
        return Solution(
            value=self.values[index] if found else None,
            objective=objective,
            bound=bound,
            bound_kind=BoundKind.PROVED if bound > -np.inf else BoundKind.NONE,
            termination=self.terminations.flat[index],
            solver=self.solver,
            iterations=len(history) - 1,
            seconds=self.seconds,
            multipliers=self.multipliers[index] if found else {},
            history=history,
        )


def relative_gaps(objective: FloatArray, bound: FloatArray) -> FloatArray:
    """Return the relative gap of each instance [...]; nan where objective or bound is not finite."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(objective - bound) / np.maximum(np.abs(objective), 1e-12)
    return np.where(np.isfinite(gap), gap, np.nan)
