"""Optima by exhaustion and plain bisection, written without the package's own formulas."""

from __future__ import annotations

from itertools import product
from math import log2

import numpy as np
from scipy.optimize import brentq
from scipy.special import lambertw

from rasolve.forms import FdmaShares, FixedDensityLink, OfdmaLink


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


def last_true(low: float, high: float, holds, levels=9, ways=64) -> float:
    """Return where `holds`, a test of an array of numbers, turns false, by cutting [low, high] into ever finer ways."""
    for _ in range(levels):
        grid = np.geomspace(low, high, ways)
        count = int(holds(grid).sum())
        low, high = grid[max(count - 1, 0)], grid[min(count, ways - 1)]
    return high


def deadline_of_shares(form: FdmaShares) -> float:
    """Return the optimum of one instance of `FdmaShares` by search on the deadline and, inside, on the price.

    At a deadline client k owes r nats per second and needs W·N0/g·(e^z - 1) watts on W = r/z hertz. At a price λ one
    more hertz is worth its watts where e^z·(z - 1) + 1 = λ·g/N0; the cap allows (e^z - 1)/z = cap·g/(N0·r) at most.
    Both are Lambert's W.
    """
    snr_per_w = form.gain / form.noise_w_per_hz
    late = form.offset_s.max()

    def needs(rate, price):
        share = rate / (form.client_power_w * snr_per_w)
        with np.errstate(all="ignore"):
            by_price = 1 + lambertw((price * snr_per_w - 1) / np.e).real
            by_cap = -lambertw(-share * np.exp(-share), -1).real - share
            width = rate / np.where(share < 1, np.minimum(by_price, by_cap), 0.0)
            return width.sum(axis=-1), (width * np.expm1(rate / width) / snr_per_w).sum(axis=-1)

    def impossible(spare):
        rate = form.payload_bits * np.log(2) / (late + spare[:, None] - form.offset_s)
        cheap, dear = np.full(len(spare), -60.0), np.full(len(spare), 60.0)
        for _ in range(60):
            price = 0.5 * (cheap + dear)
            wide = needs(rate, np.exp(price)[:, None])[0] > form.total_bandwidth_hz
            cheap, dear = np.where(wide, price, cheap), np.where(wide, dear, price)
        width, power = needs(rate, np.exp(dear)[:, None])
        return (width > form.total_bandwidth_hz) | (power > form.total_power_w)

    return late + last_true(1e-6, 1e12, impossible)


def least_powers(link: OfdmaLink, deadline: float) -> np.ndarray:
    """Return the power [K, 2^M] that each client needs on every set of subchannels, by bisection on the water level."""
    members = (np.arange(2**link.subchannels)[:, None] >> np.arange(link.subchannels)) & 1
    powers = np.full((link.clients, len(members)), np.inf)
    for k in range(link.clients):
        spare = deadline - link.offset_s[k]
        if spare <= 0:
            continue
        floor = link.noise_w_per_hz / link.gain[k]
        width = members * link.width_hz
        low, high = np.full(len(members), np.log(floor.min())), np.full(len(members), 600.0)
        for _ in range(100):
            middle = (low + high) / 2
            lit = np.maximum(middle[:, None] - np.log(floor), 0)
            enough = (width * lit / np.log(2)).sum(axis=1) >= link.payload_bits[k] / spare
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        power = (width * floor * np.expm1(np.maximum(high[:, None] - np.log(floor), 0))).sum(axis=1)
        powers[k] = np.where(high < 600, power, np.inf)
    return powers


def best_link(link: OfdmaLink) -> float:
    """Return the optimum of any small link: bisection on the deadline, all partitions of the subchannels at each."""
    who = np.asarray(list(owners(link)))
    bits = 1 << np.arange(link.subchannels)
    sets = np.stack([((who == k) * bits).sum(axis=1) for k in range(link.clients)])

    def met(deadline):
        power = least_powers(link, deadline)[np.arange(link.clients)[:, None], sets]
        within = (power <= link.client_power_w[:, None]).all(axis=0)
        return bool((within & (power.sum(axis=0) <= link.total_power_w)).any())

    low, high = 0.0, 1.0
    while not met(link.offset_s.max() + high):
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if met(link.offset_s.max() + middle) else (middle, high)
    return float(link.offset_s.max() + high)


def best_owners(link: FixedDensityLink) -> float:
    """Return the optimum of a link at given densities by looking at all owners, nobody among them; inf if none."""
    who = np.asarray(list(product(range(-1, link.clients), repeat=link.subchannels)))
    latest = np.zeros(len(who))
    for k in range(link.clients):
        held = who == k
        rate = (held * link.rate_bps[k]).sum(axis=1)
        load = (held * link.power_w).sum(axis=1)
        with np.errstate(divide="ignore"):
            finish = link.offset_s[k] + link.payload_bits[k] / rate
        latest = np.maximum(latest, np.where(load <= link.client_power_w[k] * (1 + 1e-9), finish, np.inf))
    return float(latest.min())
