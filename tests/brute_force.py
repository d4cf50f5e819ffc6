"""Optima by exhaustion and plain bisection, written without the package's own formulas."""

from __future__ import annotations

from itertools import product
from math import log2

import numpy as np
from scipy.optimize import brentq

from rasolve.forms import OfdmaLink


def compositions(total, parts):
    """Yield every way of writing `total` as an ordered sum of `parts` positive whole numbers."""
    if parts == 1:
        yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in compositions(total - first, parts - 1):
            yield (first, *rest)


def deadline_of_counts(link: OfdmaLink, counts) -> float:
    """Return the earliest common deadline of a flat link when client k holds counts[k] equal subchannels."""
    width, noise = float(link.width_hz[0]), link.noise_w_per_hz

    def excess(log_spare):
        deadline = link.offset_s.max() + np.exp(log_spare)
        worst, total = -np.inf, 0.0
        for k, n in enumerate(counts):
            spare = float(deadline - link.offset_s[k])
            if spare == 0 or link.payload_bits[k] / (n * width * spare) > 900:
                return 900.0
            exponent = link.payload_bits[k] / (n * width * spare)
            power = n * width * noise / link.gain[k, 0] * (2.0**exponent - 1)
            worst, total = max(worst, power / link.client_power_w[k]), total + power
        return log2(max(worst, total / link.total_power_w, 1e-300))

    return float(link.offset_s.max() + np.exp(brentq(excess, -60, 60, xtol=1e-14, rtol=1e-15)))


def best_flat_link(link: OfdmaLink) -> float:
    """Return the optimum of a link with interchangeable subchannels by looking at all counts."""
    return min(deadline_of_counts(link, counts) for counts in compositions(link.subchannels, link.clients))


def owners(link: OfdmaLink):
    """Yield every assignment that leaves nobody without a subchannel."""
    for owner in product(range(link.clients), repeat=link.subchannels):
        if len(set(owner)) == link.clients:
            yield np.asarray(owner)
