"""All cheapest closed sets of a line of costs, from one end to the other, with the exact points where they change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import ClosedSet, Termination
from rasolve.forms.precedence import Mask
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.limits import Limits
from rasolve.solvers.registry import solve_form

EQUAL = 1e-12
"""Relative difference of costs below which a set is no cheaper than another."""


@dataclass(frozen=True, eq=False)
class Line:
    """What one set costs at every weight, intercept + weight·slope, and how well it was proved where it was found."""

    chosen: Mask
    intercept: float
    slope: float
    gap: float

    def at(self, weight: float) -> float:
        """Return the cost at a weight."""
        return self.intercept + weight * self.slope


@dataclass(frozen=True, eq=False)
class Envelope:
    """The lower envelope of all closed sets' lines over weights from 0 to inf.

    Set b of ``sets`` [pieces, vertices] costs ``intercepts[b]`` + weight·``slopes[b]`` and is optimal from
    ``breaks[b - 1]`` to ``breaks[b]``; ``breaks`` [pieces - 1] rise. ``gap`` is the largest relative gap between an
    envelope's cost and the bound proved at the breaks; ``solves`` is how many optima were computed.
    """

    breaks: FloatArray
    sets: Mask
    intercepts: FloatArray
    slopes: FloatArray
    gap: float
    solves: int

    def piece(self, weight: FloatArray) -> IntArray:
        """Return which piece is optimal at weights [...]."""
        return np.asarray(np.searchsorted(self.breaks, weight))

    def cost(self, weight: FloatArray) -> FloatArray:
        """Return the optimal cost at weights [...]."""
        piece = self.piece(weight)
        return np.asarray(self.intercepts[piece] + weight * self.slopes[piece])


def envelope(fixed: ClosedSet, growing: ClosedSet, solver: str = "auto", limits: Limits | None = None) -> Envelope:
    """Return the envelope of costs fixed + weight·growing, two forms on the same precedence, one instance each.

    Two neighbours on the envelope meet at one weight; where the optimum at that weight is no better than they are, no
    set lies between them, otherwise it does, and both halves are searched (Eisner and Severance, 1976). So every break
    is proved by an optimum of its own. A budget must be the same in both. Raises InputError where they do not fit, or
    where an optimum was not proved.
    """
    if fixed.precedence is not growing.precedence or fixed.batch or growing.batch:
        raise InputError("an envelope needs two instances on the same precedence")
    first, last = (_optimum(form, fixed, growing, solver, limits) for form in (fixed, growing))
    pieces, ahead, breaks, solved = [first], [last], [], [first, last]
    while ahead:
        left, right = pieces[-1], ahead[-1]
        if right.slope >= left.slope * (1 - EQUAL):
            ahead.pop()
        elif right.intercept <= left.intercept:
            pieces[-1] = ahead.pop()
        else:
            weight = (right.intercept - left.intercept) / (left.slope - right.slope)
            solved.append(_optimum(_weighted(fixed, growing, weight), fixed, growing, solver, limits))
            if solved[-1].at(weight) < left.at(weight) * (1 - EQUAL):
                ahead.append(solved[-1])
            else:
                breaks.append(weight)
                pieces.append(ahead.pop())
    return Envelope(
        breaks=np.array(breaks),
        sets=np.array([line.chosen for line in pieces]),
        intercepts=np.array([line.intercept for line in pieces]),
        slopes=np.array([line.slope for line in pieces]),
        gap=max(line.gap for line in solved),
        solves=len(solved),
    )


def _weighted(fixed: ClosedSet, growing: ClosedSet, weight: float) -> ClosedSet:
    return replace(
        fixed,
        inside=fixed.inside + weight * growing.inside,
        outside=fixed.outside + weight * growing.outside,
        toll=fixed.toll + weight * growing.toll,
    )


def _optimum(form: ClosedSet, fixed: ClosedSet, growing: ClosedSet, solver: str, limits: Limits | None) -> Line:
    """Return the line of a form's optimal set."""
    solution = solve_form(form, solver, limits)
    if solution.termination is not Termination.OPTIMAL or solution.gap is None:
        raise InputError(f"an envelope needs optima, and {solution.solver} ended {solution.termination.value}")
    chosen = solution.value
    return Line(chosen, float(fixed.objectives(chosen)), float(growing.objectives(chosen)), solution.gap)
