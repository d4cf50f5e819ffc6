"""Small random forms for tests."""

from __future__ import annotations

import numpy as np

from rasolve.forms import OfdmaLink, Response, Separable, Slots


def link(seed: int, clients: int = 3, subchannels: int = 6, selective: bool = False, tight: str = "both") -> OfdmaLink:
    """Return a random link on which the total ("total"), the caps ("caps") or either ("both") may decide."""
    rng = np.random.default_rng(seed)
    cap = rng.uniform(0.5, 3.0, clients) * (100.0 if tight == "total" else 1.0)
    total = cap.sum() * (100.0 if tight == "caps" else rng.uniform(0.2, 1.2))
    mean = 10 ** -rng.uniform(6, 12, (clients, 1))
    shape = (clients, subchannels)
    gain = mean * rng.exponential(1.0, shape) if selective else np.broadcast_to(mean, shape)
    return OfdmaLink(
        offset_s=rng.uniform(0, 2, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 3e8, clients),
        gain=gain,
        width_hz=np.full(subchannels, 10 ** rng.uniform(4, 7)),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_power_w=float(total),
    )


def separable(seed: int, items: int, alternatives: int = 4, budgets: int = 1, slots: bool = False) -> Separable:
    """Return items with random penalties and costs, budgeted at 0.3 on average, or 0.42 where there are several."""
    rng = np.random.default_rng(seed)
    penalty = rng.uniform(0, 1, (items, alternatives))
    cost = rng.uniform(0, 1, (items, alternatives, budgets))

    def respond(at: slice, weight: float, prices: np.ndarray) -> Response:
        value = weight * penalty[at] + cost[at] @ prices
        least = value == value.min(axis=1, keepdims=True)
        return each(at, weight, prices).of(np.where(least, penalty[at], np.inf).argmin(axis=1))

    def each(at: slice, _weight: float, _prices: np.ndarray) -> Response:
        return Response(penalty[at], cost[at], (np.broadcast_to(np.arange(alternatives), penalty[at].shape),))

    kind = Slots if slots else Separable
    return kind(
        items=items, respond=respond, budget=np.full(budgets, 0.42 if budgets > 1 else 0.3), mean=True, each=each
    )
