"""`min_cut`: the cheapest cut of a network by compiled maximum flow, proved vertex by vertex."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import named
from rasolve.forms import CutNetwork
from rasolve.forms.network import Entries, Side, entries_of
from rasolve.numerics import FloatArray, IntArray, summed_at
from rasolve.solvers.base import Solver, State
from rasolve.solvers.cuts.max_flow import ENGINES
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Residual:
    """What a flow has left of a network: entries, their residual capacities, source and sink.

    ``part`` says which vertex each one of the whole network has been merged into.
    """

    entries: Entries
    capacity: FloatArray
    source: int
    sink: int
    part: IntArray


@dataclass(frozen=True, eq=False)
class MinCutState(State):
    """The flow's value, what it has left of the network, and how many roundings an arc may have seen (none: exact)."""

    flow: float
    residual: Residual
    roundings: int


@register
@dataclass(frozen=True)
class MinCut(Solver[CutNetwork, MinCutState]):
    """Maximum flow on scaled whole numbers, contraction, and the same again on what is left (ours; exact).

    Let F be the value of a flow and U that of the best cut known. Every cut costs F plus its residual capacity, so the
    cheapest has at most the room U - F of that. Residual capacities may then be cut down to the room, scaled so that
    the room is the engine's largest whole number, and rounded down: the engine's flow is a flow of the network, and
    short of a maximum by no more than what rounding took, or one unit. Arcs with more residual capacity than that
    cross no cheapest cut. So whatever the source reaches through them lies on its side, and what reaches the sink
    through them on the other. Usually that decides all vertices: the cut is proved, with no gap at all. Where it does
    not, the decided ones are merged and the next round begins, with a room smaller by about 2^30 over the number of
    arcs.

    ``engine``: "scipy" (32 bits) or "ortools" (64 bits, where installed). Whole capacities that add up to less than
    2^53 are solved exactly, others to within the rounding of adding up the arcs of one cut.
    """

    name = "min_cut"
    form = CutNetwork
    purpose = "exact: compiled maximum flow and contraction until every vertex is decided"
    exact = True
    engine: str = "scipy"

    def init(self, form: CutNetwork, limits: Limits) -> MinCutState:
        named("engine of min_cut", self.engine, ENGINES)
        wiring = form.wiring
        capacity = wiring.on_entries(form.capacities)
        whole = Residual(wiring.entries, capacity, wiring.source, wiring.sink, np.arange(wiring.vertices))
        known = [*_ends(form, capacity), *([] if limits.start is None else [limits.start])]
        objective, side = min(((form.judge(side), side) for side in known), key=lambda cut: cut[0])
        if objective == INFINITY:
            side = reached(wiring.entries, np.isinf(capacity), wiring.source)
            if side[wiring.sink]:
                return MinCutState(None, INFINITY, INFINITY, 0.0, whole, 0)
            objective = form.judge(side)
        return MinCutState(side, objective, form.constant, 0.0, whole, roundings=0 if _exact(form) else 1)

    def step(self, form: CutNetwork, state: MinCutState, limits: Limits) -> MinCutState:
        left, engine = state.residual, ENGINES[self.engine]
        room = state.objective - form.constant - state.flow + _rounding(form, state)
        unit = 2.0 ** -np.floor(np.log2(engine.limit / room))
        whole = np.floor(np.minimum(left.capacity, room) / unit)
        sent = engine.flow(left.entries, whole, left.source, left.sink)
        lost = np.where(left.capacity < room, left.capacity - unit * whole, 0.0).sum()
        left = replace(left, capacity=left.capacity - unit * sent)
        flow = state.flow + unit * float(sent[left.entries.leaving(left.source)].sum())
        state = replace(state, flow=flow, roundings=state.roundings + 1 if state.roundings else 0)

        near, far = decided(left, left.capacity > unit + lost + _rounding(form, state))
        all_decided = bool((near | far).all())
        side = near if all_decided else reached(left.entries, whole > sent, left.source)
        state = _improved(form, state, side[left.part])
        if all_decided:
            return replace(state, bound=state.objective, residual=left)
        bound = form.constant + flow - _rounding(form, state)
        return replace(state, bound=max(state.bound, min(bound, state.objective)), residual=merged(left, near, far))

    def done(self, form: CutNetwork, state: MinCutState, limits: Limits) -> bool:
        beyond_proof = state.objective - form.constant - state.flow <= _rounding(form, state)
        return state.bound >= state.objective or beyond_proof


