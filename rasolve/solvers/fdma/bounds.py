"""What prices prove of the deadline, from below and from above."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.fdma.demand import Demand
from rasolve.solvers.fdma.links import SLACK, Links, Prices, total


def certificate(links: Links, at: Prices, d: Demand) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a proved lower bound on the deadline [B], and what one more band and one more total power gain [B, s].

    For any price λ and any efficiencies let client k be paid μ_k for a nat, with μ_k·A_k <= λ. Whatever plan meets a
    deadline,

        Σ μ_k·ν_k <= Σ μ_k·(A_k·W_k + B_k·P_k) <= λ + paid + Σ max(μ_k·B_k - paid, 0)·cap_k.

    The left side is convex and decreasing in the deadline, so the zero of its tangent is a deadline that no plan
    undercuts. μ_k = λ/A_k is right where the cap binds, and the smaller of that and paid/B_k where it does not.
    Rounding is allowed for by `SLACK`.
    """
    price = np.exp(at.log_price)
    most = price[:, None] / d.a
    loud = d.b * links.cap
    paid = links.paid[:, None]
    binds = d.rate > loud
    nat = np.where(binds, most, np.minimum(most, paid / d.b))
    owed = nat * d.rate
    capping = np.where(binds, np.maximum(nat * loud - paid * links.cap, 0.0), 0.0)
    lack = (1 - SLACK) * total(owed) - (1 + SLACK) * (price + links.paid + total(capping))
    slope = total(owed / d.time)
    move = lack / slope
    return at.deadline + move - SLACK * np.abs(move), price / slope, links.paid / slope


def allocation(links: Links, d: Demand) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a plan within all limits, bandwidth and power [B, K], and the deadline [B] that it attains.

    What the band has too much or too little of goes to the clients in proportion to W over the elasticity of their
    rate, so that all delays change alike; where that would take more than half of what one has, all are scaled.
    """
    elastic = d.bandwidth / d.by_price
    excess = total(d.bandwidth) - 1.0
    shared = d.bandwidth - elastic * (excess / total(elastic))[:, None]
    gentle = (shared > 0.5 * d.bandwidth).all(axis=-1, keepdims=True)
    bandwidth = np.where(gentle, shared, d.bandwidth)
    bandwidth = bandwidth / total(bandwidth)[:, None]
    power = np.where(d.capped, links.cap, np.minimum(d.power, links.cap))
    power = power / np.maximum(total(power), 1.0)[:, None]
    return bandwidth, power, links.attained(bandwidth, power)
