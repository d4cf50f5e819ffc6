"""Compiled maximum flow on whole numbers: the engines that `min_cut` can run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rasolve.errors import SolverUnavailable
from rasolve.forms.network import Entries
from rasolve.numerics import IntArray


@dataclass(frozen=True)
class Engine:
    """A maximum flow for whole capacities on entries, none above ``limit``.

    ``flow(entries, capacities, source, sink)`` returns the flow on every entry, the negative of that on its reverse.
    """

    limit: int
    flow: Callable[[Entries, IntArray, int, int], IntArray]


def scipy_flow(entries: Entries, capacities: IntArray, source: int, sink: int) -> IntArray:
    """Return a maximum flow by scipy's Dinic algorithm, which computes in 32 bits."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    n = entries.vertices
    graph = csr_array((capacities.astype(np.int32), entries.heads, entries.starts), shape=(n, n))
    return np.asarray(maximum_flow(graph, source, sink).flow.data)


def ortools_flow(entries: Entries, capacities: IntArray, source: int, sink: int) -> IntArray:
    """Return a maximum flow by OR-tools' push-relabel algorithm, which computes in 64 bits.

    Raises SolverUnavailable without OR-tools.
    """
    try:
        from ortools.graph.python.max_flow import SimpleMaxFlow
    except ModuleNotFoundError:
        raise SolverUnavailable('engine "ortools" needs ortools: install rasolve[ortools]') from None
    solver = SimpleMaxFlow()
    used = np.flatnonzero(capacities)
    arcs = solver.add_arcs_with_capacity(
        entries.tails[used].astype(np.int32), entries.heads[used], capacities[used].astype(np.int64)
    )
    if solver.solve(source, sink) != solver.OPTIMAL:
        raise SolverUnavailable("OR-tools found no maximum flow")
    one_way = np.zeros(len(capacities), dtype=np.int64)
    one_way[used] = solver.flows(arcs)
    return one_way - one_way[entries.reverse]


ENGINES = {
    "scipy": Engine(2**30 - 1, scipy_flow),
    "ortools": Engine(2**61, ortools_flow),
}
"""By name. A residual capacity may be the sum of both ways', so a limit is half the largest number of the engine."""
