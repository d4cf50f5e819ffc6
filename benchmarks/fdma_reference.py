"""The optimum of one `FdmaShares` instance in forty digits, by nested bracketed searches, without the package."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

from rasolve.forms import FdmaShares

DIGITS = 40
WIDTH = mp.mpf("1e-30")
"""Width, in a logarithm, at which a root counts as found."""

NEAR = mp.mpf("1e-3")
"""Half width of the first bracket around the answer that is checked, relative to its time after the latest offset."""


def reference(form: FdmaShares, near: float) -> float:
    """Return the least deadline [s], searched in a bracket around `near` that is widened until it encloses the root.

    At a deadline client k owes r nats per second. On W = r/z hertz it needs W·N0/g·(e^z - 1) watts. At a price λ of
    bandwidth, z solves e^z·(z - 1) + 1 = λ·g/N0; its cap allows at most (e^z - 1)/z = cap·g/(N0·r). The price is where
    the band just suffices, the deadline is where the total power does.
    """
    with mp.workdps(DIGITS):
        snr = [mp.mpf(float(g)) / mp.mpf(float(form.noise_w_per_hz)) for g in form.gain]
        offset, bits, cap = (
            [mp.mpf(float(v)) for v in a] for a in (form.offset_s, form.payload_bits, form.client_power_w)
        )
        band, total = mp.mpf(float(form.total_bandwidth_hz)), mp.mpf(float(form.total_power_w))
        clients, late = range(len(snr)), max(offset)

        def at_cap(rate: mp.mpf, k: int) -> mp.mpf:
            share = rate / (cap[k] * snr[k])
            return -mp.lambertw(-share * mp.exp(-share), -1).real - share if share < 1 else mp.mpf(0)

        def lack(log_spare: mp.mpf) -> mp.mpf:
            spare = mp.exp(log_spare)
            rates = [bits[k] * mp.log(2) / (late - offset[k] + spare) for k in clients]
            most = [at_cap(rates[k], k) for k in clients]
            if min(most) == 0:
                return mp.mpf(1)
            fewest = mp.log(sum(rates[k] / most[k] for k in clients) / band)
            if fewest > 0 or sum(cap) <= total:
                return fewest

            def chosen(log_price: mp.mpf) -> list[mp.mpf]:
                price = mp.exp(log_price)
                return [min(most[k], 1 + mp.lambertw((price * snr[k] - 1) / mp.e).real) for k in clients]

            def narrow(log_price: mp.mpf) -> mp.mpf:
                return mp.log(sum(rates[k] / z for k, z in zip(clients, chosen(log_price), strict=True)) / band)

            dearest = max(mp.log((mp.exp(z) * (z - 1) + 1) / snr[k]) for k, z in zip(clients, most, strict=True))
            z = chosen(_root(narrow, dearest - 1, dearest))
            return mp.log(sum(rates[k] / z[k] * mp.expm1(z[k]) / snr[k] for k in clients) / total)

        spare = mp.log(mp.mpf(near) - late)
        return float(late + mp.exp(_root(lack, spare - NEAR, spare + NEAR)))


def _root(function: Callable[[mp.mpf], mp.mpf], low: mp.mpf, high: mp.mpf) -> mp.mpf:
    """Return the root of a decreasing function by Chandrupatla's method, the bracket first widened to hold it."""
    width, above, below = high - low, function(low), function(high)
    while above <= 0:
        low, width = low - width, 2 * width
        above = function(low)
    while below > 0:
        high, width = high + width, 2 * width
        below = function(high)
    a, b, fa, fb = low, high, above, below
    c, fc, t = a, fa, mp.mpf(1) / 2
    while abs(b - a) > WIDTH and fb != 0:
        x = a + t * (b - a)
        f = function(x)
        if mp.sign(f) == mp.sign(fa):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, f
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        smooth = phi**2 < xi and (1 - phi) ** 2 < 1 - xi
        inverse = (
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb) if smooth else 0.5
        )
        edge = WIDTH / (2 * abs(b - a))
        t = min(max(mp.mpf(inverse), edge), 1 - edge)
    return b if abs(fb) < abs(fa) else a
