"""Scaled instances, the prices at which they are looked at, and records of many instances in general."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from rasolve.forms.fdma import FdmaShares
from rasolve.numerics import LN2, FloatArray

CAPS_DECIDE = 1 + 1e-13
"""Sum of caps, relative to the total power, up to which the total counts as not binding."""

SLACK = 64 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding in a bound: more than scaling, a few operations and pairwise sums can lose."""

ROUNDED = 2 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding where a bound is counted from the start again."""


def total(per_client: FloatArray) -> FloatArray:
    """Return the sum over clients, [B] of [B, K]."""
    return np.asarray(np.add.reduce(per_client, axis=-1))


@dataclass(frozen=True, eq=False)
class Rows:
    """Base of records whose fields are arrays, or such records, with the instances as their first dimension."""

    def __getitem__(self, index: Any) -> Self:
        return type(self)(*(getattr(self, f.name)[index] for f in fields(self)))

    def __setitem__(self, index: Any, part: Self) -> None:
        for f in fields(self):
            getattr(self, f.name)[index] = getattr(part, f.name)

    def copy(self) -> Self:
        """Return a record of its own arrays, to write into."""
        return type(self)(*(getattr(self, f.name).copy() for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Links(Rows):
    """Scaled instances: ``head`` (latest offset minus own), ``load`` (n_k, seconds), ``snr`` (h_k), ``cap`` [B, K].

    ``paid`` [B] is the price of power: 1, or 0 where all caps together stay within the total, so that power is free.
    """

    head: FloatArray
    load: FloatArray
    snr: FloatArray
    cap: FloatArray
    paid: FloatArray

    def alone(self) -> FloatArray:
        """Return the earliest deadline [B] if each client were alone, rounded down: a lower bound."""
        seconds = self.load / np.log1p(np.minimum(self.cap, 1.0) * self.snr)
        return np.asarray(((1 - SLACK) * seconds - self.head).max(axis=-1))

    def attained(self, bandwidth: FloatArray, power: FloatArray) -> FloatArray:
        """Return when the last client of each instance finishes [B], counted from the latest offset."""
        seconds = self.load / (bandwidth * np.log1p(power * self.snr / bandwidth))
        return np.asarray((seconds - self.head).max(axis=-1))


@dataclass(frozen=True, eq=False)
class Prices(Rows):
    """Where to look: deadline after the latest offset [B, s], ln λ [B], efficiencies [B, K]."""

    deadline: FloatArray
    log_price: FloatArray
    efficiency: FloatArray


def scaled(form: FdmaShares) -> Links:
    """Return the instances of a form, its batch flattened."""
    band, total, noise = (a.reshape(-1, 1) for a in (form.total_bandwidth_hz, form.total_power_w, form.noise_w_per_hz))
    offset, payload, gain, cap = (
        a.reshape(-1, form.clients) for a in (form.offset_s, form.payload_bits, form.gain, form.client_power_w)
    )
    share = cap / total
    return Links(
        head=offset.max(axis=-1, keepdims=True) - offset,
        load=payload * (LN2 / band),
        snr=gain * (total / (noise * band)),
        cap=share,
        paid=np.where(share.sum(axis=-1) > CAPS_DECIDE, 1.0, 0.0),
    )
