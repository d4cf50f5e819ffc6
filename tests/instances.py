"""Small random forms for tests."""

from __future__ import annotations

import numpy as np

from rasolve.forms import FdmaShares, FixedDensityLink, OfdmaLink


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


def shares(seed: int, clients: int = 4, batch: tuple[int, ...] = (), tight: str = "both") -> FdmaShares:
    """Return random continuous shares on which the total power ("total"), the caps ("caps") or either may decide."""
    rng = np.random.default_rng(seed)
    shape = (*batch, clients)
    cap = rng.uniform(0.5, 3.0, shape) * (100.0 if tight == "total" else 1.0)
    return FdmaShares(
        offset_s=rng.uniform(0, 2, shape) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 3e8, shape),
        gain=10 ** -rng.uniform(7, 12, shape),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_bandwidth_hz=10 ** rng.uniform(5, 8, batch),
        total_power_w=cap.sum(axis=-1) * (100.0 if tight == "caps" else rng.uniform(0.2, 0.9)),
    )


def stressed(seed: int, clients: int, batch: int) -> FdmaShares:
    """Return shares spread over many orders: SNR, loads, offsets, caps from slack to all but binding together."""
    rng = np.random.default_rng(seed)
    one, each = (batch, 1), (batch, clients)

    def spread(orders: float) -> np.ndarray:
        return 10 ** (rng.uniform(-1, 1, each) * rng.uniform(0, orders, one))

    load_s = 10 ** rng.uniform(-3, 3, one) * spread(4)
    snr = 10 ** rng.uniform(-8, 14, one) * spread(5)
    late = load_s.sum(axis=-1, keepdims=True) * 10 ** rng.uniform(-4, 4, one)
    offset = np.select(
        [rng.integers(0, 4, one) == kind for kind in range(3)],
        [np.zeros(each), late * rng.uniform(0, 1, each), late * 10 ** rng.uniform(-6, 0, each)],
        late * (rng.uniform(0, 1, each) < 2 / clients),
    )
    cap = spread(3)
    cap *= (1 + 10 ** rng.uniform(-6, 3, one)) / cap.sum(axis=-1, keepdims=True)
    band, power, noise = 2e7, 5.0, 4e-21
    return FdmaShares(offset, load_s * band, snr * noise * band / power, noise, cap * power, band, power)


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
