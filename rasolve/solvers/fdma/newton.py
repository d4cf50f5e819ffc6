"""Newton's method on deadline and price, for a whole batch at once, and where it starts."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, marginal_efficiency
from rasolve.solvers.fdma.demand import Demand, followed
from rasolve.solvers.fdma.links import Links, Prices, total

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
        time = deadline[:, None] + links.head
        width = share / time
        need, slope = total(width), total(width / time)
        deadline = np.maximum(deadline, deadline + (need - 1) * need / slope)
    return priced(links, deadline, x, share / (deadline[:, None] + links.head))


def started_from(links: Links, bandwidth: FloatArray, power: FloatArray) -> Prices:
    """Return where a plan stands: its deadline, its efficiencies and the mean price of those below their caps."""
    below = bandwidth * (power < links.cap * BELOW)
    weight = np.where(below.any(axis=-1, keepdims=True), below, bandwidth)
    return priced(links, links.attained(bandwidth, power), np.log1p(power * links.snr / bandwidth), weight)


def priced(links: Links, deadline: FloatArray, x: FloatArray, weight: FloatArray) -> Prices:
    """Return efficiencies with a weighted mean of the clients' own prices; price 1 where power is free."""
    own = marginal_efficiency(x) / (links.snr * np.exp(-x))
    mean = np.log(total(weight * own) / total(weight))
    return Prices(deadline, np.where(links.paid > 0, mean, 0.0), x)


def improved(links: Links, at: Prices, d: Demand, low: FloatArray, high: FloatArray) -> Prices:
    """Return the prices after one step on Σ W = 1 and Σ P = 1, the deadline kept within [low, high].

    The reciprocal of ΣW is nearly linear in the deadline. A lack of power is made up in λ, in which ΣP is concave, an
    excess in ln λ: both err on the side from which the next step is safe. Efficiencies follow by Halley's method.
    """
    x, free = at.efficiency, ~d.capped
    wider, louder = d.bandwidth / x, d.power / d.by_cap  # what a change of efficiency does to bandwidth and power
    width = _corrected(total(d.bandwidth), -total(wider * d.drift))
    power = _corrected(total(d.power), total(louder * d.drift))
    sooner = at.deadline[:, None] / d.time
    response = free * d.by_price
    width_by_time = -total(sooner * (d.bandwidth + wider * d.capped * d.by_cap))
    width_by_price = -total(wider * response)
    power_by_time = -total(d.power * free * sooner)
    power_by_price = total(louder * response)
    wide = width * (width - 1.0)
    loud = np.where(power < 1, power - 1.0, power * np.log(power))
    determinant = width_by_time * power_by_price - width_by_price * power_by_time
    later = (width_by_price * loud - wide * power_by_price) / determinant
    dearer = (power_by_time * wide - width_by_time * loud) / determinant
    paid = links.paid > 0
    known = np.isfinite(later + dearer) & paid
    later = np.where(known, later, -wide / width_by_time)
    change = np.where(known, np.where(dearer > 0, np.log1p(dearer), dearer), 0.0)
    past = (power > 1) & paid
    if past.any():
        past &= ~known | (d.capped & (d.dearer < -change[:, None])).any(axis=-1)
        if past.any():
            change = np.where(past, _to_let_go(d, power), change)
    log_price = at.log_price + np.minimum(np.maximum(change, -FARTHEST), FARTHEST)
    deadline = at.deadline * np.where(later > -0.5, 1 + np.minimum(later, 20.0), 0.5)
    deadline = np.minimum(np.maximum(deadline, low), high)
    return Prices(deadline, log_price, followed(links, at, d, deadline, log_price))


def _corrected(summed: FloatArray, change: FloatArray) -> FloatArray:
    """Return a sum with what the clients' own equations still change in it, unless that is nearly all of it."""
    corrected = summed + change
    return np.where(corrected > 0.1 * summed, corrected, summed)


def _to_let_go(d: Demand, power: FloatArray) -> FloatArray:
    """Return the change of ln λ [B] that frees an excess of power, when it passes prices at which caps cease to bind.

    To first order a capped client responds to what lies below its own price only: a concave, piecewise linear function,
    whose root Newton's method meets from below in a few steps.
    """
    excess = power * np.log(power)
    response = d.power * (d.by_price / d.by_cap)
    late = np.where(d.capped, np.maximum(d.dearer, 0.0), 0.0)
    change = -(excess + total(response * late)) / total(response)
    for _ in range(4):
        moved = np.minimum(change[:, None] + late, 0.0)
        slope = total(response * (moved < 0))
        change = change - (excess + total(response * moved)) / slope
    return np.asarray(change)
