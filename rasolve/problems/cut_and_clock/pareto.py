"""The Pareto front of delay and server energy of one decision, exactly (ours).

With cut c the server's energy is E = ξ·C³/(D - a)² at delay D, so E^(-1/2) = (D - a)/√(ξ·C³): in these coordinates
every cut is a segment of a straight line, between its fastest and its slowest clock. The front is the upper envelope of
the segments, whose corners are where two lines cross, without what an earlier point already exceeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.cut_and_clock.costs import curves
from rasolve.problems.drawing import whole

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


@dataclass(frozen=True, eq=False)
class Front:
    """P pieces of a front in the order of delay: the cut of each, the delays [s] from and to which it is best, arrays
    [P].

    On a piece E = ``steepness``/(D - ``offset_s``)² [J] with clock ``cycles``/(D - ``offset_s``) [Hz]; where nothing is
    left for the server the steepness is 0 and the piece a point. Between pieces nothing is gained by waiting.
    """

    cut: IntArray
    from_s: FloatArray
    to_s: FloatArray
    offset_s: FloatArray
    steepness: FloatArray
    cycles: FloatArray

    def energy_j(self, piece: int, delay_s: FloatArray) -> FloatArray:
        """Return the least energy at delays of a piece."""
        if self.steepness[piece] == 0:
            return np.zeros_like(delay_s)
        return np.asarray(self.steepness[piece] / (delay_s - self.offset_s[piece]) ** 2)

    def points(self, per_piece: int = 50) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return delays, energies and cuts of points along the front, so many on every piece that is none itself."""
        delays, energies, cuts = [], [], []
        for piece, (start, stop) in enumerate(zip(self.from_s.tolist(), self.to_s.tolist(), strict=True)):
            delay = np.linspace(start, stop, per_piece) if stop > start else np.array([start])
            delays.append(delay)
            energies.append(self.energy_j(piece, delay))
            cuts.append(np.full(len(delay), self.cut[piece]))
        return np.concatenate(delays), np.concatenate(energies), np.concatenate(cuts)


def front(problem: CutAndClock, round_: int, device: int) -> Front:
    """Return the front of one round and device, counted from 0, over the candidate cuts."""
    place = whole("round", round_, 0, problem.rounds - 1) * problem.devices
    place += whole("device", device, 0, problem.devices - 1)
    at = curves(problem, slice(place, place + 1))
    cuts = problem.candidates
    offset, cycles = at.delay_s[0, cuts], at.cycles[cuts]
    root = np.sqrt(at.xi * cycles**3)
    fast, slow = offset + cycles / at.most_hz, offset + cycles / at.least_hz[0]
    free = root == 0
    end = float(fast[free].min()) if free.any() else np.inf
    pieces = _envelope(offset, root, fast, slow, np.flatnonzero(~free), end)
    if free.any():
        pieces.append((int(np.flatnonzero(free)[fast[free].argmin()]), end, end))
    which = np.array([piece for piece, _, _ in pieces])
    return Front(
        cut=cuts[which],
        from_s=np.array([start for _, start, _ in pieces]),
        to_s=np.array([stop for _, _, stop in pieces]),
        offset_s=offset[which],
        steepness=root[which] ** 2,
        cycles=cycles[which],
    )


def _envelope(
    offset: FloatArray, root: FloatArray, fast: FloatArray, slow: FloatArray, lines: IntArray, end: float
) -> list[tuple[int, float, float]]:
    """Return the pieces (line, from, to) of the rising upper envelope of (D - offset)/root on [fast, slow] to `end`."""
    one, two = np.triu_indices(len(lines), 1)
    one, two = lines[one], lines[two]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = (offset[one] * root[two] - offset[two] * root[one]) / (root[two] - root[one])
    ends = np.concatenate([fast[lines], slow[lines], crossing])
    ends = np.unique(np.append(ends[np.isfinite(ends) & (ends < end)], end if np.isfinite(end) else []))
    pieces: list[tuple[int, float, float]] = []
    reached = 0.0
    for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        middle = 0.5 * (start + stop)
        alive = lines[(fast[lines] <= middle) & (middle <= slow[lines])]
        if not len(alive):
            continue
        line = int(alive[((middle - offset[alive]) / root[alive]).argmax()])
        begin = max(start, offset[line] + reached * root[line])
        if begin >= stop:
            continue
        reached = (stop - offset[line]) / root[line]
        if pieces and pieces[-1][0] == line and pieces[-1][2] == begin:
            begin = pieces.pop()[1]
        pieces.append((line, begin, stop))
    return pieces
