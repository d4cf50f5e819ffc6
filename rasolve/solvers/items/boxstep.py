"""The dual of several budgets: cutting planes, raised within a box around the best prices (Marsten 1975, textbook)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms import Separable
from rasolve.forms.separable import Priced
from rasolve.numerics import FloatArray

SIZE, LARGEST = 0.5, 1e6
"""Half-width of the box, relative to the scale of the prices, at first and at most."""

CLOSE = 1e-9
"""Rise that the planes promise, relative to the dual value, below which the search ends."""

GOOD = 0.3
"""Share of the promised rise that a step must bring for the box to grow; it shrinks where nothing is gained."""


@dataclass(frozen=True, eq=False)
class Planes:
    """Responses, each of which lies above the dual like a plane; the best prices [B], their value, and the box.

    ``scale`` [B] is what the box is measured in. ``done`` says that the planes promise nothing more.
    """

    responses: tuple[Priced, ...]
    prices: FloatArray
    value: float
    scale: FloatArray
    size: float = SIZE
    done: bool = False


def first_planes(form: Separable, responses: tuple[Priced, ...], prices: FloatArray) -> Planes:
    """Return planes from responses that are known already, around prices [B]."""
    start = form.priced(1.0, prices)
    known = tuple(response for response in responses if response.weight > 0)
    scale = np.maximum(prices, max(abs(start.penalty), np.finfo(float).tiny) / (form.budgets * form.scale))
    return Planes((*known, start), prices, start.value, scale)


def one_more(form: Separable, planes: Planes) -> Planes:
    """Return the planes after one more response, at the prices where they are highest within the box."""
    from scipy.optimize import linprog

    slopes = np.array([(r.cost - form.allowed) * planes.scale for r in planes.responses])
    heights = np.array([r.penalty for r in planes.responses]) - planes.value
    centre = planes.prices / planes.scale
    unit = max(abs(planes.value), np.finfo(float).tiny)
    program = linprog(
        np.append(np.zeros(form.budgets), -1.0),
        A_ub=np.column_stack([-slopes / unit, np.ones(len(slopes))]),
        b_ub=heights / unit,
        bounds=[
            *((max(0.0, c - planes.size), c + planes.size) for c in centre.tolist()),
            (None, None),
        ],
        method="highs",
    )
    if program.status != 0:
        return replace(planes, done=True)
    promised = float(program.x[-1])
    if promised <= CLOSE:
        return replace(planes, done=True)
    prices = np.maximum(program.x[:-1], 0.0) * planes.scale
    found = form.priced(1.0, prices)
    responses = (*planes.responses, found)
    gained = (found.value - planes.value) / unit
    if gained <= 0:
        return replace(planes, responses=responses, size=planes.size / 2)
    size = min(2 * planes.size, LARGEST) if gained >= GOOD * promised else planes.size
    return Planes(responses, prices, found.value, planes.scale, size)
