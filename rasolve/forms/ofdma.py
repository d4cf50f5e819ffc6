"""`OfdmaLink`: whole subchannels and power to clients so that the last of them finishes early."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from rasolve.errors import InputError
from rasolve.forms.fixed_density import FixedDensityLink
from rasolve.forms.formulation import numbers, require
from rasolve.forms.link import NOBODY, Link, check_numbers, check_offsets, check_range, total_by_owner
from rasolve.forms.power_demand import PowerDemand
from rasolve.forms.starts import floats, places, record
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray
from rasolve.scenario.radio import density_rate


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The value of an `OfdmaLink`: each subchannel's owner [M] and power spectral density [M, W/Hz]."""

    owner: IntArray
    psd_w_per_hz: FloatArray


def rates(spectrum: Spectrum, gain: FloatArray, width_hz: FloatArray, noise_w_per_hz: float) -> FloatArray:
    """Return each client's rate [K, bit/s] at gains [K, M] and widths [M, Hz]; nan where a density is negative."""
    owned = gain[spectrum.owner, np.arange(len(width_hz))]
    with np.errstate(invalid="ignore", over="ignore"):
        rate = density_rate(width_hz, spectrum.psd_w_per_hz, owned, noise_w_per_hz)
    return total_by_owner(spectrum.owner, rate, len(gain))


