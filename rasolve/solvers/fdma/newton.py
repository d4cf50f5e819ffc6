"""Newton's method on deadline and price, for a whole batch at once, and where it starts."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, marginal_efficiency
from rasolve.solvers.fdma.demand import Demand, followed
from rasolve.solvers.fdma.links import Links, Prices

FARTHEST = 12.0
"""Largest change of ln λ in one step."""

BELOW = 1 - 1e-6
"""Share of its cap below which a client's power in a start counts as its own choice."""


def started(links: Links) -> Prices:
    """Return where to start: at uniform density over the band, as if there were no caps."""
    x = np.log1p(links.snr)
    share = links.load / x
    deadline = np.maximum(links.alone(), (share - links.head).max(axis=-1))
    for _ in range(2):
        time = deadline[:, None] + links.head
        width = share / time
        need = width.sum(axis=-1)
        slope = (width / time).sum(axis=-1)
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
    mean = np.log((weight * own).sum(axis=-1) / weight.sum(axis=-1))
    return Prices(deadline, np.where(links.paid > 0, mean, 0.0), x)


def improved(links: Links, at: Prices, d: Demand, low: FloatArray, high: FloatArray) -> Prices:
    """Return the prices after one step on Σ W = 1 and Σ P = 1, the deadline kept within [low, high].

    The reciprocal of ΣW is nearly linear in the deadline. A lack of power is made up in λ, in which ΣP is concave, an
    excess in ln λ: both err on the side from which the next step is safe. Efficiencies follow by Halley's method.
    """
    x, free = at.efficiency, ~d.capped
    width = _corrected(d.bandwidth.sum(axis=-1), -(d.bandwidth * d.drift / x).sum(axis=-1))
    power = _corrected(d.power.sum(axis=-1), (d.power * d.drift / d.by_cap).sum(axis=-1))
    sooner = at.deadline[:, None] / d.time
    narrow = d.bandwidth * sooner
    width_by_time = -(narrow + narrow * d.capped * (d.by_cap / x)).sum(axis=-1)
    width_by_price = -(d.bandwidth * free * (d.by_price / x)).sum(axis=-1)
    power_by_time = -(d.power * free * sooner).sum(axis=-1)
    power_by_price = (d.power * free * (d.by_price / d.by_cap)).sum(axis=-1)
    wide = width * (width - 1.0)
    loud = np.where(power < 1, power - 1.0, power * np.log(power))
    determinant = width_by_time * power_by_price - width_by_price * power_by_time
    later = (width_by_price * loud - wide * power_by_price) / determinant
    dearer = (power_by_time * wide - width_by_time * loud) / determinant
    known = np.isfinite(later + dearer) & (links.paid > 0)
    later = np.where(known, later, -wide / width_by_time)
    dearer = np.where(known, dearer, 0.0)
    change = np.where(dearer > 0, np.log1p(dearer), dearer)
    past = (links.paid > 0) & (power > 1) & (~known | (d.capped & (d.dearer < -change[:, None])).any(axis=-1))
    if past.any():
        change = np.where(past, _to_let_go(d, power), change)
    log_price = at.log_price + np.minimum(np.maximum(change, -FARTHEST), FARTHEST)
    deadline = at.deadline * np.where(later > -0.5, 1 + np.minimum(later, 20.0), 0.5)
    deadline = np.minimum(np.maximum(deadline, low), high)
    return Prices(deadline, log_price, followed(links, at, d, deadline, log_price))


def _corrected(total: FloatArray, change: FloatArray) -> FloatArray:
    """Return a sum with what the clients' own equations still change in it, unless that is nearly all of it."""
    corrected = total + change
    return np.where(corrected > 0.1 * total, corrected, total)


def _to_let_go(d: Demand, power: FloatArray) -> FloatArray:
    """Return the change of ln λ [B] that frees an excess of power, when it passes prices at which caps cease to bind.

    To first order a capped client responds to what lies below its own price only: a concave, piecewise linear function,
    whose root Newton's method meets from below in a few steps.
    """
    excess = power * np.log(power)
    response = d.power * (d.by_price / d.by_cap)
    late = np.where(d.capped, np.maximum(d.dearer, 0.0), 0.0)
    change = -(excess + (response * late).sum(axis=-1)) / response.sum(axis=-1)
    for _ in range(4):
        moved = np.minimum(change[:, None] + late, 0.0)
        slope = (response * (moved < 0)).sum(axis=-1)
        change = change - (excess + (response * moved).sum(axis=-1)) / slope
    return np.asarray(change)
