"""`counts`: the exact optimum of an OFDMA link whose subchannels are interchangeable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.least_power import allocate, least_counts, power
from rasolve.solvers.registry import register

STEP_BELOW = 1e-12
"""Relative step below an attained deadline at which the next one is looked for: the tolerance of the proof."""

PATIENCE = 4
"""Steps just below the incumbent before halving begins."""

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class CountsState(State):
    """The incumbent's counts and deadline, the steps that led to it, and whether nothing earlier exists."""

    counts: IntArray
    deadline: float
    steps: int = 0
    closed: bool = False


@register
@dataclass(frozen=True)
class Counts(Solver[OfdmaLink, CountsState]):
    """Descent from deadline to deadline (ours; exact): Dinkelbach's idea joined with bisection.

    With interchangeable subchannels only the counts n_k matter. The counts of least total power for a deadline either
    need more than there is (then no counts at all meet it, and it is a bound), or they meet it, and the deadline that
    they attain with the whole power is the next incumbent. The first steps look just below the incumbent, which ends
    after about four where the total power decides. Where caps decide, those deadlines could fall by one subchannel at a
    time; so later steps look halfway to the bound first, and take no more of them than bisection does.
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
            return CountsState(None, INFINITY, bound, equal, INFINITY, closed=True)
        if limits.cutoff == INFINITY:
            return self._attained(form, _counts_of(limits.start, form, otherwise=equal), bound)
        counts = self._meeting(form, limits.cutoff, equal)
        if counts is None:
            return CountsState(None, INFINITY, max(bound, limits.cutoff), equal, INFINITY, closed=True)
        return self._attained(form, counts, bound)

    def step(self, form: OfdmaLink, state: CountsState, limits: Limits) -> CountsState:
        below = state.deadline * (1 - STEP_BELOW)
        middle = 0.5 * (state.deadline + state.bound)
        halving = state.steps >= PATIENCE and state.bound < middle < below
        for deadline in (middle, below) if halving else (below,):
            counts = self._meeting(form, deadline, state.counts) if deadline > state.bound else None
            if counts is not None:
                better = replace(self._attained(form, counts, state.bound), steps=state.steps + 1)
                return better if better.objective < state.objective else replace(state, closed=True)
            state = replace(state, bound=min(max(state.bound, deadline), state.objective), closed=deadline >= below)
        return state

    def done(self, form: OfdmaLink, state: CountsState, limits: Limits) -> bool:
        return state.closed

    def multipliers(self, form: OfdmaLink, state: CountsState) -> dict[str, Any]:
        """Return the worth of the total power, -dτ/d(total) >= 0 [s/W], counts kept; 0 where caps decide."""
        _, slope = _total_power(form, state.counts, state.deadline)
        return {"total_power_w": 0.0 if _caps_decide(form, state) else 1.0 / slope}

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
        """Return the state at the earliest deadline that these counts can meet.

        Powers are those of a few units in the last place later, so that rounding does not break a limit; a client whose
        spare time is lost in rounding sends at its cap. The objective is what the densities attain.
        """
        deadline = _earliest(form, counts)
        spare = deadline * (1 + 4 * EPSILON) - form.offset_s
        with np.errstate(divide="ignore", over="ignore"):
            powers = np.minimum(power(_noise(form), _load(form, spare), counts), form.client_power_w)
        owner = np.repeat(np.arange(form.clients), counts)
        psd = np.repeat(powers / (counts * form.width_hz[0]), counts)
        spectrum = form.within_limits(Spectrum(owner, psd))
        return CountsState(spectrum, form.objective(spectrum), bound, counts, deadline)


def _counts_of(start: Spectrum | None, form: OfdmaLink, otherwise: IntArray) -> IntArray:
    """Return how many subchannels each client holds at the start, if that is one that serves everybody."""
    if start is None:
        return otherwise
    counts = np.bincount(start.owner, minlength=form.clients)
    return counts if counts.sum() == form.subchannels and counts.min() >= 1 else otherwise


def _caps_decide(form: OfdmaLink, state: CountsState) -> bool:
    """Return whether the counts meet their deadline with less than the total power."""
    return _total_power(form, state.counts, state.deadline)[0] <= form.total_power_w * (1 - ROUNDING)


def _noise(form: OfdmaLink) -> FloatArray:
    """w_k: the noise power of one subchannel seen through client k's gain [K, W]."""
    return np.asarray(form.width_hz[0] * form.noise_w_per_hz / form.gain[:, 0])


def _load(form: OfdmaLink, spare_s: FloatArray | float) -> FloatArray:
    """d_k: nats per hertz that client k owes on a single subchannel in its spare time [K]; inf where that is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(form.payload_bits * LN2 / (form.width_hz[0] * spare_s))


def _earliest(form: OfdmaLink, counts: IntArray) -> float:
    """Return the earliest deadline that given counts meet, their power caps and the total kept.

    Every client alone with its cap gives a start on the infeasible side, in closed form. There the logarithm of the
    summed power is convex and decreasing in the deadline, so Newton's iterates rise monotonically to the root. Where a
    client's spare time is below the rounding of the deadline, that start is all that can be said.
    """
    noise_w = _noise(form)
    cap = np.minimum(form.client_power_w, form.total_power_w)
    deadline = float((form.offset_s + _load(form, 1.0) / (counts * np.log1p(cap / (noise_w * counts)))).max())
    while True:
        total, slope = _total_power(form, counts, deadline)
        with np.errstate(invalid="ignore"):
            later = deadline + np.log(total / form.total_power_w) * np.float64(total) / slope
        if not later > deadline * (1 + 4 * EPSILON):
            return deadline
        deadline = float(later)


def _total_power(form: OfdmaLink, counts: IntArray, deadline: float) -> tuple[float, float]:
    """Return the summed power [W] that the counts need for a deadline, and how fast it falls with it [W/s]."""
    spare = deadline - form.offset_s
    noise_w = _noise(form) * counts
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        exponent = _load(form, spare) / counts
        slope = noise_w * np.exp(exponent) * exponent / spare
        return float((noise_w * np.expm1(exponent)).sum()), float(slope.sum())
