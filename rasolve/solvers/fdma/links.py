"""Scaled instances, the prices at which they are looked at, and records of many instances in general."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.fdma import FdmaShares
from rasolve.numerics import LN2, FloatArray

R = TypeVar("R", bound=tuple[Any, ...])

CAPS_DECIDE = 1 + 1e-13
"""Sum of caps, relative to the total power, up to which the total counts as not binding."""

SLACK = 64 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding in a bound: more than scaling, a few operations and pairwise sums can lose."""

ROUNDED = 2 * float(np.finfo(np.float64).eps)
"""Relative allowance for rounding where a bound is counted from the start again."""


@lru_cache(maxsize=64)
def _ones(clients: int) -> FloatArray:
    return np.ones(clients)


def total(per_client: FloatArray) -> FloatArray:
    """Return the sum over clients, [...] of [..., K], as a matrix product: of all sums the cheapest on few clients."""
    summed: FloatArray = per_client.dot(_ones(per_client.shape[-1]))
    return summed


def across(per_instance: NDArray[Any]) -> NDArray[Any]:
    """Return what each instance has [...] in a shape that stretches over its clients [..., K]."""
    return per_instance[..., None] if per_instance.ndim else per_instance


def some(condition: NDArray[np.bool_]) -> bool:
    """Return whether a condition holds anywhere."""
    return bool(np.count_nonzero(condition) if condition.ndim else condition)


def rows(record: R, index: Any) -> R:
    """Return some of the instances of a record of arrays, or of such records, that have them as first dimension."""
    return type(record)(*(rows(f, index) if isinstance(f, tuple) else f[index] for f in record))


def copied(record: R) -> R:
    """Return a record of its own arrays, to write into."""
    return type(record)(*(copied(f) if isinstance(f, tuple) else f.copy() for f in record))


def put(record: R, index: Any, part: R) -> None:
    """Write some of the instances of a record, in place."""
    for whole, some in zip(record, part, strict=True):
        if isinstance(whole, tuple):
            put(whole, index, some)
        else:
            whole[index] = some


def chosen(where: NDArray[np.bool_], new: R, old: R) -> R:
    """Return the record that is ``new`` for the instances [...] of a condition and ``old`` for the others."""
    return type(old)(
        *(np.where(where if f.ndim == where.ndim else across(where), f, o) for f, o in zip(new, old, strict=True))
    )


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
