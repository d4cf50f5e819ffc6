"""Descent from deadline to deadline on many flat links at once: the mathematics of `counts`.

With interchangeable subchannels only the counts n_k matter. The counts of least total power for a deadline either need
more than there is (then no counts at all meet it, and it is a bound), or they meet it, and the deadline that they
attain with the whole power is the next incumbent (Dinkelbach's idea joined with bisection; ours; exact).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.flat_links import FlatLinks

STEP_BELOW = 1e-12
"""Relative step below an attained deadline at which the next one is looked for: the tolerance of the proof."""

PATIENCE = 5
"""Incumbents, each found just below the last, before halving begins."""

AT_ONCE = 8192
"""Clients that are worked on together: arrays of so many numbers stay in a processor's nearest caches."""


@dataclass(frozen=True, eq=False)
class Descent:
    """Where N instances stand.

    Counts and densities [N, K] of the incumbents; by instance [N] the deadline that the counts meet, the objective that
    the densities attain (both inf before the first incumbent), the bound, how many incumbents there have been, and
    whether nothing earlier exists.
    """

    counts: IntArray
    psd_w_per_hz: FloatArray
    deadline: FloatArray
    objective: FloatArray
    bound: FloatArray
    incumbents: IntArray
    closed: NDArray[np.bool_]

    def copy(self) -> Descent:
        """Return a copy to be changed in place."""
        return Descent(*(getattr(self, f.name).copy() for f in fields(self)))


def begun(links: FlatLinks, cutoff: FloatArray, like: IntArray) -> Descent:
    """Return the instances at the counts `like` [N, K] or, where the cutoff [N] is finite, at counts that are below it.

    Where none are, the cutoff is the bound and the instance is closed.
    """
    bound = links.lower_bound()
    descent = Descent(
        counts=np.array(like),
        psd_w_per_hz=np.zeros(like.shape),
        deadline=np.full(len(bound), np.inf),
        objective=np.full(len(bound), np.inf),
        bound=bound,
        incumbents=np.zeros(len(bound), dtype=np.int64),
        closed=(bound >= cutoff) | (bound == np.inf),
    )
    with np.errstate(all="ignore"):
        for rows in _parts(~descent.closed, links):
            _begin(links.rows(rows), descent, rows, cutoff[rows])
    return descent


def lowered(links: FlatLinks, descent: Descent, going: NDArray[np.bool_]) -> Descent:
    """Return the instances with those that are `going` [N] one step further: lower, or with a higher bound.

    The first steps look just below the incumbent, which ends after about four where the total power decides. Where caps
    decide, those deadlines could fall by one subchannel at a time; so later steps look halfway to the bound first, and
    take no more of them than bisection does.
    """
    descent = descent.copy()
    with np.errstate(all="ignore"):
        for rows in _parts(going, links):
            _lower(links.rows(rows), descent, rows)
    return descent


def _parts(chosen: NDArray[np.bool_], links: FlatLinks) -> list[IntArray]:
    """Return the chosen instances in parts that are worked on together."""
    rows, size = chosen.nonzero()[0], max(1, AT_ONCE // links.clients)
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _begin(links: FlatLinks, descent: Descent, rows: IntArray, cutoff: FloatArray) -> None:
    """Give the rows, whose links these are, their first incumbents in place."""
    limited = (cutoff < np.inf).nonzero()[0]
    found = np.ones(len(rows), dtype=bool)
    if limited.size:
        counts, found[limited] = links.rows(limited).meeting(cutoff[limited], descent.counts[rows[limited]])
        descent.counts[rows[limited]] = counts
        missed = (~found).nonzero()[0]
        descent.bound[rows[missed]] = np.maximum(descent.bound[rows[missed]], cutoff[missed])
        descent.closed[rows[missed]] = True
    if (kept := found.nonzero()[0]).size:
        _attain(links.rows(kept), descent, rows[kept], descent.counts[rows[kept]])


def _lower(links: FlatLinks, descent: Descent, rows: IntArray) -> None:
    deadline, bound = descent.deadline[rows], descent.bound[rows]
    below, middle = deadline * (1 - STEP_BELOW), 0.5 * (deadline + bound)
    halving = (descent.incumbents[rows] >= PATIENCE) & (bound < middle) & (middle < below)
    met = _look(links, descent, rows, np.where(halving, middle, below))
    again = (halving & ~met).nonzero()[0]
    if again.size:
        met[again] = _look(links.rows(again), descent, rows[again], below[again])
    descent.closed[rows[~met]] = True


def _look(links: FlatLinks, descent: Descent, rows: IntArray, deadline: FloatArray) -> NDArray[np.bool_]:
    """Look for counts that meet the deadlines; return where there are any. Where there are none, each is a bound."""
    counts, met = links.meeting(deadline, descent.counts[rows])
    met &= deadline > descent.bound[rows]
    found, missed = met.nonzero()[0], (~met).nonzero()[0]
    if missed.size:
        out = rows[missed]
        bound = np.maximum(descent.bound[out], deadline[missed])
        descent.bound[out] = np.minimum(bound, descent.objective[out])
    if found.size:
        _attain(links.rows(found), descent, rows[found], counts[found])
    return met


def _attain(links: FlatLinks, descent: Descent, rows: IntArray, counts: IntArray) -> None:
    """Make the counts incumbents, at the earliest deadlines that they meet, where they are better."""
    deadline = links.earliest(counts)
    psd, objective = links.densities(counts, deadline)
    better = objective < descent.objective[rows]
    descent.closed[rows[~better]] = True
    kept = rows[better]
    descent.counts[kept], descent.psd_w_per_hz[kept] = counts[better], psd[better]
    descent.deadline[kept], descent.objective[kept] = deadline[better], objective[better]
    descent.incumbents[kept] += 1
