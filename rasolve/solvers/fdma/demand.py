"""What clients take at given prices, and the efficiencies that prices and caps ask of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, marginal_efficiency
from rasolve.solvers.fdma.links import Links, Prices, Rows

ROUGH, SETTLING = 0.1, 8
"""Relative change up to which an efficiency is near enough for a Newton step, and most attempts to bring it there."""

STRIDE = 3.0
"""Largest change of ln λ that one step of Halley's method follows."""


@dataclass(frozen=True, eq=False)
class Demand(Rows):
    """What the clients take at their efficiencies and deadline, and how that changes; all [B, K].

    ``time`` t_k, ``rate`` ν_k, ``a`` and ``b`` the gradient of the rate, ``bandwidth`` and ``power``; ``dearer`` is
    ln λ minus ln of the client's own price, ``louder`` is ln(P/cap), ``by_price`` is dx/dlnλ and ``by_cap`` dx/dlnP at
    fixed rate. A client is ``capped`` where its cap asks for less efficiency than the price; ``drift`` is what x lacks,
    to first order.
    """

    time: FloatArray
    rate: FloatArray
    a: FloatArray
    b: FloatArray
    bandwidth: FloatArray
    power: FloatArray
    dearer: FloatArray
    louder: FloatArray
    by_price: FloatArray
    by_cap: FloatArray
    capped: NDArray[np.bool_]
    drift: FloatArray


def demand(links: Links, at: Prices) -> Demand:
    """Return what the clients take."""
    x = at.efficiency
    time = at.deadline[:, None] + links.head
    rate = links.load / time
    a, b = marginal_efficiency(x), links.snr * np.exp(-x)
    lost = -np.expm1(-x)
    bandwidth = rate / x
    power = bandwidth * lost / b
    dearer = at.log_price[:, None] - np.log(a / b)
    louder = np.log(power / links.cap)
    by_price = a / x
    by_cap = lost / by_price
    to_price, to_cap = by_price * dearer, -by_cap * louder
    capped = (to_price >= to_cap) | (links.paid == 0)[:, None]
    drift = np.where(capped, to_cap, to_price)
    return Demand(time, rate, a, b, bandwidth, power, dearer, louder, by_price, by_cap, capped, drift)


def followed(links: Links, at: Prices, d: Demand, deadline: FloatArray, log_price: FloatArray) -> FloatArray:
    """Return the efficiencies [B, K] at another deadline and price, by one step from where the demand is known.

    The price asks for one efficiency (Halley's method), the cap for another (Newton's); the lower one is it. None is so
    low that a client would take more than the band.
    """
    x = at.efficiency
    change = np.minimum(np.maximum(d.dearer + (log_price - at.log_price)[:, None], -STRIDE), STRIDE)
    curvature = d.by_price * (d.by_cap - 1.0) / x
    by_price = x + d.by_price * change / (1 - 0.5 * curvature * change)
    time = deadline[:, None] + links.head
    by_cap = x + d.by_cap * (np.log(time / d.time) - d.louder)
    lower = np.where(links.paid[:, None] > 0, np.minimum(by_price, by_cap), by_cap)
    return np.maximum(np.maximum(lower, 1e-3 * x), links.load / time)


def settled(links: Links, at: Prices) -> tuple[Prices, Demand]:
    """Return prices whose efficiencies are near what deadline, price and caps ask for, and the demand there."""
    d = demand(links, at)
    for _ in range(SETTLING):
        rough = (np.abs(d.drift) > ROUGH * at.efficiency).any(axis=-1)
        if not rough.any():
            break
        if rough.all():
            at = replace(at, efficiency=followed(links, at, d, at.deadline, at.log_price))
            d = demand(links, at)
        else:
            part, there = links[rough], at[rough]
            x = at.efficiency.copy()
            x[rough] = followed(part, there, d[rough], there.deadline, there.log_price)
            at = replace(at, efficiency=x)
            d[rough] = demand(part, at[rough])
    return at, d
