"""`counts`: the exact optimum of an OFDMA link whose subchannels are interchangeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.least_power import allocate, least_counts, power
from rasolve.solvers.registry import register

STEP_BELOW = 1e-12
"""Relative step below an attained deadline at which the next one is looked for: the tolerance of the proof."""


@dataclass(frozen=True, eq=False)
class CountsState(State):
    """The counts behind the incumbent, and whether nothing below the incumbent (or the cutoff) exists."""

    counts: IntArray
    closed: bool


@register
@dataclass(frozen=True)
class Counts(Solver[OfdmaLink, CountsState]):
    """Descent from deadline to deadline (ours; exact): Dinkelbach's idea for a min-max with whole subchannels.

    With interchangeable subchannels only the counts n_k matter. At a deadline just below the incumbent's, the counts of
    least total power either need more than there is (then no counts at all meet that deadline, which proves the
    incumbent), or they meet it, and the deadline that they attain with the whole power is the next incumbent. Each step
    is an exact minimisation, the deadlines fall strictly, and the counts are finitely many, so it ends at the optimum:
    after a few steps where the total power decides, after about a hundred where a thousand caps do.
    """

    name = "counts"
    form = OfdmaLink
    purpose = "exact for flat gain and equal widths: least-power counts, deadline after deadline"
    exact = True

    def refuses(self, form: OfdmaLink) -> str | None:
        if form.interchangeable:
            return None
        return "gains differ between subchannels" if not form.flat_gain else "subchannel widths differ"

    def init(self, form: OfdmaLink, limits: Limits) -> CountsState:
        clients, subchannels = form.clients, form.subchannels
        bound = form.lower_bound()
        equal = subchannels // clients + (np.arange(clients) < subchannels % clients)
        if bound == INFINITY or bound >= limits.cutoff:
            return CountsState(None, INFINITY, bound, equal, closed=True)
        if limits.cutoff == INFINITY:
            started = np.bincount(limits.start.owner, minlength=clients) if limits.start is not None else equal
            return self._attained(form, started, bound)
        counts = self._meeting(form, limits.cutoff, equal)
        if counts is None:
            return CountsState(None, INFINITY, max(bound, limits.cutoff), equal, closed=True)
        return self._attained(form, counts, bound)

    def step(self, form: OfdmaLink, state: CountsState, limits: Limits) -> CountsState:
        below = state.objective * (1 - STEP_BELOW)
        counts = self._meeting(form, below, state.counts) if below > state.bound else None
        if counts is None:
            return CountsState(state.value, state.objective, max(state.bound, below), state.counts, closed=True)
        better = self._attained(form, counts, state.bound)
        return better if better.objective < state.objective else state

    def done(self, form: OfdmaLink, state: CountsState, limits: Limits) -> bool:
        return state.closed

    def multipliers(self, form: OfdmaLink, state: CountsState) -> dict[str, Any]:
        """Return the worth of the total power, -dτ/d(total) >= 0 [s/W], counts kept; 0 where caps decide."""
        total, slope = _total_power(form, state.counts, state.objective)
        return {"total_power_w": 1.0 / slope if total > form.total_power_w * (1 - ROUNDING) else 0.0}

    @staticmethod
    def _meeting(form: OfdmaLink, deadline: float, like: IntArray) -> IntArray | None:
        """Return the least-power counts that meet the deadline, or None when none do."""
        spare = deadline - form.offset_s
        if (spare <= 0).any():
            return None
        noise_w, load = _noise(form), _load(form, spare)
        least = least_counts(noise_w, load, form.client_power_w, form.subchannels)
        if least.sum() > form.subchannels:
            return None
        counts = allocate(noise_w, load, least, like, form.subchannels)
        return counts if power(noise_w, load, counts).sum() <= form.total_power_w else None

    @staticmethod
    def _attained(form: OfdmaLink, counts: IntArray, bound: float) -> CountsState:
        """Return the state at the earliest deadline that these counts can meet."""
        deadline = _earliest(form, counts)
        powers = power(_noise(form), _load(form, deadline - form.offset_s), counts)
        owner = np.repeat(np.arange(form.clients), counts)
        psd = np.repeat(powers / (counts * form.width_hz[0]), counts)
        spectrum = form.within_limits(Spectrum(owner, psd))
        return CountsState(spectrum, deadline, min(bound, deadline), counts, closed=False)


def _noise(form: OfdmaLink) -> FloatArray:
    """w_k: the noise power of one subchannel seen through client k's gain [K, W]."""
    return np.asarray(form.width_hz[0] * form.noise_w_per_hz / form.gain[:, 0])


def _load(form: OfdmaLink, spare_s: FloatArray | float) -> FloatArray:
    """d_k: nats per hertz that client k owes on a single subchannel in its spare time [K]."""
    return np.asarray(form.payload_bits * LN2 / (form.width_hz[0] * spare_s))


def _earliest(form: OfdmaLink, counts: IntArray) -> float:
    """Return the earliest deadline that given counts meet, their power caps and the total kept.

    Every client alone with its cap gives a start on the infeasible side, in closed form. There the logarithm of the
    summed power is convex and decreasing in the deadline, so Newton's iterates rise monotonically to the root.
    """
    noise_w = _noise(form)
    cap = np.minimum(form.client_power_w, form.total_power_w)
    deadline = float((form.offset_s + _load(form, 1.0) / (counts * np.log1p(cap / (noise_w * counts)))).max())
    while True:
        total, slope = _total_power(form, counts, deadline)
        later = deadline + np.log(total / form.total_power_w) * total / slope
        if not later > deadline * (1 + 1e-15):
            return deadline
        deadline = later


def _total_power(form: OfdmaLink, counts: IntArray, deadline: float) -> tuple[float, float]:
    """Return the summed power [W] that the counts need for a deadline, and how fast it falls with it [W/s]."""
    spare = deadline - form.offset_s
    exponent = _load(form, spare) / counts
    noise_w = _noise(form) * counts
    return float((noise_w * np.expm1(exponent)).sum()), float((noise_w * np.exp(exponent) * exponent / spare).sum())
