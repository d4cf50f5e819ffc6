"""Small random forms for tests."""

from __future__ import annotations

import numpy as np

from rasolve.forms import FixedDensityLink, OfdmaLink


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


def density_link(seed: int, clients: int = 3, subchannels: int = 6) -> FixedDensityLink:
    """Return a random link at random densities, some of them dark, on which caps may bind, also on one subchannel."""
    rng = np.random.default_rng(seed)
    power = rng.uniform(0.2, 1.0, subchannels) * (rng.random(subchannels) > 0.1)
    rate = rng.exponential(1e6, (clients, subchannels)) * (power > 0)
    return FixedDensityLink(
        offset_s=rng.uniform(0, 2, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e5, 1e7, clients),
        rate_bps=rate,
        power_w=power,
        client_power_w=rng.uniform(0.5, 2.5, clients),
    )


def wide_link(seed: int, clients: int = 3, subchannels: int = 6) -> OfdmaLink:
    """Return a selective link with unequal widths and mixed limits, of moderate SNR."""
    rng = np.random.default_rng(seed)
    cap = rng.uniform(0.5, 3.0, clients)
    return OfdmaLink(
        offset_s=rng.uniform(0, 0.5, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 1e7, clients),
        gain=10 ** -rng.uniform(9, 12, (clients, 1)) * rng.exponential(1.0, (clients, subchannels)),
        width_hz=rng.uniform(1e5, 1e6, subchannels),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_power_w=float(cap.sum() * rng.uniform(0.2, 1.2)),
    )
