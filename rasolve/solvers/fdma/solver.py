"""The solver of `FdmaShares`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms import FdmaAllocation, FdmaShares, Form
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Solver
from rasolve.solvers.batch import BatchState
from rasolve.solvers.fdma.bounds import allocation, allocation_there, certificate
from rasolve.solvers.fdma.brackets import bracketed
from rasolve.solvers.fdma.demand import Demand, settled
from rasolve.solvers.fdma.links import ROUNDED, Links, Plan, Prices, scaled
from rasolve.solvers.fdma.newton import Ahead, ahead, improved, started, started_from
from rasolve.solvers.fdma.records import chosen, copied, put, rows, some
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register

CLOSED = 1e-12
"""Relative gap at which an instance counts as solved and is left alone."""

WIDE = 1e-5
"""Relative gap above which Newton's method takes two steps before the next look: it squares the gap."""

PATIENCE, MOST = 30, 40
"""Steps of Newton's method after which nested brackets find the prices anew, and steps in all."""


class Search(NamedTuple):
    """Where every instance stands: the prices last looked at, demand and next step there, and the best plan (scaled).

    ``low`` [...] is a bound on the deadline, counted from the latest offset [s]; ``band_s`` and ``power_s`` [...] are
    what one more band and one more total power gain.
    """

    prices: Prices
    taken: Demand
    step: Ahead
    best: Plan
    low: FloatArray
    band_s: FloatArray
    power_s: FloatArray


@dataclass(frozen=True, eq=False)
class FdmaState(BatchState):
    """The search, its scaled instances, their latest offsets [..., s], and the steps that have been taken."""

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
        best = Plan(nothing, nothing, np.full(nothing.shape[:-1], INFINITY))
        with np.errstate(all="ignore"):
            low = links.alone()
            prices = started(links, low)
            if limits.start is not None and form.fits(limits.start):
                prices, best = _from(form, links, prices, limits.start)
                search = _looked(links, prices, low, best)
            elif limits.has_cutoff:
                search = _looked(links, prices, low, best)
            else:
                search = _unjudged(links, prices, low, best)
        return _state(form, search, links, form.offset_s.max(axis=-1).reshape(low.shape), steps=0)

    def step(self, form: FdmaShares, state: FdmaState, limits: Limits) -> FdmaState:
        search, nested = state.search, state.steps == PATIENCE
        active = _active(state, limits) if form.batch else np.True_
        if active.all():
            search = _searched(state.links, search, nested)
        else:
            search = copied(search)
            put(search, active, _searched(rows(state.links, active), rows(search, active), nested))
        return _state(form, search, state.links, state.latest, state.steps + 1)

    def done(self, form: FdmaShares, state: FdmaState, limits: Limits) -> bool:
        unjudged = state.value is None and not limits.has_cutoff
        return state.steps >= MOST or not (unjudged or _open(state, limits, CLOSED).any())

    def multipliers(self, form: FdmaShares, state: FdmaState) -> dict[str, Any]:
        """Return the worth of the band, -dτ/d(total_bandwidth_hz) [..., s/Hz], and of the total power [..., s/W]."""
        band, power = (gained.reshape(form.batch) for gained in (state.search.band_s, state.search.power_s))
        return {"total_bandwidth_hz": band / form.total_bandwidth_hz, "total_power_w": power / form.total_power_w}


def _active(state: FdmaState, limits: Limits) -> NDArray[np.bool_]:
    """Return which instances [B] a step is for: those above the gap that is asked for, at last those not yet closed."""
    wanted = _open(state, limits, max(CLOSED, limits.gap))
    return wanted if some(wanted) else _open(state, limits, CLOSED)


def _open(state: FdmaState, limits: Limits, gap: float) -> NDArray[np.bool_]:
    """Return which instances [...] have neither reached a gap nor been refuted at the cutoff."""
    unrefuted: NDArray[np.bool_] = np.asarray(state.bounds < limits.cutoff_or_each)
    return (~(state.gaps <= gap) & unrefuted).reshape(state.latest.shape)


def _searched(links: Links, search: Search, nested: bool) -> Search:
    """Return the search after one step."""
    low, high = search.low, search.best.deadline
    with np.errstate(all="ignore"):
        if nested:
            at, taken = settled(links, bracketed(links, low))
            return _judged(links, at, taken, ahead(at, taken), allocation_there(links, taken), low, search.best)
        at = improved(links, search.prices, search.taken, search.step, low, high)
        if some(low < high * (1 - WIDE)):
            at, taken = settled(links, at)
            at = improved(links, at, taken, ahead(at, taken), low, high)
        return _looked(links, at, low, search.best)


def _unjudged(links: Links, at: Prices, low: FloatArray, best: Plan) -> Search:
    """Return the search before any look at prices: neither a start nor a cutoff makes a first one worth its time."""
    at, taken = settled(links, at)
    return Search(at, taken, ahead(at, taken), best, low, 0.0 * low, 0.0 * low)


def _looked(links: Links, at: Prices, low: FloatArray, best: Plan) -> Search:
    """Return the search after a look at prices, given the bound and the best plan so far."""
    at, taken = settled(links, at)
    step = ahead(at, taken)
    return _judged(links, at, taken, step, allocation(links, at, taken, step), low, best)


def _judged(links: Links, at: Prices, taken: Demand, step: Ahead, plan: Plan, low: FloatArray, best: Plan) -> Search:
    """Return the search with the better bound and the better plan."""
    bound, band_s, power_s = certificate(links, at, taken)
    better = plan.deadline < best.deadline
    if some(better):
        best = chosen(better, plan, best)
    low = np.minimum(np.fmax(low, bound), best.deadline)
    return Search(at, taken, step, best, low, band_s, power_s)


def _from(form: FdmaShares, links: Links, otherwise: Prices, start: FdmaAllocation) -> tuple[Prices, Plan]:
    """Return the prices of a given value wherever it has some, and its plan wherever it keeps the limits."""
    bandwidth = (start.bandwidth_hz / form.total_bandwidth_hz[..., None]).reshape(links.load.shape)
    power = (start.power_w / form.total_power_w[..., None]).reshape(links.load.shape)
    begun = started_from(links, bandwidth, power)
    positive = ((bandwidth > 0) & (power > 0) & np.isfinite(begun.efficiency)).all(axis=-1)
    usable = positive & np.isfinite(begun.deadline + begun.log_price)
    nothing = np.zeros_like(bandwidth)
    kept = usable & form.keeps(start).reshape(usable.shape)
    return chosen(usable, begun, otherwise), chosen(
        kept, Plan(bandwidth, power, begun.deadline), Plan(nothing, nothing, np.full(kept.shape, INFINITY))
    )


def _state(form: FdmaShares, search: Search, links: Links, latest: FloatArray, steps: int) -> FdmaState:
    """Return the state of a search, in the form's own units; a bound is rounded down."""
    objectives = (latest + search.best.deadline).reshape(form.batch)
    bounds = ((latest + search.low) * (1 - ROUNDED)).reshape(form.batch)
    objective = float(objectives.max())
    return FdmaState(
        _allocated(form, search.best) if objective < INFINITY else None,
        objective,
        float(bounds.max()),
        objectives,
        bounds,
        search,
        links,
        latest,
        steps,
    )


def _allocated(form: FdmaShares, plan: Plan) -> FdmaAllocation:
    """Return a plan in the form's own units and shape."""
    return FdmaAllocation(
        plan.bandwidth.reshape(form.offset_s.shape) * form.total_bandwidth_hz[..., None],
        plan.power.reshape(form.offset_s.shape) * form.total_power_w[..., None],
    )
