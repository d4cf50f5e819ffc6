"""Instances of `FdmaShares` for the benchmark: links of FedsLLMFdma, and families spread to where numbers fail.

Each family is drawn in shares of the band and of the total power: loads [s on the whole band], SNR at all power over
the whole band, caps over the total, offsets [s].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import rasolve as ra
from rasolve.forms import FdmaShares
from rasolve.numerics import FloatArray
from rasolve.problems.fedsllm_fdma.blocks import links

BAND_HZ, POWER_W, NOISE_W_PER_HZ = 20e6, 5.0, 4e-21

Rng = np.random.Generator
Family = Callable[[Rng, int, int], FdmaShares]


def sampled_link(clients: int, seed: int, regime: str = "wideband") -> FdmaShares:
    """Return the main link of a sampled FedsLLMFdma instance at cut 1 and rank 8."""
    return links(ra.FedsLLMFdma.sample(clients=clients, seed=seed, regime=regime), (1, 8))[0]


def _form(load_s: FloatArray, snr: FloatArray, cap: FloatArray, offset_s: FloatArray) -> FdmaShares:
    gain = snr * NOISE_W_PER_HZ * BAND_HZ / POWER_W
    return FdmaShares(offset_s, load_s * BAND_HZ, gain, NOISE_W_PER_HZ, cap * POWER_W, BAND_HZ, POWER_W)


def _around(rng: Rng, shape: tuple[int, int], orders: float) -> FloatArray:
    """Return factors spread over ± `orders` of ten."""
    return np.asarray(10 ** rng.uniform(-orders, orders, shape))


def _of(rng: Rng, batch: int, clients: int, **parts: FloatArray) -> FdmaShares:
    """Return instances with ordinary parts where none are given."""
    shape = (batch, clients)
    load = parts.get("load_s", rng.uniform(0.1, 1.0, shape))
    ordinary = {
        "load_s": load,
        "snr": 10 ** rng.uniform(0, 4, shape),
        "cap": _summing_to(rng.uniform(1, 3, shape), rng.uniform(1.2, 4, (batch, 1))),
        "offset_s": rng.uniform(0, 1, shape) * load.sum(axis=-1, keepdims=True),
    }
    return _form(**{**ordinary, **parts})


def _summing_to(cap: FloatArray, total: FloatArray | float) -> FloatArray:
    return np.asarray(cap / cap.sum(axis=-1, keepdims=True) * total)


def _ordinary(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients)


def _dear_bandwidth(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients, snr=10 ** rng.uniform(9, 14, (batch, clients)))


def _cheap_bandwidth(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients, snr=10 ** rng.uniform(-9, -3, (batch, clients)))


def _mixed_channels(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients, snr=_around(rng, (batch, clients), 6.0))


def _one_dominates(rng: Rng, batch: int, clients: int) -> FdmaShares:
    load = 10 ** rng.uniform(-8, -3, (batch, clients))
    load[:, 0] = 1.0
    return _of(rng, batch, clients, load_s=load)


def _caps_almost_decide(rng: Rng, batch: int, clients: int) -> FdmaShares:
    above = 1 + 10 ** rng.uniform(-9, -3, (batch, 1))
    return _of(rng, batch, clients, cap=_summing_to(_around(rng, (batch, clients), 1.0), above))


def _caps_decide(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(
        rng, batch, clients, cap=_summing_to(_around(rng, (batch, clients), 2.0), rng.uniform(0.01, 1, (batch, 1)))
    )


def _no_caps(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients, cap=np.full((batch, clients), 1e6))


def _far_offsets(rng: Rng, batch: int, clients: int) -> FdmaShares:
    return _of(rng, batch, clients, offset_s=10 ** rng.uniform(-9, 9, (batch, clients)))


def _everything(rng: Rng, batch: int, clients: int) -> FdmaShares:
    shape = (batch, clients)
    return _of(
        rng, batch, clients,
        load_s=_around(rng, (batch, 1), 3.0) * _around(rng, shape, 4.0),
        snr=10 ** rng.uniform(-8, 14, (batch, 1)) * _around(rng, shape, 5.0),
        cap=_summing_to(_around(rng, shape, 3.0), 1 + 10 ** rng.uniform(-6, 3, (batch, 1))),
        offset_s=10 ** rng.uniform(-6, 6, shape) * rng.integers(0, 2, (batch, 1)),
    )  # fmt: skip


FAMILIES: dict[str, Family] = {
    "ordinary": _ordinary,
    "dear bandwidth (SNR 1e9 to 1e14)": _dear_bandwidth,
    "cheap bandwidth (SNR 1e-9 to 1e-3)": _cheap_bandwidth,
    "channels 12 orders apart": _mixed_channels,
    "one client dominates": _one_dominates,
    "caps almost decide": _caps_almost_decide,
    "all caps bind": _caps_decide,
    "no caps": _no_caps,
    "offsets 18 orders apart": _far_offsets,
    "everything at once": _everything,
}
"""Families by what is stressed; each draws a batch of instances with a number of clients."""
