"""Newton's method on deadline and price, for a whole batch at once, and where it starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray
from rasolve.solvers.fdma.demand import Demand, demand, followed
from rasolve.solvers.fdma.links import Links, Prices
from rasolve.solvers.fdma.records import across, some, total

FARTHEST = 12.0
"""Largest change of ln λ in one step."""

BELOW = 1 - 1e-6
"""Share of its cap below which a client's power in a start counts as its own choice."""


def started(links: Links, low: FloatArray) -> Prices:
    """Return where to start, from a bound on the deadline: uniform density over the band, as if there were no caps."""
    x = np.log1p(links.snr)
    share = links.load / x
    deadline = np.maximum(low, (share - links.head).max(axis=-1))
    for _ in range(2):
        time = across(deadline) + links.head
        width = share / time
        need, slope = total(width), total(width / time)
        deadline = np.maximum(deadline, deadline + (need - 1) * need / slope)
    return agreed(links, deadline, x, np.ones(x.shape, dtype=np.bool_))


def started_from(links: Links, bandwidth: FloatArray, power: FloatArray) -> Prices:
    """Return where a plan stands: its deadline, and the price on which its clients below their caps agree best."""
    below = power < links.cap * BELOW
    x = np.log1p(power * links.snr / bandwidth)
    return agreed(links, links.attained(bandwidth, power), x, below | ~below.any(axis=-1, keepdims=True))


def agreed(links: Links, deadline: FloatArray, x: FloatArray, voting: NDArray[np.bool_]) -> Prices:
    """Return the price at which, to first order, ΣP/ΣW is what it is at these efficiencies, and the efficiencies then.

    That is the mean of the ``voting`` clients' own prices, in logarithms, by what their bandwidth and power would
    change together. Where power is free any price will do.
    """
    at = Prices(deadline, 0.0 * deadline, x)
    d = demand(links, at)
    weight = voting * d.bandwidth * d.by_price / d.by_power
    log_price = -total(weight * d.dearer) / total(weight)
    return Prices(deadline, log_price, followed(links, at, d, deadline, log_price))


class Ahead(NamedTuple):
    """The step of Newton's method [...]: how much ``later`` the deadline, relatively, and how much ``dearer`` ln λ."""

    later: FloatArray
    dearer: FloatArray


def ahead(at: Prices, d: Demand) -> Ahead:
    """Return the step of Newton's method on Σ W = 1 and Σ P = 1.

    The reciprocal of ΣW is nearly linear in the deadline. A lack of power is made up in λ, in which ΣP is concave, an
    excess in ln λ: both err on the side from which the next step is safe.
    """
    louder = d.power / d.relief  # what a growth of efficiency adds to the power
    width = _corrected(total(d.bandwidth), -total(d.bandwidth * d.drift))
    power = _corrected(total(d.power), total(louder * d.drift))
    narrower, quieter = d.bandwidth / d.time, d.power / d.time
    response, width_by_time = d.by_price, -at.deadline * total(narrower)
    power_by_time = -at.deadline * total(quieter)
    if some(d.capped > 0):
        response = response - response * d.capped
        width_by_time = width_by_time - at.deadline * total(narrower * d.relief * d.capped)
        power_by_time = power_by_time + at.deadline * total(quieter * d.capped)
    width_by_price, power_by_price = -total(d.bandwidth * response), total(louder * response)
    idle = power_by_price == 0  # no client answers to the price: it is left to the caps, or free
    wide = width * (width - 1.0)
    loud = np.where(power < 1, power - 1.0, power * np.log(power))
    determinant = width_by_time * (power_by_price + idle) - width_by_price * power_by_time
    later = (width_by_price * loud - wide * (power_by_price + idle)) / determinant
    dearer = (power_by_time * wide - width_by_time * loud) / determinant
    change = np.minimum(dearer, np.log1p(np.maximum(dearer, 0.0)))
    past = power > 1
    if some(past):
        past &= idle | ((d.capped > 0) & (d.dearer < -across(change))).any(axis=-1)
        if some(past):
            change = np.where(past, _to_let_go(d, louder, power), change)
    return Ahead(later, np.minimum(np.maximum(change, -FARTHEST), FARTHEST))


def improved(links: Links, at: Prices, d: Demand, step: Ahead, low: FloatArray, high: FloatArray) -> Prices:
    """Return the prices after a step, the deadline kept within [low, high]; efficiencies follow by Halley's method."""
    log_price = at.log_price + step.dearer
    deadline = at.deadline * (1.0 + np.minimum(np.maximum(step.later, -0.5), 20.0))
    deadline = np.minimum(np.maximum(deadline, low), high)
    return Prices(deadline, log_price, followed(links, at, d, deadline, log_price))


def _corrected(summed: FloatArray, change: FloatArray) -> FloatArray:
    """Return a sum with what the clients' own equations still change in it; a tenth of it remains."""
    return np.maximum(summed + change, 0.1 * summed)


def _to_let_go(d: Demand, louder: FloatArray, power: FloatArray) -> FloatArray:
    """Return the change of ln λ [...] that frees an excess of power, when it passes prices at which caps cease to bind.

    To first order a capped client responds to what lies below its own price only: a concave, piecewise linear function,
    whose root Newton's method meets from below in a few steps.
    """
    excess = power * np.log(power)
    response = louder * d.by_price
    late = np.where(d.capped > 0, np.maximum(d.dearer, 0.0), 0.0)
    change = -(excess + total(response * late)) / total(response)
    for _ in range(4):
        moved = np.minimum(across(change) + late, 0.0)
        slope = total(response * (moved < 0))
        change = change - (excess + total(response * moved)) / slope
    return change
