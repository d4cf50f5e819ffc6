"""Rival: bisection on the deadline with plain greedy marginal allocation, the classical exact method.

At a fixed deadline P_k(n) is convex and decreasing in n, so handing out subchannels one by one, each to the client
whose power it lowers most, minimises Σ P_k (Gross, 1956; Fox, 1966). The deadline can be met exactly when that minimum,
from the fewest subchannels that keep every cap, is within the total. Bisection on the deadline does the rest. One heap
operation for each subchannel, in plain Python: what a careful user writes first.
"""

from __future__ import annotations

from heapq import heapify, heapreplace
from math import expm1
from time import perf_counter

import numpy as np

from benchmarks.link import FlatLink
from rasolve.forms import BoundKind, OfdmaLink, Solution, Termination
from rasolve.numerics import IntArray
from rasolve.solvers.limits import DEFAULT_GAP


def bisection(form: OfdmaLink, gap: float = DEFAULT_GAP) -> Solution:
    """Return the optimum of the link within a relative gap; the bound is the last deadline that cannot be met."""
    began = perf_counter()
    link = FlatLink(form)
    counts = link.equal_counts()
    objective, spectrum = link.attained(counts)
    bound, iterations = form.lower_bound(), 0
    while objective - bound > gap * objective:
        iterations += 1
        middle = 0.5 * (objective + bound)
        found = greedy_counts(link, middle)
        if found is None:
            bound = middle
        else:
            counts = found
            objective, spectrum = link.attained(counts)
    return Solution(
        value=spectrum,
        objective=objective,
        bound=bound,
        bound_kind=BoundKind.PROVED,
        termination=Termination.OPTIMAL,
        solver="bisection + greedy",
        iterations=iterations,
        seconds=perf_counter() - began,
    )


def greedy_counts(link: FlatLink, deadline: float) -> IntArray | None:
    """Return counts that meet the deadline with all subchannels given out, or None when none do."""
    least = fewest(link, deadline)
    spare = link.form.subchannels - sum(least)
    if spare < 0:
        return None
    noise_w = link.noise_w.tolist()
    nats = (link.load / (deadline - link.form.offset_s)).tolist()

    def saving(client: int, count: int) -> float:
        w, d = noise_w[client], nats[client]
        return w * (count * expm1(d / count) - (count + 1) * expm1(d / (count + 1)))

    waiting = [(-saving(client, count), client) for client, count in enumerate(least)]
    heapify(waiting)
    for _ in range(spare):
        client = waiting[0][1]
        least[client] += 1
        heapreplace(waiting, (-saving(client, least[client]), client))
    counts = np.array(least)
    return counts if link.power(counts, deadline).sum() <= link.form.total_power_w else None


def fewest(link: FlatLink, deadline: float) -> list[int]:
    """Return the fewest subchannels with which each client keeps its cap, M + 1 where none do, by bisection on n."""
    most = link.form.subchannels
    low, high = np.zeros(link.form.clients, dtype=np.int64), np.full(link.form.clients, most + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        enough = link.power(middle, deadline) <= link.cap_w
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high.tolist()