@dataclass(frozen=True, eq=False)
class OfdmaLink(Link):
    """min over owners and densities of max_k (offset_k + payload_k / rate_k), for K clients and M subchannels.

    rate_k = Σ_{i owned by k} width_i·log2(1 + psd_i·gain_{k,i}/noise); per client Σ psd_i·width_i <= client_power_k and
    in total <= total_power. Shapes: offset_s, payload_bits and client_power_w [K], gain [K, M], width_hz [M]; SI units.
    Textbook (published): the OFDMA min-max delay of arXiv 2504.14667.
    """

    name: ClassVar[str] = "OfdmaLink"
    says: ClassVar[str] = "subchannels and power to clients, the last one to finish as early as possible"

    offset_s: FloatArray
    payload_bits: FloatArray
    gain: FloatArray
    width_hz: FloatArray
    noise_w_per_hz: float
    client_power_w: FloatArray
    total_power_w: float

    def __post_init__(self) -> None:
        vectors = ("offset_s", "payload_bits", "gain", "width_hz", "client_power_w")
        check_numbers(self, vectors, self._shapes)
        check_offsets(self, self.offset_s)
        for name in ("payload_bits", "width_hz", "client_power_w", "noise_w_per_hz", "total_power_w", "gain"):
            value = self.gain[:, :1] if name == "gain" and self.flat_gain else numbers(name, getattr(self, name))
            if name in ("noise_w_per_hz", "total_power_w") and value.ndim:
                raise InputError(f"OfdmaLink.{name} has shape {list(value.shape)}, needs one number")
            check_range(self, name, value)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        clients, subchannels = self.offset_s.size, self.width_hz.size
        vectors = {"offset_s": clients, "payload_bits": clients, "client_power_w": clients, "width_hz": subchannels}
        return {"gain": (clients, subchannels), **{name: (length,) for name, length in vectors.items()}}

    def loaded(self, offset_s: FloatArray, payload_bits: FloatArray) -> list[OfdmaLink]:
        """Return this link once for each row of other offsets [P, K, s] and payloads [P, K, bit].

        Raises InputError as each of them would by itself; what they share is checked and kept once.
        """
        for name, rows in (("offset_s", offset_s), ("payload_bits", payload_bits)):
            if rows.ndim != 2 or rows.shape[1] != self.clients:
                raise InputError(f"OfdmaLink.{name} has shape {list(rows.shape)}, needs [P, {self.clients}]")
        check_offsets(self, offset_s)
        check_range(self, "payload_bits", payload_bits)
        shared = {**vars(self), "flat_gain": self.flat_gain, "interchangeable": self.interchangeable}
        links = [object.__new__(OfdmaLink) for _ in offset_s]
        for link, offset, payload in zip(links, offset_s, payload_bits, strict=True):
            vars(link).update(shared, offset_s=offset, payload_bits=payload)
        return links

    @property
    def subchannels(self) -> int:
        """M."""
        return len(self.width_hz)

    @cached_property
    def flat_gain(self) -> bool:
        """Whether every client's gain is the same on all subchannels."""
        return self.gain.strides[1] == 0 or bool((self.gain == self.gain[:, :1]).all())

    @cached_property
    def interchangeable(self) -> bool:
        """Whether subchannels differ neither in width nor in gain, so that only how many a client holds matters."""
        return self.flat_gain and bool((self.width_hz == self.width_hz[0]).all())

    def rates(self, spectrum: Spectrum) -> FloatArray:
        """Return each client's rate [K, bit/s]; nan where a density is negative."""
        return rates(spectrum, self.gain, self.width_hz, self.noise_w_per_hz)

    def powers(self, spectrum: Spectrum) -> FloatArray:
        """Return each client's power [K, W]."""
        return total_by_owner(spectrum.owner, spectrum.psd_w_per_hz * self.width_hz, self.clients)

    def within_limits(self, spectrum: Spectrum) -> Spectrum:
        """Return the spectrum with what exceeds a cap or the total by rounding scaled away."""
        powers = self.powers(spectrum)
        with np.errstate(divide="ignore"):
            scale = np.minimum(1.0, self.client_power_w / powers)
            scale *= np.minimum(1.0, self.total_power_w / (powers * scale).sum())
        return Spectrum(spectrum.owner, spectrum.psd_w_per_hz * scale[spectrum.owner])

    def delays(self, spectrum: Spectrum) -> FloatArray:
        """Return when each client finishes [K, s]; inf for one without rate."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.offset_s + self.payload_bits / self.rates(spectrum))

    def objective(self, spectrum: Spectrum) -> float:
        """Return when the last client finishes [s]."""
        return float(self.delays(spectrum).max())

    def judge(self, value: Spectrum) -> float:
        """Return the objective, or inf where a cap or the total is exceeded by more than rounding."""
        powers = self.powers(value)
        capped = np.all(powers <= self.client_power_w * (1 + ROUNDING))
        return self.objective(value) if capped and powers.sum() <= self.total_power_w * (1 + ROUNDING) else np.inf

    def as_start(self, value: Any) -> Spectrum:
        given, shape = record(value, Spectrum), (self.subchannels,)
        owner = places("owner", given.owner, shape, 0, self.clients - 1)
        return Spectrum(owner, floats("psd_w_per_hz", given.psd_w_per_hz, shape))

    def lower_bound(self) -> float:
        """Return a bound on the objective: every client at its alone rate (ours)."""
        if self.subchannels < self.clients:
            return float("inf")
        return float((self.offset_s + self.payload_bits / self.alone_rates()).max())

    def alone_rates(self) -> FloatArray:
        """Return the rate [K, bit/s] that each client cannot exceed, for M >= K.

        Client k holds all but K-1 subchannels (the narrowest ones go) at its best gain, with its whole power.
        """
        spared = np.sort(self.width_hz)[self.clients - 1 :].sum()
        best = self.gain[:, 0] if self.flat_gain else self.gain.max(axis=1)
        power = np.minimum(self.client_power_w, self.total_power_w)
        return np.asarray(spared * np.log1p(power * best / (self.noise_w_per_hz * spared)) / LN2)

    def owners(self, value: Spectrum) -> IntArray:
        return value.owner

    def served(self, owner: IntArray) -> tuple[Spectrum | None, float]:
        from rasolve.forms.power import owned

        owner = np.where(owner == NOBODY, self.gain.argmax(axis=0), owner)
        if len(np.unique(owner)) < self.clients:
            return None, float("inf")
        step = owned(self, owner)
        spectrum = step.spectrum(step.earliest())
        return spectrum, self.objective(spectrum)

    def worth(self, value: Spectrum) -> dict[str, Any]:
        """Return the worth of the total power, -dτ/d(total) >= 0 [s/W], owners kept; 0 where caps decide."""
        from rasolve.forms.power import owned

        return {"total_power_w": owned(self, value.owner).worth_of_total()}

    def demand(self, deadline: float) -> PowerDemand:
        total = self.total_power_w
        return PowerDemand(
            nats_per_s=self.payload_bits * LN2 / (deadline - self.offset_s),
            width_hz=self.width_hz,
            log_snr=np.log(self.gain * (total / self.noise_w_per_hz)),
            cap=np.minimum(self.client_power_w / total, 1.0),
        )

    def at_density(self, psd_w_per_hz: FloatArray | float) -> FixedDensityLink:
        """Return the link with its power spectral densities given, [M] or one for all [W/Hz].

        Raises InputError where a density is negative or all together exceed the total power.
        """
        given = numbers("psd_w_per_hz", psd_w_per_hz)
        if given.shape not in ((), (self.subchannels,)):
            raise InputError(f"psd_w_per_hz has shape {list(given.shape)}, needs [{self.subchannels}] or one number")
        require("psd_w_per_hz", given, given >= 0, "must be at least 0")
        psd = np.broadcast_to(given, (self.subchannels,))
        power_w = psd * self.width_hz
        if not (total := power_w.sum()) <= self.total_power_w * (1 + ROUNDING):
            raise InputError(f"psd_w_per_hz adds up to {total:.6g} W: must be at most {self.total_power_w:.6g} W")
        rate = density_rate(self.width_hz, psd, self.gain, self.noise_w_per_hz)
        return FixedDensityLink(self.offset_s, self.payload_bits, rate, power_w, self.client_power_w)

    def spectrum(self, owner: IntArray, psd_w_per_hz: FloatArray | float) -> Spectrum:
        """Return owners [M] at given densities; what nobody owns goes dark, to whoever hears it best."""
        best = self.gain.argmax(axis=0)
        return Spectrum(
            np.where(owner == NOBODY, best, owner), np.where(owner == NOBODY, 0.0, np.asarray(psd_w_per_hz, float))
        )
