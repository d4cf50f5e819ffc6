"""Rivals that cut the same network: networkx with each flow function, scipy's flow alone, OR-tools apart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx as nx
import numpy as np
from networkx.algorithms import flow
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from rasolve.forms import ClosedSet, CutNetwork

NETWORKX: dict[str, Callable[..., Any]] = {
    "preflow push": flow.preflow_push,
    "Boykov-Kolmogorov": flow.boykov_kolmogorov,
    "shortest augmenting path": flow.shortest_augmenting_path,
    "Dinitz": flow.dinitz,
    "Edmonds-Karp": flow.edmonds_karp,
}
"""Flow functions of networkx; preflow push is its default."""

RIGHT = 1e-9
"""Relative distance from the optimum within which a returned cut counts as right."""


@dataclass(frozen=True)
class Cut:
    """What a rival returned: the flow's value it states, and what its partition really costs (inf: it is no cut)."""

    value: float
    cost: float

    def verdict(self, optimum: float) -> str:
        """Return what the partition is worth, beside the optimum."""
        if not np.isfinite(self.cost):
            return "invalid"
        above = self.cost / optimum - 1
        return "right" if abs(above) <= RIGHT else f"{100 * above:+.2g} %"


def published_network(form: ClosedSet) -> CutNetwork:
    """Return the network as it is published and verified, for rivals: all of inside and outside are capacities.

    The library's own network leaves out what is paid in any case.
    """
    own, n = form.network(), form.precedence.vertices
    capacities = own.capacities.copy()
    capacities[:n], capacities[n : 2 * n] = form.outside, form.inside
    return CutNetwork(own.wiring, capacities)


def networkx_graph(form: CutNetwork) -> nx.DiGraph:
    """Return the network as networkx wants it: an arc without a capacity may not be cut; parallel arcs are added up."""
    wiring = form.wiring
    capacity: dict[tuple[int, int], float] = {}
    for tail, head, value in zip(wiring.tails.tolist(), wiring.heads.tolist(), form.capacities.tolist(), strict=True):
        capacity[tail, head] = capacity.get((tail, head), 0.0) + value
    graph = nx.DiGraph()
    for (tail, head), value in capacity.items():
        if value > 0:
            graph.add_edge(tail, head, **({} if np.isinf(value) else {"capacity": value}))
    graph.add_nodes_from((wiring.source, wiring.sink))
    return graph


def networkx_cut(form: CutNetwork, graph: nx.DiGraph, flow_function: Callable[..., Any]) -> Cut:
    """Return the minimum cut that networkx finds in the graph."""
    source, sink = form.wiring.source, form.wiring.sink
    value, (near, _) = nx.minimum_cut(graph, source, sink, flow_func=flow_function)
    side = np.zeros(form.wiring.vertices, dtype=bool)
    side[list(near)] = True
    return Cut(form.constant + float(value), form.judge(side))


def scaled_for_scipy(form: CutNetwork) -> tuple[csr_array, float]:
    """Return the network in 32-bit whole numbers and their unit: all finite capacities together stay below the limit.

    What may not be cut gets more than all of them.
    """
    wiring, finite = form.wiring, np.isfinite(form.capacities)
    unit = form.capacities[finite].sum() / (2**30 - 1)
    whole = np.where(finite, np.floor(np.where(finite, form.capacities, 0.0) / unit), 2**30)
    n = wiring.vertices
    graph = csr_array((whole, (wiring.tails, wiring.heads)), shape=(n, n))
    graph.sum_duplicates()
    return csr_array((graph.data.astype(np.int32), graph.indices, graph.indptr), shape=(n, n)), float(unit)


def scipy_flow(form: CutNetwork, graph: csr_array, unit: float) -> float:
    """Return the value of scipy's flow, in seconds: a lower bound, and no cut."""
    return form.constant + unit * float(maximum_flow(graph, form.wiring.source, form.wiring.sink).flow_value)


class OrTools:
    """OR-tools' maximum flow in a process of its own, which times itself: one question, one answer.

    `python` is an interpreter that has numpy and ortools. Where it has not, ``absent`` says so.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self._folder = TemporaryDirectory()
        self._process = subprocess.Popen(
            [python, Path(__file__).with_name("ortools_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.absent = self._answer() != "ready"

    def cut(self, form: CutNetwork) -> tuple[float, Cut]:
        """Return the processor seconds that building, solving and reading off the cut took, and the cut."""
        path = Path(self._folder.name) / "network.npz"
        wiring = form.wiring
        ends = {"source": wiring.source, "sink": wiring.sink}
        np.savez(path, tails=wiring.tails, heads=wiring.heads, capacities=form.capacities, **ends)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        seconds, value = map(float, self._answer().split())
        return seconds, Cut(form.constant + value, form.judge(np.load(path.with_suffix(".side.npy"))))

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        self._folder.cleanup()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
