"""Descent from deadline to deadline on many flat links at once: the mathematics of `counts`.

With interchangeable subchannels only the counts n_k matter. The counts of least total power for a deadline either need
more than there is (then no counts at all meet it, and it is a bound), or they meet it, and the deadline that they
attain with the whole power is the next incumbent (Dinkelbach's idea joined with bisection; ours; exact).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.links.flat_links import FlatLinks

STEP_BELOW = 1e-12
"""Relative step below an attained deadline at which the next one is looked for: the tolerance of the proof."""

PATIENCE = 5
"""Incumbents, each found just below the last, before looks go further below."""

AT_ONCE = 8192
"""Clients that are worked on together: arrays of so many numbers stay in a processor's nearest caches."""


@dataclass(frozen=True, eq=False)
class Descent:
    """Where N instances stand.

    Counts and densities [N, K] of the incumbents; by instance [N] the deadline that the counts meet, the objective that
    the densities attain (both inf before the first incumbent), the bound and the logarithm of the least power that it
    needs over the total (inf where not even caps can be kept, or unknown), how many incumbents there have been, and
    whether nothing earlier exists.
    """

    counts: IntArray
    psd_w_per_hz: FloatArray
    deadline: FloatArray
    objective: FloatArray
    bound: FloatArray
    lack: FloatArray
    incumbents: IntArray
    closed: NDArray[np.bool_]

    def copy(self) -> Descent:
        """Return a copy to be changed in place."""
        return Descent(*(array.copy() for array in vars(self).values()))


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
        lack=np.full(len(bound), np.inf),
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
    decide, those deadlines could fall by one subchannel at a time; so later steps look further below first.
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
        counts, lack = links.rows(limited).meeting(cutoff[limited], descent.counts[rows[limited]])
        descent.counts[rows[limited]], found[limited] = counts, lack <= 0
        missed = (~found).nonzero()[0]
        descent.bound[rows[missed]] = np.maximum(descent.bound[rows[missed]], cutoff[missed])
        descent.closed[rows[missed]] = True
    if (kept := found.nonzero()[0]).size:
        _attain(links.rows(kept), descent, rows[kept], descent.counts[rows[kept]])


def _lower(links: FlatLinks, descent: Descent, rows: IntArray) -> None:
    below = descent.deadline[rows] * (1 - STEP_BELOW)
    patient = (descent.incumbents[rows] < PATIENCE).nonzero()[0]
    looked = below
    if len(patient) < len(rows):
        further = _further(links, descent, rows)
        further[patient] = below[patient]
        looked = np.where((descent.bound[rows] < further) & (further < below), further, below)
    met = _look(links, descent, rows, looked)
    again = (~met & (looked < below)).nonzero()[0]
    if again.size:
        met[again] = _look(links.rows(again), descent, rows[again], below[again])
    descent.closed[rows[~met]] = True


def _further(links: FlatLinks, descent: Descent, rows: IntArray) -> FloatArray:
    """Return where to look between bound and incumbent, for the deadline whose least power is the total.

    The logarithm of the least power is roughly convex in the deadline: the tangent at the incumbent meets the total
    before that deadline, the chord to the bound after it. Before the bound's least power is known, the tangent counts
    where it leads less than halfway.
    """
    deadline, bound, lack = descent.deadline[rows], descent.bound[rows], descent.lack[rows]
    total, slope = links.total_power(descent.counts[rows], deadline)
    spare = np.log(links.total_power_w / total)
    tangent = np.maximum(deadline - spare * total / slope, 0.5 * (deadline + bound))
    return np.where(lack < np.inf, bound + (deadline - bound) * lack / (lack + spare), tangent)


def _look(links: FlatLinks, descent: Descent, rows: IntArray, deadline: FloatArray) -> NDArray[np.bool_]:
    """Look for counts that meet the deadlines; return where there are any. Where there are none, each is a bound."""
    counts, lack = links.meeting(deadline, descent.counts[rows])
    above = deadline > descent.bound[rows]
    met = (lack <= 0) & above
    found, missed = met.nonzero()[0], (~met & above).nonzero()[0]
    if missed.size:
        out = rows[missed]
        descent.bound[out], descent.lack[out] = np.minimum(deadline[missed], descent.objective[out]), lack[missed]
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