def _ends(form: CutNetwork, capacity: FloatArray) -> tuple[Side, Side]:
    """Return the source with what is tied to it directly, and all but the sink: cuts to begin with, if they are any."""
    wiring, entries = form.wiring, form.wiring.entries
    least, most = np.zeros(wiring.vertices, dtype=bool), np.ones(wiring.vertices, dtype=bool)
    leaving = entries.leaving(wiring.source)
    least[entries.heads[leaving][np.isinf(capacity[leaving])]] = True
    least[wiring.source], most[wiring.sink] = True, False
    return least, most


def _exact(form: CutNetwork) -> bool:
    """Return whether capacities and constant are whole numbers that add up exactly."""
    numbers = np.append(form.capacities[form.capacities < INFINITY], abs(form.constant))
    return bool((numbers == np.floor(numbers)).all()) and float(numbers.sum()) < 1 / EPSILON


def _rounding(form: CutNetwork, state: MinCutState) -> float:
    """Return how far off the residual capacity of a cut can be that costs no more than the best one known."""
    return 8 * EPSILON * state.roundings * (state.objective - form.constant)


def _improved(form: CutNetwork, state: MinCutState, side: Side) -> MinCutState:
    objective = form.judge(side)
    return replace(state, value=side, objective=objective) if objective < state.objective else state


def decided(left: Residual, kept: Side) -> tuple[Side, Side]:
    """Return what lies on the source's side, and what on the sink's, of every cut that crosses none of the kept.

    One search answers both: a vertex with arcs to the source, and to the sink of the network turned round.
    """
    entries, n = left.entries, left.entries.vertices
    ahead, heads = _kept(entries, kept)
    back, tails = _kept(entries, kept[entries.reverse])
    arcs = len(heads) + len(tails)
    starts = np.concatenate([ahead[:-1], back + len(heads), [arcs + 2]], dtype=np.int32)
    found = _found(starts, np.concatenate([heads, tails + n, [left.source, n + left.sink]], dtype=np.int32), 2 * n)
    return found[:n], found[n:-1]


def reached(entries: Entries, kept: Side, start: int) -> Side:
    """Return the vertices that `start` reaches through the kept entries."""
    return _found(*_kept(entries, kept), start)


def _kept(entries: Entries, kept: Side) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where the kept entries of each vertex start among all that are kept, and their heads."""
    before = np.zeros(len(kept) + 1, dtype=np.int32)
    np.cumsum(kept, out=before[1:])
    return before[entries.starts], entries.heads[kept]


def _found(starts: NDArray[np.int32], heads: NDArray[np.int32], start: int) -> Side:
    """Return the vertices that a breadth-first search finds."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    n = len(starts) - 1
    graph = csr_array((np.ones(len(heads)), heads, starts), shape=(n, n))
    found = np.zeros(n, dtype=bool)
    found[breadth_first_order(graph, start, return_predecessors=False)] = True
    return found


def merged(left: Residual, near: Side, far: Side) -> Residual:
    """Return what is left once decided vertices are merged: into the source, vertex 0, and the sink, vertex 1."""
    undecided = ~near & ~far
    number = np.where(near, 0, np.where(far, 1, 1 + np.cumsum(undecided)))
    tails, heads = number[left.entries.tails], number[left.entries.heads]
    across = (tails != heads) & (left.capacity > 0)
    entries, place = entries_of(tails[across], heads[across], 2 + int(undecided.sum()))
    capacity = summed_at(place, left.capacity[across], len(entries.tails))
    return Residual(entries, capacity, 0, 1, number[left.part])
