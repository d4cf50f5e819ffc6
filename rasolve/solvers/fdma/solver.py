"""The solver of `FdmaShares`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms import FdmaAllocation, FdmaShares, Form
from rasolve.numerics import FloatArray
from rasolve.solvers.base import INFINITY, Limits, Solver
from rasolve.solvers.batch import BatchState
from rasolve.solvers.fdma.bounds import allocation, certificate
from rasolve.solvers.fdma.brackets import bracketed
from rasolve.solvers.fdma.demand import Demand, settled
from rasolve.solvers.fdma.links import ROUNDED, Links, Prices, Rows, scaled
from rasolve.solvers.fdma.newton import improved, started, started_from
from rasolve.solvers.registry import register

CLOSED = 1e-12
"""Relative gap at which an instance counts as solved and is left alone."""

PATIENCE, MOST = 30, 40
"""Steps of Newton's method after which nested brackets find the prices anew, and steps in all."""


@dataclass(frozen=True, eq=False)
class Search(Rows):
    """Where every instance stands: the prices last looked at and the demand there, and the best plan so far (scaled).

    ``low`` and ``high`` [B] enclose the deadline, counted from the latest offset [s]; ``band_s`` and ``power_s`` [B]
    are what one more band and one more total power gain.
    """

    prices: Prices
    taken: Demand
    bandwidth: FloatArray
    power: FloatArray
    low: FloatArray
    high: FloatArray
    band_s: FloatArray
    power_s: FloatArray


@dataclass(frozen=True, eq=False)
class FdmaState(BatchState):
    """The search, its scaled instances, their latest offsets [B, s], and the steps that have been taken."""

    search: Search
    links: Links
    latest: FloatArray
    steps: int


@register
@dataclass(frozen=True)
class Fdma(Solver[FdmaShares, FdmaState]):
    """Newton's method on two prices (ours; exact): a deadline and a price of bandwidth in power decide everything.

    Every step proves a bound by weak duality at its prices, whatever they are, and attains a plan from them; the two
    meet quadratically. Instances whose bound and plan have met are left alone. Should Newton's method not get there,
    nested brackets do.
    """

    name = "fdma"
    form = FdmaShares
    purpose = "exact: a deadline and a price of bandwidth in power, by Newton's method, vectorised over a batch"
    exact = True
    batched = True

    def alike(self, form: FdmaShares) -> Hashable:
        return form.offset_s.shape

    def together(self, forms: Sequence[FdmaShares]) -> tuple[Solver[Any, Any], Form]:
        if forms[0].batch:
            raise InputError("forms hold batches themselves: give a sequence of single instances, or one batch")
        return self, FdmaShares(*(np.stack([getattr(form, f.name) for form in forms]) for f in fields(forms[0])))

    def init(self, form: FdmaShares, limits: Limits) -> FdmaState:
        links = scaled(form)
        nothing = np.zeros_like(links.load)
        endless = np.full(len(nothing), INFINITY)
        with np.errstate(all="ignore"):
            low = links.alone()
            prices, kept = started(links, low), (nothing, nothing, endless)
            if limits.start is not None and form.fits(limits.start):
                prices, kept = _from(form, links, prices, limits.start)
            search = _looked(links, prices, low, *kept)
        return _state(form, search, links, form.offset_s.max(axis=-1).reshape(-1), steps=0)

    def step(self, form: FdmaShares, state: FdmaState, limits: Limits) -> FdmaState:
        rows = _open(state, limits, max(CLOSED, limits.gap))
        rows = rows if rows.any() else _open(state, limits, CLOSED)
        search, nested = state.search, state.steps == PATIENCE
        if rows.all():
            search = _searched(state.links, search, nested)
        else:
            search = search.copy()
            search[rows] = _searched(state.links[rows], search[rows], nested)
        return _state(form, search, state.links, state.latest, state.steps + 1)

    def done(self, form: FdmaShares, state: FdmaState, limits: Limits) -> bool:
        return state.steps >= MOST or not _open(state, limits, CLOSED).any()

    def multipliers(self, form: FdmaShares, state: FdmaState) -> dict[str, Any]:
        """Return the worth of the band, -dτ/d(total_bandwidth_hz) [..., s/Hz], and of the total power [..., s/W]."""
        band, power = (gained.reshape(form.batch) for gained in (state.search.band_s, state.search.power_s))
        return {"total_bandwidth_hz": band / form.total_bandwidth_hz, "total_power_w": power / form.total_power_w}


def _open(state: FdmaState, limits: Limits, gap: float) -> NDArray[np.bool_]:
    """Return which instances [B] have neither reached a gap nor been refuted at the cutoff."""
    return (~(state.gaps <= gap) & (state.bounds < limits.cutoffs(state.bounds.shape))).reshape(-1)


def _searched(links: Links, search: Search, nested: bool) -> Search:
    """Return the search after one step."""
    low, high = search.low, search.high
    with np.errstate(all="ignore"):
        at = bracketed(links, low) if nested else improved(links, search.prices, search.taken, low, high)
        return _looked(links, at, low, search.bandwidth, search.power, high)


def _looked(
    links: Links, at: Prices, low: FloatArray, bandwidth: FloatArray, power: FloatArray, high: FloatArray
) -> Search:
    """Return the search after a look at prices, given the bound and the best plan so far."""
    at, taken = settled(links, at)
    bound, band_s, power_s = certificate(links, at, taken)
    wide, loud, deadline = allocation(links, taken)
    better = deadline < high
    high = np.where(better, deadline, high)
    better = better[:, None]
    return Search(
        prices=at,
        taken=taken,
        bandwidth=np.where(better, wide, bandwidth),
        power=np.where(better, loud, power),
        low=np.minimum(np.fmax(low, bound), high),
        high=high,
        band_s=band_s,
        power_s=power_s,
    )


def _from(
    form: FdmaShares, links: Links, otherwise: Prices, start: FdmaAllocation
) -> tuple[Prices, tuple[FloatArray, FloatArray, FloatArray]]:
    """Return the prices of a given value, and its plan (bandwidth, power, deadline) wherever it keeps the limits."""
    bandwidth = (start.bandwidth_hz / form.total_bandwidth_hz[..., None]).reshape(links.load.shape)
    power = (start.power_w / form.total_power_w[..., None]).reshape(links.load.shape)
    begun, prices = started_from(links, bandwidth, power), otherwise.copy()
    positive = ((bandwidth > 0) & (power > 0) & np.isfinite(begun.efficiency)).all(axis=-1)
    usable = positive & np.isfinite(begun.deadline + begun.log_price)
    prices[usable] = begun[usable]
    kept = usable & form.keeps(start).reshape(-1)
    return prices, (
        np.where(kept[:, None], bandwidth, 0.0),
        np.where(kept[:, None], power, 0.0),
        np.where(kept, begun.deadline, INFINITY),
    )


def _state(form: FdmaShares, search: Search, links: Links, latest: FloatArray, steps: int) -> FdmaState:
    """Return the state of a search, in the form's own units; a bound is rounded down."""
    objectives = (latest + search.high).reshape(form.batch)
    bounds = ((latest + search.low) * (1 - ROUNDED)).reshape(form.batch)
    value = FdmaAllocation(
        search.bandwidth.reshape(form.offset_s.shape) * form.total_bandwidth_hz[..., None],
        search.power.reshape(form.offset_s.shape) * form.total_power_w[..., None],
    )
    objective = float(objectives.max())
    return FdmaState(
        value if objective < INFINITY else None,
        objective,
        float(bounds.max()),
        objectives,
        bounds,
        search,
        links,
        latest,
        steps,
    )
