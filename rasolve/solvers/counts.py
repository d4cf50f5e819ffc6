"""`counts`: the exact optimum of OFDMA links whose subchannels are interchangeable, of one or of many at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.forms.batch import relative_gaps
from rasolve.numerics import ROUNDING, FloatArray, IntArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.batch import BatchState
from rasolve.solvers.limits import Limits
from rasolve.solvers.links.descent import Descent, begun, lowered
from rasolve.solvers.links.flat_links import FlatLinks
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class CountsState(State):
    """The link as a batch of one, and how far its descent from deadline to deadline has come."""

    links: FlatLinks
    descent: Descent

    @property
    def counts(self) -> IntArray:
        """The incumbent's counts [K]."""
        return np.asarray(self.descent.counts[0])

    @property
    def closed(self) -> bool:
        """Whether nothing earlier exists."""
        return bool(self.descent.closed[0])


@register
@dataclass(frozen=True)
class Counts(Solver[OfdmaLink, CountsState]):
    """Descent from deadline to deadline (ours; exact); `rasolve.solvers.links.descent` has its mathematics."""

    name = "counts"
    form = OfdmaLink
    purpose = "exact for flat gain and equal widths: least-power counts, deadline after deadline"
    exact = True

    def refuses(self, form: OfdmaLink) -> str | None:
        if form.interchangeable:
            return None
        return "gains differ between subchannels" if not form.flat_gain else "subchannel widths differ"

    def alike(self, form: OfdmaLink) -> Hashable:
        return form.gain.shape

    def together(self, forms: Sequence[OfdmaLink]) -> tuple[Solver[Any, Any], FlatLinks]:
        return CountsTogether(), FlatLinks.of(forms)

    def starts(self, values: Sequence[Spectrum | None]) -> Sequence[Spectrum | None]:
        return values

    def init(self, form: OfdmaLink, limits: Limits) -> CountsState:
        links = FlatLinks.of([form])
        return _state(links, begun(links, limits.cutoffs((1,)), _counts_of([limits.start], links)))

    def step(self, form: OfdmaLink, state: CountsState, limits: Limits) -> CountsState:
        return _state(state.links, lowered(state.links, state.descent, ~state.descent.closed))

    def done(self, form: OfdmaLink, state: CountsState, limits: Limits) -> bool:
        return state.closed

    def multipliers(self, form: OfdmaLink, state: CountsState) -> dict[str, Any]:
        """Return the worth of the total power, -dτ/d(total) >= 0 [s/W], counts kept; 0 where caps decide."""
        return {"total_power_w": float(_worth(state.links, state.descent)[0])}


def _state(links: FlatLinks, descent: Descent) -> CountsState:
    value = _Spectra(descent)[0] if descent.incumbents[0] else None
    return CountsState(value, float(descent.objective[0]), float(descent.bound[0]), links, descent)


class _Spectra(Sequence[Spectrum]):
    """The incumbents as spectra: each client's subchannels one after another, all at the client's density."""

    def __init__(self, descent: Descent) -> None:
        self._descent = descent

    def __len__(self) -> int:
        return len(self._descent.counts)

    def __getitem__(self, index: Any) -> Any:
        counts = self._descent.counts[index]
        owner = np.repeat(np.arange(len(counts)), counts)
        return Spectrum(owner, self._descent.psd_w_per_hz[index][owner])


@dataclass(frozen=True, eq=False)
class CountsBatch(BatchState):
    """How far the descent of every link has come."""

    descent: Descent

    @property
    def rested(self) -> NDArray[np.bool_]:
        """Those for which something earlier may exist."""
        return ~self.descent.closed


@dataclass(frozen=True)
class CountsTogether(Solver[FlatLinks, CountsBatch]):
    """The same descent, on many links at once: each has its own incumbent, bound and steps."""

    name = "counts"
    form = FlatLinks
    purpose = Counts.purpose
    exact = True
    batched = True

    def init(self, form: FlatLinks, limits: Limits) -> CountsBatch:
        return _batch(begun(form, limits.cutoffs(form.width_hz.shape), _counts_of(limits.start or (), form)))

    def step(self, form: FlatLinks, state: CountsBatch, limits: Limits) -> CountsBatch:
        return _batch(lowered(form, state.descent, self._going(state.descent, limits)))

    def done(self, form: FlatLinks, state: CountsBatch, limits: Limits) -> bool:
        return not self._going(state.descent, limits).any()

    @staticmethod
    def _going(descent: Descent, limits: Limits) -> NDArray[np.bool_]:
        """Return which instances [N] are neither closed nor, after a first step, within the asked gap."""
        within = relative_gaps(descent.objective, descent.bound) <= limits.gap
        return ~descent.closed & ~(within & (descent.incumbents > 1))

    def multipliers(self, form: FlatLinks, state: CountsBatch) -> dict[str, Any]:
        return {"total_power_w": _worth(form, state.descent)}


def _batch(descent: Descent) -> CountsBatch:
    objective, bound = descent.objective, descent.bound
    return CountsBatch(_Spectra(descent), float(objective.max()), float(bound.max()), objective, bound, descent)


def _counts_of(starts: Sequence[Spectrum | None], links: FlatLinks) -> IntArray:
    """Return how many subchannels each client holds [N, K] at starts that serve all clients, else equal counts."""
    counts = np.array(links.equal_counts)
    for row, start in enumerate(starts):
        if start is not None and (held := _held(start, links)) is not None:
            counts[row] = held
    return counts


def _held(start: Spectrum, links: FlatLinks) -> IntArray | None:
    """Return how many subchannels each client holds [K] at a start; None unless it fits and serves everybody."""
    owner = start.owner
    if owner.shape != (links.subchannels,) or owner.min() < 0 or owner.max() >= links.clients:
        return None
    counts = np.bincount(owner, minlength=links.clients)
    return counts if counts.min() >= 1 else None


def _worth(links: FlatLinks, descent: Descent) -> FloatArray:
    """Return the worth of the total power [N, s/W], counts kept; 0 where the deadline is met with less than that."""
    total, slope = links.total_power(descent.counts, descent.deadline)
    with np.errstate(divide="ignore"):
        return np.where(total <= links.total_power_w * (1 - ROUNDING), 0.0, 1.0 / slope)
