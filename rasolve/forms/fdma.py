"""`FdmaShares`: bandwidth and power to clients, both continuous, so that the last of them finishes early."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers, require
from rasolve.forms.link import check_offsets
from rasolve.forms.starts import floats, record
from rasolve.numerics import ROUNDING, FloatArray
from rasolve.scenario.radio import rate

SMALLEST, LARGEST = 1e-30, 1e40
"""Least positive and largest number of a form. Products beyond would leave double precision."""

PER_CLIENT = ("offset_s", "payload_bits", "gain", "client_power_w")
PER_INSTANCE = ("noise_w_per_hz", "total_bandwidth_hz", "total_power_w")


@dataclass(frozen=True, eq=False)
class FdmaAllocation:
    """The value of an `FdmaShares`: each client's bandwidth [..., K, Hz] and transmit power [..., K, W]."""

    bandwidth_hz: FloatArray
    power_w: FloatArray


@dataclass(frozen=True, eq=False)
class FdmaShares(Form):
    """min over bandwidths W and powers P of max_k (offset_k + payload_k / (W_k·log2(1 + P_k·gain_k/(noise·W_k)))).

    Σ W_k <= total_bandwidth, Σ P_k <= total_power, P_k <= client_power_k. Shapes: offset_s, payload_bits, gain and
    client_power_w [..., K]; noise_w_per_hz, total_bandwidth_hz and total_power_w [...]; SI units. Leading dimensions
    are a batch of independent instances; arrays that lack them are shared by all. Convex; textbook (published).
    """

    name: ClassVar[str] = "FdmaShares"
    says: ClassVar[str] = "bandwidth and power to clients, both continuous, the last one to finish as early as possible"

    offset_s: FloatArray
    payload_bits: FloatArray
    gain: FloatArray
    noise_w_per_hz: FloatArray
    client_power_w: FloatArray
    total_bandwidth_hz: FloatArray
    total_power_w: FloatArray

    def __post_init__(self) -> None:
        for name in (*PER_CLIENT, *PER_INSTANCE):
            object.__setattr__(self, name, numbers(f"FdmaShares.{name}", getattr(self, name)))
        check_offsets(self, self.offset_s)
        require("FdmaShares.offset_s", self.offset_s, self.offset_s <= LARGEST, f"must be at most {LARGEST:g}")
        for name in (*PER_CLIENT[1:], *PER_INSTANCE):
            value = getattr(self, name)
            within = (value >= SMALLEST) & (value <= LARGEST)
            require(f"FdmaShares.{name}", value, within, f"must be from {SMALLEST:g} to {LARGEST:g}")
        self._agree()

    def _agree(self) -> None:
        """Stretch all arrays to one batch and one number of clients; raises InputError where they do not fit."""
        shape: tuple[int, ...] = ()
        for name in (*PER_CLIENT, *PER_INSTANCE):
            found = list(getattr(self, name).shape)
            if name in PER_CLIENT and not found:
                raise InputError(f"FdmaShares.{name} is one number: needs one for each client")
            try:
                shape = np.broadcast_shapes(shape, tuple(found if name in PER_CLIENT else [*found, 1]))
            except ValueError:
                raise InputError(f"FdmaShares.{name} has shape {found}: does not fit {list(shape)}") from None
        for name in PER_CLIENT:
            object.__setattr__(self, name, np.broadcast_to(getattr(self, name), shape))
        for name in PER_INSTANCE:
            object.__setattr__(self, name, np.broadcast_to(getattr(self, name), shape[:-1]))

    @property
    def batch(self) -> tuple[int, ...]:
        """The leading dimensions; () for a single instance."""
        return self.offset_s.shape[:-1]

    @property
    def clients(self) -> int:
        """K."""
        return int(self.offset_s.shape[-1])

    def fits(self, value: FdmaAllocation) -> bool:
        """Return whether a value has the shape of this form."""
        return np.shape(value.bandwidth_hz) == np.shape(value.power_w) == self.offset_s.shape

    def rates(self, value: FdmaAllocation) -> FloatArray:
        """Return each client's rate [..., K, bit/s]; 0 without bandwidth."""
        return rate(value.bandwidth_hz, value.power_w, self.gain, self.noise_w_per_hz[..., None])

    def delays(self, value: FdmaAllocation) -> FloatArray:
        """Return when each client finishes [..., K, s]; inf for one without rate."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.offset_s + self.payload_bits / self.rates(value))

    def deadlines(self, value: FdmaAllocation) -> FloatArray:
        """Return when the last client of each instance finishes [..., s]."""
        return np.asarray(self.delays(value).max(axis=-1))

    def objective(self, value: FdmaAllocation) -> float:
        """Return when the last client finishes [s], the latest of the batch."""
        return float(self.deadlines(value).max())

    def keeps(self, value: FdmaAllocation) -> NDArray[np.bool_]:
        """Return which instances [...] keep their limits, up to rounding."""
        width, power = value.bandwidth_hz, value.power_w
        over = 1 + ROUNDING
        each = (width >= 0) & (power >= 0) & (power <= self.client_power_w * over)
        within_band = width.sum(axis=-1) <= self.total_bandwidth_hz * over
        return np.asarray(each.all(axis=-1) & within_band & (power.sum(axis=-1) <= self.total_power_w * over))

    def judge(self, value: FdmaAllocation) -> float:
        """Return the objective, or inf where an instance exceeds a limit by more than rounding."""
        return self.objective(value) if self.fits(value) and self.keeps(value).all() else np.inf

    def as_start(self, value: Any) -> FdmaAllocation:
        given = record(value, FdmaAllocation)
        return FdmaAllocation(*(floats(f.name, getattr(given, f.name), self.offset_s.shape) for f in fields(given)))

    def within_limits(self, value: FdmaAllocation) -> FdmaAllocation:
        """Return the value with what exceeds the band, a cap or the total power scaled away."""
        width, power = value.bandwidth_hz, np.minimum(value.power_w, self.client_power_w)
        with np.errstate(divide="ignore"):
            narrower = np.minimum(1.0, self.total_bandwidth_hz / width.sum(axis=-1))
            quieter = np.minimum(1.0, self.total_power_w / power.sum(axis=-1))
        return FdmaAllocation(width * narrower[..., None], power * quieter[..., None])

    @cached_property
    def alone_s(self) -> FloatArray:
        """How long each client [..., K, s] would take alone, with all that one client may have (ours)."""
        power = np.minimum(self.client_power_w, self.total_power_w[..., None])
        noise, band = self.noise_w_per_hz[..., None], self.total_bandwidth_hz[..., None]
        return np.asarray(self.payload_bits / rate(band, power, self.gain, noise))

    def lower_bounds(self) -> FloatArray:
        """Return a bound on each instance's deadline [..., s]: every client alone (ours)."""
        return np.asarray((self.offset_s + self.alone_s).max(axis=-1))

    def lower_bound(self) -> float:
        """Return a bound on the objective: every client alone, the latest of the batch (ours)."""
        return float(self.lower_bounds().max())

    def apart(self) -> list[FdmaShares]:
        """Return the instances of a batch by themselves, in C order; valid together, they are not checked again."""
        names = (*PER_CLIENT, *PER_INSTANCE)
        flat = {name: getattr(self, name).reshape(-1, *getattr(self, name).shape[len(self.batch) :]) for name in names}
        return [self._with({name: array[i] for name, array in flat.items()}) for i in range(int(np.prod(self.batch)))]

    @classmethod
    def _with(cls, arrays: dict[str, FloatArray]) -> FdmaShares:
        form = object.__new__(cls)
        for name, array in arrays.items():
            object.__setattr__(form, name, array)
        return form
