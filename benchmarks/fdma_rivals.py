"""Rivals from scipy on one `FdmaShares` instance: SLSQP and trust-constr, well scaled and with exact derivatives.

    min t   subject to   α_k + δ_k/ρ_k(w_k, p_k) <= t,   Σ w_k <= K,   Σ p_k <= K,   0 <= p_k <= κ_k,   w_k > 0

in K-ths of the budgets and in units of the deadline at equal shares, from where both start. What comes back is scaled
into the limits and judged by the true rate; they prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, minimize

from rasolve.forms import FdmaAllocation, FdmaShares
from rasolve.numerics import LN2, FloatArray

LEAST = 1e-9
"""Least share of a client, in K-ths of a budget."""


class OutOfTime(Exception):
    """Raised inside scipy, which has no time limit of its own."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """The instance as scipy sees it: x = (w [K], p [K], t)."""

    form: FdmaShares
    deadline: float

    @cached_property
    def equal_shares(self) -> FloatArray:
        """The same bandwidth for each client, and the same power or its cap [2K]."""
        return np.concatenate([np.ones(self.form.clients), np.minimum(1.0, self.cap)])

    @cached_property
    def start(self) -> FloatArray:
        """Equal shares, and the deadline that they attain."""
        return np.append(self.equal_shares, 1.0)

    @cached_property
    def ascent(self) -> FloatArray:
        """The gradient of the objective, which is t alone."""
        return np.append(np.zeros(2 * self.form.clients), 1.0)

    @cached_property
    def cap(self) -> FloatArray:
        """κ_k: caps in K-ths of the total power."""
        return np.asarray(self.form.client_power_w * self.form.clients / self.form.total_power_w)

    @cached_property
    def unit_s(self) -> float:
        """The deadline at equal shares."""
        return self.form.objective(self.allocation(self.equal_shares))

    def allocation(self, x: FloatArray) -> FdmaAllocation:
        """Return bandwidth and power, scaled into all limits."""
        k, form = self.form.clients, self.form
        width, power = np.maximum(x[:k], LEAST), np.maximum(x[k : 2 * k], 0.0)
        return form.within_limits(
            FdmaAllocation(width * (form.total_bandwidth_hz / k), power * (form.total_power_w / k))
        )

    def spare(self, x: FloatArray) -> FloatArray:
        """Return t minus when each client ends [K], to be at least 0."""
        if process_time() > self.deadline:
            raise OutOfTime
        rate, _, _ = self._rate(x)
        return np.asarray(x[-1] - self._offset - self._load / rate)

    def slope(self, x: FloatArray) -> FloatArray:
        """Return the derivative of :meth:`spare` [K, 2K+1]."""
        k = self.form.clients
        rate, by_width, by_power = self._rate(x)
        gain = self._load / rate**2
        jacobian = np.zeros((k, 2 * k + 1))
        rows = np.arange(k)
        jacobian[rows, rows], jacobian[rows, k + rows], jacobian[:, -1] = gain * by_width, gain * by_power, 1.0
        return jacobian

    def _rate(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        k = self.form.clients
        width, power = np.maximum(x[:k], LEAST), np.maximum(x[k : 2 * k], LEAST)
        snr = self._snr * power / width
        bits = np.log1p(snr)
        return width * bits, bits - snr / (1 + snr), self._snr / (1 + snr)

    @cached_property
    def _snr(self) -> FloatArray:
        form = self.form
        return np.asarray(form.gain * form.total_power_w / (form.noise_w_per_hz * form.total_bandwidth_hz))

    @cached_property
    def _offset(self) -> FloatArray:
        return np.asarray(self.form.offset_s / self.unit_s)

    @cached_property
    def _load(self) -> FloatArray:
        form = self.form
        return np.asarray(form.payload_bits * (LN2 * form.clients) / (form.total_bandwidth_hz * self.unit_s))


def _minimised(form: FdmaShares, seconds: float, method: Callable[[Scaled], Any]) -> float:
    """Return the deadline [s] that a method attains, NaN where it ran out of time or broke down."""
    scaled = Scaled(form, process_time() + seconds)
    try:
        with np.errstate(all="ignore"):
            return form.objective(scaled.allocation(method(scaled).x))
    except (OutOfTime, ValueError, np.linalg.LinAlgError):
        return float("nan")


def _limits(scaled: Scaled) -> tuple[Bounds, FloatArray]:
    """Return the bounds of all variables and the rows of the two budgets."""
    k = scaled.form.clients
    bounds = Bounds(
        np.concatenate([np.full(2 * k, LEAST), [0.0]]),
        np.concatenate([np.full(k, float(k)), np.minimum(scaled.cap, k), [10.0]]),
    )
    budgets = np.zeros((2, 2 * k + 1))
    budgets[0, :k], budgets[1, k : 2 * k] = 1.0, 1.0
    return bounds, budgets


def slsqp(form: FdmaShares, seconds: float) -> float:
    """Return the deadline [s] by sequential quadratic programming."""

    def method(scaled: Scaled) -> Any:
        bounds, budgets = _limits(scaled)
        constraints = [
            {"type": "ineq", "fun": scaled.spare, "jac": scaled.slope},
            {"type": "ineq", "fun": lambda x: form.clients - budgets @ x, "jac": lambda _: -budgets},
        ]
        return minimize(
            lambda x: x[-1], scaled.start, jac=lambda _: scaled.ascent, bounds=bounds, constraints=constraints,
            method="SLSQP", options={"maxiter": 1000, "ftol": 1e-12},
        )  # fmt: skip

    return _minimised(form, seconds, method)


def trust_constr(form: FdmaShares, seconds: float) -> float:
    """Return the deadline [s] by the interior point method of trust-constr."""

    def method(scaled: Scaled) -> Any:
        bounds, budgets = _limits(scaled)
        constraints = [
            NonlinearConstraint(scaled.spare, 0.0, np.inf, jac=scaled.slope),
            LinearConstraint(budgets, -np.inf, form.clients),
        ]
        return minimize(
            lambda x: x[-1], scaled.start, jac=lambda _: scaled.ascent, hess=lambda x: np.zeros((len(x), len(x))),
            bounds=bounds, constraints=constraints, method="trust-constr",
            options={"maxiter": 3000, "gtol": 1e-10, "xtol": 1e-12},
        )  # fmt: skip

    return _minimised(form, seconds, method)
