"""Scaled instances, the prices at which they are looked at, and plans for them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rasolve.forms.fdma import FdmaShares
from rasolve.numerics import LN2, FloatArray

CAPS_DECIDE = 1 + 1e-13
"""Sum of caps, relative to the total power, up to which the total counts as not binding."""

SLACK = 64 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding in a bound: more than scaling, a few operations and pairwise sums can lose."""

ROUNDED = 2 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding where a bound is counted from the start again."""


class Links(NamedTuple):
    """Scaled instances: ``head`` (latest offset minus own), ``load`` (n_k, seconds), ``snr`` (h_k), ``cap`` [..., K].

    ``paid`` is the price of power: 1, or 0 where all caps together stay within the total, so that power is free. What a
    price asks for is then ``waived``: 0, or inf where power is free; both are the same for all clients of an instance.
    """

    head: FloatArray
    load: FloatArray
    snr: FloatArray
    cap: FloatArray
    paid: FloatArray
    waived: FloatArray

    def alone(self) -> FloatArray:
        """Return the earliest deadline [...] if each client were alone, rounded down: a lower bound."""
        seconds = self.load / np.log1p(np.minimum(self.cap, 1.0) * self.snr)
        earliest: FloatArray = ((1 - SLACK) * seconds - self.head).max(axis=-1)
        return earliest

    def attained(self, bandwidth: FloatArray, power: FloatArray) -> FloatArray:
        """Return when the last client of each instance finishes [...], counted from the latest offset."""
        seconds = self.load / (bandwidth * np.log1p(power * self.snr / bandwidth))
        latest: FloatArray = (seconds - self.head).max(axis=-1)
        return latest


class Prices(NamedTuple):
    """Where to look: deadline after the latest offset [..., s], ln λ [...], efficiencies [..., K]."""

    deadline: FloatArray
    log_price: FloatArray
    efficiency: FloatArray


class Plan(NamedTuple):
    """Shares of band and total power [..., K], and the deadline that they attain, after the latest offset [..., s]."""

    bandwidth: FloatArray
    power: FloatArray
    deadline: FloatArray


def scaled(form: FdmaShares) -> Links:
    """Return the instances of a form: a batch flattened to [B, K], a single one as it is, [K]."""
    flat = (-1,) if form.batch else ()
    band, power, noise = (
        a.reshape(*flat, 1) for a in (form.total_bandwidth_hz, form.total_power_w, form.noise_w_per_hz)
    )
    offset, payload, gain, cap = (
        a.reshape(*flat, form.clients) for a in (form.offset_s, form.payload_bits, form.gain, form.client_power_w)
    )
    share = cap / power
    binds = share.sum(axis=-1, keepdims=True) > CAPS_DECIDE
    return Links(
        head=offset.max(axis=-1, keepdims=True) - offset,
        load=payload * (LN2 / band),
        snr=gain * (power / (noise * band)),
        cap=share,
        paid=np.repeat(np.where(binds, 1.0, 0.0), form.clients, axis=-1),
        waived=np.repeat(np.where(binds, 0.0, np.inf), form.clients, axis=-1),
    )
