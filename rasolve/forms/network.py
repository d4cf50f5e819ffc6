"""`CutNetwork`: a network with a source and a sink, to be cut in two as cheaply as possible."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers, require
from rasolve.forms.starts import array
from rasolve.numerics import FloatArray, IntArray, summed_at

Side = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Entries:
    """Ordered pairs of joined vertices, each pair both ways, sorted by tail: a compressed sparse row pattern.

    Entry e leads from ``tails[e]`` to ``heads[e]``, ``reverse[e]`` is the entry back; those that leave vertex v are
    ``starts[v]`` to ``starts[v + 1]``. Compiled routines take 32-bit indices.
    """

    tails: IntArray
    heads: NDArray[np.int32]
    starts: NDArray[np.int32]
    reverse: IntArray

    @property
    def vertices(self) -> int:
        """How many vertices there are."""
        return len(self.starts) - 1

    def leaving(self, vertex: int) -> slice:
        """Return where the entries that leave a vertex stand."""
        return slice(self.starts[vertex], self.starts[vertex + 1])


def entries_of(tails: IntArray, heads: IntArray, vertices: int) -> tuple[Entries, IntArray]:
    """Return the entries for arcs, and each arc's place [A] among them; parallel arcs share one."""
    keys, place = np.unique(np.concatenate([tails * vertices + heads, heads * vertices + tails]), return_inverse=True)
    tail, head = np.divmod(keys, vertices)
    entries = Entries(
        tails=tail,
        heads=head.astype(np.int32),
        starts=np.searchsorted(tail, np.arange(vertices + 1)).astype(np.int32),
        reverse=np.searchsorted(keys, head * vertices + tail),
    )
    return entries, place[: len(tails)]


@dataclass(frozen=True, eq=False)
class Wiring:
    """The arcs of a network without their capacities: ``tails`` and ``heads`` [A], source and sink.

    Many networks may share one wiring; what follows from it alone is then worked out once. Vertices are numbered from
    0; parallel arcs add up. Raises InputError for loops and for what is no vertex.
    """

    tails: IntArray
    heads: IntArray
    source: int
    sink: int

    def __post_init__(self) -> None:
        for name in ("tails", "heads"):
            given = numbers(f"Wiring.{name}", getattr(self, name))
            if given.ndim != 1 or (given != np.floor(given)).any() or given.min() < 0:
                raise InputError(f"Wiring.{name} must be a list of whole numbers of at least 0")
            object.__setattr__(self, name, given.astype(np.int64))
        if len(self.tails) != len(self.heads):
            raise InputError(f"Wiring has {len(self.tails)} tails for {len(self.heads)} heads")
        if (loops := np.flatnonzero(self.tails == self.heads)).size:
            raise InputError(f"Wiring: arc {loops[0]} leads from vertex {self.tails[loops[0]]} to itself")
        for name in ("source", "sink"):
            if not 0 <= getattr(self, name) < self.vertices:
                raise InputError(f"Wiring.{name} = {getattr(self, name)}: must be a vertex, 0 to {self.vertices - 1}")
        if self.source == self.sink:
            raise InputError(f"Wiring.source and .sink are both {self.source}: they must differ")

    @cached_property
    def vertices(self) -> int:
        """How many vertices there are."""
        return int(max(self.tails.max(), self.heads.max())) + 1

    @cached_property
    def _entered(self) -> tuple[Entries, IntArray]:
        return entries_of(self.tails, self.heads, self.vertices)

    @property
    def entries(self) -> Entries:
        """The pairs of vertices that arcs join, both ways."""
        return self._entered[0]

    def on_entries(self, capacities: FloatArray) -> FloatArray:
        """Return capacities of arcs [A] as those of entries; an entry that no arc follows has none."""
        return summed_at(self._entered[1], capacities, len(self.entries.tails))


@dataclass(frozen=True, eq=False)
class CutNetwork(Form):
    """min over vertex sets with the source and without the sink: constant + Σ capacity of the arcs that leave the set.

    ``capacities`` [A] are at least 0, inf for an arc that must not be cut. A value is the set as a mask [vertices].
    """

    name: ClassVar[str] = "CutNetwork"
    says: ClassVar[str] = "network with source and sink, cut in two as cheaply as possible"

    wiring: Wiring
    capacities: FloatArray
    constant: float = 0.0

    def __post_init__(self) -> None:
        given = numbers("CutNetwork.capacities", self.capacities)
        if given.shape != self.wiring.tails.shape:
            raise InputError(f"CutNetwork has {given.size} capacities for {self.wiring.tails.size} arcs")
        require("CutNetwork.capacities", given, given >= 0, "must be at least 0")
        if not np.isfinite(self.constant):
            raise InputError(f"CutNetwork.constant = {self.constant!r}: must be finite")
        object.__setattr__(self, "capacities", given)

    def judge(self, value: Any) -> float:
        """Return what a cut costs; inf where it is none, or leads through an arc that must not be cut."""
        side = np.asarray(value)
        wiring = self.wiring
        if side.shape != (wiring.vertices,) or not side[wiring.source] or side[wiring.sink]:
            return float("inf")
        return self.constant + float(self.capacities[side[wiring.tails] & ~side[wiring.heads]].sum())

    def as_start(self, value: Any) -> Any:
        return array("value", value, (self.wiring.vertices,), "b")
