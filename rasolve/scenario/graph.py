"""What is split layer by layer: a model as an acyclic graph of layers, with each layer's work, output and weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rasolve.acyclic import cycle, topological_order
from rasolve.arrays import LARGEST, Array
from rasolve.documents import Document
from rasolve.errors import InputError, named
from rasolve.numerics import FloatArray, IntArray

SHIPPED = Path(__file__).parent / "graphs"
"""Where the shipped profiles lie, one JSON file for each model."""


class GraphProfile(Document):
    """Work and sizes of a model's V layers, the vertices of an acyclic graph, per sample; a traced model's profile.

    ``names`` [V] stand in topological order. ``edges`` [E, 2] lead from parent to child; an edge that is given twice
    counts once. ``forward_flops`` and ``backward_flops`` [V] count 2 per multiply-accumulate; ``output_bits`` [V] is
    the size of a layer's output, ``weight_bits`` [V] that of its parameters, tied ones where they are used first.
    ``inputs`` are the vertices that hold the raw data, exactly those without parents. ``block_of`` [V] numbers the
    repeating blocks, -1 for a vertex of none; ``saved_bytes`` [V] is what a layer keeps for its backward pass.
    ``label_bits`` is the size of one sample's labels, which travel to the last layer's side. ``says`` tells shapes and
    conventions in words. The quantities are published (arXiv 2507.01041), the notation is ours.

    Raises InputError, naming the vertex, for a cycle, an order that is not topological, a vertex without a path from
    an input, and negative or non-finite entries.
    """

    kind: ClassVar[str] = "graph-profile"
    largest: ClassVar[float | None] = LARGEST

    model: str
    says: str = ""
    names: tuple[str, ...]
    edges: Annotated[IntArray, Array(("E", "ends"), at_least=0, integer=True)]
    forward_flops: Annotated[FloatArray, Array(("V",), at_least=0)]
    backward_flops: Annotated[FloatArray, Array(("V",), at_least=0)]
    output_bits: Annotated[FloatArray, Array(("V",), at_least=0)]
    weight_bits: Annotated[FloatArray, Array(("V",), at_least=0)]
    inputs: Annotated[IntArray, Array(("I",), at_least=0, integer=True)] = Field(
        default_factory=lambda: np.zeros(1, dtype=np.int64)
    )
    block_of: Annotated[IntArray, Array(("V",), at_least=-1, integer=True)] | None = None
    saved_bytes: Annotated[FloatArray, Array(("V",), at_least=0)] | None = None
    label_bits: float = Field(default=0.0, ge=0)

    @property
    def vertices(self) -> int:
        """V."""
        return len(self.names)

    def model_post_init(self, context: object) -> None:
        """Reject whatever is no acyclic graph that hangs together, in topological order."""
        if not self.names:
            raise InputError("names is empty: a model has at least its input and one layer")
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise InputError(f"names holds '{twice}' twice")
        for name in ("forward_flops", "backward_flops", "output_bits", "weight_bits"):
            if getattr(self, name).shape != (self.vertices,):
                raise InputError(f"{name} has {len(getattr(self, name))} entries for {self.vertices} names")
        super().model_post_init(context)
        reject_bad_graph(self.edges, self.inputs, self.names)
        backward = np.flatnonzero(self.edges[:, 0] > self.edges[:, 1])
        if backward.size:
            parent, child = (self.names[v] for v in self.edges[backward[0]])
            raise InputError(f"names: '{child}' stands before its parent '{parent}'; a topological order is needed")


def reject_bad_graph(edges: IntArray, inputs: IntArray, names: Sequence[str]) -> None:
    """Raise InputError, naming a vertex, unless edges [E, 2] make an acyclic graph that starts in exactly the inputs.

    In an acyclic graph every walk against the edges ends in a vertex without parents. So every vertex has a path from
    an input exactly when all vertices without parents are inputs.
    """
    if edges.shape[1] != 2:
        raise InputError(f"edges has shape {list(edges.shape)}, needs [E,2]: a parent and a child in each row")
    for name, array in (("edges", edges), ("inputs", inputs)):
        if array.max() >= len(names):
            raise InputError(f"{name} names vertex {array.max()}: must be at most {len(names) - 1}")
    if topological_order(edges, len(names)) is None:
        raise InputError(f"edges make a cycle: {' -> '.join(names[v] for v in cycle(edges, len(names)))}")
    has_parent = np.zeros(len(names), dtype=bool)
    has_parent[edges[:, 1]] = True
    given = np.zeros(len(names), dtype=bool)
    given[inputs] = True
    if (given & has_parent).any():
        raise InputError(
            f"inputs holds vertex '{_first(given & has_parent, names)}', which has parents: raw data has none"
        )
    if (~given & ~has_parent).any():
        raise InputError(f"vertex '{_first(~given & ~has_parent, names)}' has no path from an input")


def _first(which: np.ndarray, names: Sequence[str]) -> str:
    return names[int(np.flatnonzero(which)[0])]


def graphs() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.json")))


@cache
def _shipped(name: str) -> GraphProfile:
    return GraphProfile.load(SHIPPED / f"{name}.json")


def graph_named(name: str) -> GraphProfile:
    """Return a shipped profile; raises InputError with the nearest known names."""
    return _shipped(named("model", name, {known: known for known in graphs()}))
