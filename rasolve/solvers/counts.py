"""`counts`: the exact optimum of an OFDMA link whose subchannels are interchangeable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.numerics import LN2, ROUNDING, FloatArray, IntArray, decreasing_root
from rasolve.solvers.base import INFINITY, Limits, Solver, State
from rasolve.solvers.least_power import allocate, least_counts, power
from rasolve.solvers.registry import register

STEP_BELOW = 1e-12
"""Relative step below an attained deadline at which the next one is looked for: the tolerance of the proof."""
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class CountsState(State):
    """The incumbent's counts and deadline, whether the caps' own bound is known, whether nothing earlier exists."""

    counts: IntArray
    deadline: float
    caps_known: bool = False
    closed: bool = False


@register
@dataclass(frozen=True)
class Counts(Solver[OfdmaLink, CountsState]):
    """Descent from deadline to deadline (ours; exact): Dinkelbach's idea for a min-max with whole subchannels.

    With interchangeable subchannels only the counts n_k matter. At a deadline just below the incumbent's, the counts of
    least total power either need more than there is (then no counts at all meet that deadline, which proves the
    incumbent), or they meet it, and the deadline that they attain with the whole power is the next incumbent. Each step
    is an exact minimisation, the deadlines fall strictly, and the counts are finitely many, so it ends at the optimum,
    after a few steps. Where caps and not the total decide, a deadline could fall by one subchannel at a time: then the
    earliest deadline that the caps alone allow is bracketed first, which is a bound and the next place to look.
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
        counts = self._meeting(form, below, state.counts) if below > state.bound else None
        if counts is None:
            return replace(state, bound=min(max(state.bound, below), state.objective), closed=True)
        better = replace(self._attained(form, counts, state.bound), caps_known=state.caps_known)
        if not better.caps_known and _caps_decide(form, better):
            better = self._at_the_caps(form, better)
        return better if better.objective < state.objective else replace(state, bound=better.bound, closed=True)

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

    def _at_the_caps(self, form: OfdmaLink, state: CountsState) -> CountsState:
        """Return the state with the bound that the caps alone prove, moved to their earliest deadline if that helps."""
        noise_w = _noise(form)

        def least(deadline: FloatArray) -> IntArray:
            load = _load(form, deadline - form.offset_s)
            return least_counts(noise_w, load, form.client_power_w, form.subchannels)

        def excess(deadline: FloatArray) -> FloatArray:
            return np.asarray(np.log(least(deadline).sum() / (form.subchannels + 0.5)))

        caps = decreasing_root(excess, form.offset_s.max(), state.deadline)
        bound = max(state.bound, float(caps.infeasible) * (1 - STEP_BELOW))
        spare = caps.feasible - form.offset_s
        counts = allocate(noise_w, _load(form, spare), least(caps.feasible), state.counts, form.subchannels)
        moved = self._attained(form, counts, bound)
        return replace(moved if moved.objective < state.objective else state, bound=bound, caps_known=True)

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
