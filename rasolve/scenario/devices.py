"""Where devices stand and how fast they compute."""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray


def distances_in_disc(rng: np.random.Generator, count: int, radius_m: float, nearest_m: float = 1.0) -> FloatArray:
    """Return distances [m], shape [count], of devices uniform on a disc around the station, none below `nearest_m`."""
    return np.asarray(np.sqrt(rng.uniform(nearest_m**2, radius_m**2, size=count)))


def speeds(rng: np.random.Generator, count: int, clock_ghz: tuple[float, float], flops_per_cycle: float) -> FloatArray:
    """Return speeds [FLOP/s], shape [count], of devices with a uniform random clock."""
    low, high = clock_ghz
    return rng.uniform(low * 1e9, high * 1e9, size=count) * flops_per_cycle
