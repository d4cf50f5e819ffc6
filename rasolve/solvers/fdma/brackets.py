"""The slow and sure way to the prices: the deadline and, inside, the price, each by a bracketed search."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, decreasing_root, efficiency, snr_at
from rasolve.solvers.fdma.demand import demand
from rasolve.solvers.fdma.links import Links, Prices
from rasolve.solvers.fdma.records import across

FULLEST = 1 - 1e-12
"""Largest share of the rate limit P·g/N0 for which a capped client's efficiency is computed: twice as near, and the
equation would be lost in rounding, as is what the efficiency then does to the rate."""


def bracketed(links: Links, low: FloatArray) -> Prices:
    """Return deadline, price and efficiencies at the optimum, to rounding; ``low`` [...] is a bound on the deadline.

    Too early is a deadline for which the band does not suffice with all clients at their caps, or, at the price at
    which it just suffices, the total power does not. Both needs fall as the deadline grows.
    """

    def lack(deadline: FloatArray) -> FloatArray:
        at_cap = capped(links, deadline)
        width = np.log((links.load / (at_cap * (across(deadline) + links.head))).sum(axis=-1))
        power = demand(links, balanced(links, deadline, at_cap)).power
        total = np.log(np.minimum(power, links.cap).sum(axis=-1))
        enough = np.where((links.paid[..., 0] == 0) | (width > 0), width, total)
        return np.where(deadline < low, np.inf, enough)

    deadline = decreasing_root(lack, 0.0, low).feasible
    return balanced(links, deadline, capped(links, deadline))


def capped(links: Links, deadline: FloatArray) -> FloatArray:
    """Return the efficiencies [..., K] at which each client meets the deadline with all that its cap allows."""
    rate = links.load / (across(deadline) + links.head)
    share = np.minimum(rate / (links.cap * links.snr), FULLEST)
    return np.maximum(np.log1p(snr_at(share)), rate)


def balanced(links: Links, deadline: FloatArray, at_cap: FloatArray) -> Prices:
    """Return the price at which the band just suffices, and the efficiencies; all at their caps where it never does."""
    rate = links.load / (across(deadline) + links.head)
    dearest = -demand(links, Prices(deadline, 0.0 * deadline, at_cap)).dearer.min(axis=-1)

    def efficiencies(price: FloatArray) -> FloatArray:
        return np.minimum(efficiency(across(price) * links.snr), at_cap)

    def width(price: FloatArray) -> FloatArray:
        return np.asarray(np.log((rate / efficiencies(price)).sum(axis=-1)))

    price = np.minimum(decreasing_root(width, 0.0, np.exp(dearest)).feasible, np.exp(dearest))
    paid = links.paid > 0
    x = np.where(paid, efficiencies(price), at_cap)
    return Prices(deadline, np.where(paid[..., 0], np.log(price), 0.0), x)
