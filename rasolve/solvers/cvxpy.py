"""`cvxpy`: a general cone solver on a well scaled model, to hold fast solvers against."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.errors import unknown
from rasolve.forms import FdmaAllocation, FdmaShares
from rasolve.numerics import FloatArray
from rasolve.solvers.base import Solver, State
from rasolve.solvers.fdma.bounds import certificate
from rasolve.solvers.fdma.demand import settled
from rasolve.solvers.fdma.links import ROUNDED, Links, Prices, scaled
from rasolve.solvers.limits import INFINITY, Limits
from rasolve.solvers.registry import register


@dataclass(frozen=True, eq=False)
class Answer:
    """What the cone solver returned for one instance, scaled: bandwidth and power [K] and the price of bandwidth."""

    bandwidth: FloatArray
    power: FloatArray
    price: float

    def plan(self, form: FdmaShares) -> FdmaAllocation:
        """Return the answer in the form's own units, within its limits."""
        width, power = np.maximum(self.bandwidth, 0.0), np.maximum(self.power, 0.0)
        return form.within_limits(FdmaAllocation(width * form.total_bandwidth_hz, power * form.total_power_w))


class Program:
    """min t of one instance with K clients as an exponential cone program, compiled once for all data.

        α_k + δ_k/ρ_k <= t,   ρ_k <= w_k·(ln((v_k·w_k + u_k·p_k)/w_k) + c_k),   Σ w_k <= K,   Σ p_k <= K,   p_k <= κ_k

    Bandwidth w and power p are in K-ths of the budgets, times in units of a plan's own deadline, and (u, v, c) is
    (1, 1/h, ln h) where the SNR h at all power over the whole band exceeds 1, else (h, 1, 0): no number is large. All
    that varies is a parameter, so that no solve compiles anew (cvxpy's DPP).
    """

    def __init__(self, clients: int) -> None:
        cp = modeller()
        self._clients = clients
        self._width, self._power, self._rate = (cp.Variable(clients, nonneg=True) for _ in range(3))
        self._offset = cp.Parameter(clients)
        self._load, self._cap, self._own, self._heard = (cp.Parameter(clients, nonneg=True) for _ in range(4))
        self._level = cp.Parameter(clients)
        deadline = cp.Variable()
        received = cp.multiply(self._own, self._width) + cp.multiply(self._heard, self._power)
        self._band = cp.sum(self._width) <= clients
        self._total = cp.sum(self._power) <= clients
        self._problem = cp.Problem(
            cp.Minimize(deadline),
            [
                self._offset + cp.multiply(self._load, cp.inv_pos(self._rate)) <= deadline,
                self._rate <= cp.multiply(self._level, self._width) - cp.rel_entr(self._width, received),
                self._power <= self._cap,
                self._band,
                self._total,
            ],
        )

    def solve(self, links: Links, unit_s: float, engine: str, seconds: float) -> Answer | None:
        """Return the answer for a single instance, or None where the engine gave up."""
        cp = modeller()
        snr = links.snr
        self._offset.value = -links.head / unit_s
        self._load.value = links.load * self._clients / unit_s
        self._cap.value = links.cap * self._clients
        self._heard.value, self._own.value = np.minimum(snr, 1.0), np.minimum(1 / snr, 1.0)
        self._level.value = np.log(np.maximum(snr, 1.0))
        limit = {"time_limit": seconds} if engine == "CLARABEL" and seconds < INFINITY else {}
        try:
            with warnings.catch_warnings(action="ignore"):  # that it may be inaccurate: it is judged anyway
                self._problem.solve(solver=engine, warm_start=False, **limit)
        except cp.SolverError:
            return None
        if self._width.value is None or not np.isfinite(self._width.value + self._power.value).all():
            return None
        dual = [float(constraint.dual_value) for constraint in (self._band, self._total)]
        price = dual[0] / dual[1] if min(dual) > 0 else 1.0
        return Answer(self._width.value / self._clients, self._power.value / self._clients, price)


def modeller() -> Any:
    """Return cvxpy, loaded when it is first needed; it brings no types of its own."""
    return import_module("cvxpy")


@lru_cache(maxsize=8)
def program(clients: int) -> Program:
    """Return the compiled program for a number of clients."""
    return Program(clients)


@cache
def _missing() -> bool:
    return find_spec("cvxpy") is None


@cache
def _engines() -> list[str]:
    return list(modeller().installed_solvers())


@dataclass(frozen=True, eq=False)
class CvxpyState(State):
    """The better of equal shares and the engine's plan, and whether the engine has been called."""

    called: bool


@register
@dataclass(frozen=True)
class Cvxpy(Solver[FdmaShares, CvxpyState]):
    """One call of a general cone solver through cvxpy (a reference; the scaling is ours).

    Its tolerances prove nothing, so its plan is scaled into the limits and judged by the true rate, and its bound is
    that of `rasolve.solvers.fdma.bounds.certificate` at its price of bandwidth: proved, and as near as that is good.
    ``engine`` is any solver of exponential cones that cvxpy knows. Where it gives up, equal shares remain.
    """

    name = "cvxpy"
    form = FdmaShares
    purpose = "reference: scaled exponential cone program through cvxpy, the bound certified from its prices"
    engine: str = "CLARABEL"

    def refuses(self, form: FdmaShares) -> str | None:
        if _missing():
            return "it needs cvxpy: install rasolve[modeling]"
        return "it is a batch" if form.batch else None

    def init(self, form: FdmaShares, limits: Limits) -> CvxpyState:
        share = np.full(form.clients, 1.0 / form.clients)
        equal = form.within_limits(FdmaAllocation(share * form.total_bandwidth_hz, share * form.total_power_w))
        return CvxpyState(equal, form.objective(equal), form.lower_bound(), called=False)

    def step(self, form: FdmaShares, state: CvxpyState, limits: Limits) -> CvxpyState:
        links, latest = scaled(form), float(form.offset_s.max())
        answer = program(form.clients).solve(
            links, state.objective - latest, self._known_engine(), limits.deadline - perf_counter()
        )
        if answer is None:
            return replace(state, called=True)
        plan = answer.plan(form)
        objective = form.objective(plan)
        value, objective = (plan, objective) if objective < state.objective else (state.value, state.objective)
        with np.errstate(all="ignore"):
            at = Prices(
                deadline=np.asarray(objective - latest),
                log_price=np.asarray(np.log(answer.price)),
                efficiency=np.log1p(answer.power * links.snr / answer.bandwidth),
            )
            bound = float(certificate(links, *settled(links, at))[0])
        proved = np.fmax(state.bound, (latest + bound) * (1 - ROUNDED))
        return CvxpyState(value, objective, min(float(proved), objective), called=True)

    def done(self, form: FdmaShares, state: CvxpyState, limits: Limits) -> bool:
        return state.called or state.bound >= limits.cutoff

    def _known_engine(self) -> str:
        if self.engine not in _engines():
            raise unknown("engine of cvxpy", self.engine, _engines())
        return self.engine
