"""What prices prove of the deadline, from below and from above."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.solvers.fdma.demand import Demand
from rasolve.solvers.fdma.links import SLACK, Links, Plan, Prices
from rasolve.solvers.fdma.newton import Ahead
from rasolve.solvers.fdma.records import across, some, total


def certificate(links: Links, at: Prices, d: Demand) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a proved lower bound on the deadline [...], and what one more band and one more total power gain [..., s].

    For any price λ and any efficiencies let client k be paid μ_k for a nat, with μ_k·A_k <= λ. Whatever plan meets a
    deadline,

        Σ μ_k·ν_k <= Σ μ_k·(A_k·W_k + B_k·P_k) <= λ + paid + Σ max(μ_k·B_k - paid, 0)·cap_k.

    The left side is convex and decreasing in the deadline, so the zero of its tangent is a deadline that no plan
    undercuts. μ_k = λ/A_k is right where the cap binds, and the smaller of that and paid/B_k where it does not.
    Rounding is allowed for by `SLACK`.
    """
    price, paid = np.exp(at.log_price), links.paid[..., 0]
    loud = d.b * links.cap
    nat, most = links.paid / d.b, across(price) / d.a
    nat, binds = np.minimum(most, nat), d.rate > loud
    asked = price + paid
    if some(binds):
        nat = np.where(binds, most, nat)
        asked = asked + total(np.where(binds, np.maximum(nat * loud - links.paid * links.cap, 0.0), 0.0))
    owed = nat * d.rate
    slope = total(owed / d.time)
    move = ((1 - SLACK) * owed.sum(axis=-1) - (1 + SLACK) * asked) / slope
    return at.deadline + move - SLACK * np.abs(move), price / slope, paid / slope


def allocation(links: Links, at: Prices, d: Demand, step: Ahead) -> Plan:
    """Return a plan within all limits.

    The plan is where a step of Newton's method leads to first order, so that it misses the optimum by the square of
    what the prices miss: an efficiency that grows by a share takes so much less bandwidth and 1/relief so much more
    power. What the step makes of one client is kept between half and double.
    """
    sooner = across(at.deadline * step.later) / d.time
    grown = d.drift + d.by_price * across(step.dearer)
    louder = np.minimum(np.maximum(1.0 - sooner + grown / d.relief, 0.5), 2.0)
    power = np.minimum(d.power * louder, links.cap)
    capped = d.capped > 0
    if some(capped):
        grown = np.where(capped, d.drift + d.relief * sooner, grown)
        power = np.where(capped, links.cap, power)
    bandwidth = d.bandwidth * np.minimum(np.maximum(1.0 - sooner - grown, 0.5), 2.0)
    return _within(links, bandwidth, power)


def allocation_there(links: Links, d: Demand) -> Plan:
    """Return a plan within all limits at prices that are right to rounding, where a step would only follow rounding.

    What the band has too much or too little of goes to the clients in proportion to W over the elasticity of their
    rate, so that all delays change alike; where that would take more than half of what one has, all are scaled.
    """
    elastic = d.bandwidth / d.by_price
    excess = total(d.bandwidth) - 1.0
    shared = d.bandwidth - elastic * across(excess / total(elastic))
    gentle = (shared > 0.5 * d.bandwidth).all(axis=-1, keepdims=True)
    power = np.where(d.capped > 0, links.cap, np.minimum(d.power, links.cap))
    return _within(links, np.where(gentle, shared, d.bandwidth), power)


def _within(links: Links, bandwidth: FloatArray, power: FloatArray) -> Plan:
    """Return the plan with all limits kept: bandwidth that fills the band, power within the total."""
    bandwidth = bandwidth / across(total(bandwidth))
    power = power / across(np.maximum(total(power), 1.0))
    return Plan(bandwidth, power, links.attained(bandwidth, power))
