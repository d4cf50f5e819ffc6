"""What clients take at given prices, and the efficiencies that prices and caps ask of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rasolve.numerics import FloatArray, marginal_efficiency
from rasolve.solvers.fdma.links import Links, Prices
from rasolve.solvers.fdma.records import across, put, rows, some

ROUGH, SETTLING = 0.1, 8
"""Relative change up to which an efficiency is near enough for a Newton step, and most attempts to bring it there."""

STRIDE = 3.0
"""Largest change of ln λ that one step of Halley's method follows."""

SHRINK = -0.999
"""Largest relative fall of an efficiency in one step."""


class Demand(NamedTuple):
    """What the clients take at their efficiencies and deadline, and how that changes; all [..., K].

    ``time`` t_k, ``rate`` ν_k, ``a`` and ``b`` the gradient of the rate, ``bandwidth`` and ``power``. ``by_width`` and
    ``by_power`` are the elasticities of the rate, a/x and (1 - e^-x)/x: they add up to 1. An efficiency that grows by
    the share m lowers bandwidth by m and raises power by m/``relief``, which is by_power/by_width; it grows by
    ``by_price`` = a/x² for one of ln λ. ``dearer`` is ln λ minus ln of the client's own price, ``room`` is ln(cap/P),
    ``drift`` the share by which the efficiency should grow, to first order. A client is ``capped`` (1, else 0) where
    its cap asks for less of it than the price.
    """

    time: FloatArray
    rate: FloatArray
    a: FloatArray
    b: FloatArray
    bandwidth: FloatArray
    power: FloatArray
    by_width: FloatArray
    by_power: FloatArray
    relief: FloatArray
    by_price: FloatArray
    dearer: FloatArray
    room: FloatArray
    capped: FloatArray
    drift: FloatArray


def demand(links: Links, at: Prices) -> Demand:
    """Return what the clients take."""
    x = at.efficiency
    time = across(at.deadline) + links.head
    rate = links.load / time
    lower = -x
    lost = -np.expm1(lower)
    a, b = marginal_efficiency(x), links.snr * np.exp(lower)
    bandwidth = rate / x
    power = bandwidth * lost / b
    by_width, by_power = a / x, lost / x
    relief, by_price = by_power / by_width, by_width / x
    dearer = across(at.log_price) - np.log(a / b)
    room = np.log(links.cap / power)
    to_price, to_cap = by_price * dearer + links.waived, room * relief
    capped, drift = (to_cap <= to_price).astype(np.float64), np.minimum(to_price, to_cap)
    return Demand(time, rate, a, b, bandwidth, power, by_width, by_power, relief, by_price, dearer, room, capped, drift)


def followed(links: Links, at: Prices, d: Demand, deadline: FloatArray, log_price: FloatArray) -> FloatArray:
    """Return the efficiencies [..., K] at another deadline and price, by one step from where the demand is known.

    The price asks for one efficiency (Halley's method), the cap for another (Newton's); the lower one is it. None is so
    low that a client would take more than the band.
    """
    change = np.minimum(np.maximum(d.dearer + across(log_price - at.log_price), -STRIDE), STRIDE)
    to_price = d.by_price * change / (1.0 - (d.by_power - d.by_price) * (0.5 * change)) + links.waived
    time = across(deadline) + links.head
    to_cap = (d.room + np.log(time / d.time)) * d.relief
    grown = np.maximum(np.minimum(to_price, to_cap), SHRINK) + 1.0
    return np.asarray(np.maximum(at.efficiency * grown, links.load / time))


def settled(links: Links, at: Prices) -> tuple[Prices, Demand]:
    """Return prices whose efficiencies are near what deadline, price and caps ask for, and the demand there."""
    d = demand(links, at)
    for _ in range(SETTLING):
        far = np.abs(d.drift) > ROUGH
        if not some(far):
            break
        rough = far.any(axis=-1)
        if rough.all():
            at = at._replace(efficiency=followed(links, at, d, at.deadline, at.log_price))
            d = demand(links, at)
        else:
            part, there = rows(links, rough), rows(at, rough)
            x = at.efficiency.copy()
            x[rough] = followed(part, there, rows(d, rough), there.deadline, there.log_price)
            at = at._replace(efficiency=x)
            put(d, rough, demand(part, rows(at, rough)))
    return at, d
