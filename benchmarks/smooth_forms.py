"""Structured smooth programs: a shared band as a smooth epigraph, and any `MinMaxShares` as one.

min τ  subject to  a_k + D_k/(W_k·log2(1 + P_k·g_k/(N0·W_k))) <= τ,  Σ W_k <= W   (textbook)

Each row has two entries in the Jacobian and the Hessian is diagonal, so a sparse solver's work grows with the clients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array

from rasolve.forms import MinMaxShares, SmoothProgram
from rasolve.numerics import LN2, FloatArray
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ, bandwidth_for_rate

LEAST_SHARE = 1e-6
"""Least bandwidth of a client, in equal shares: keeps rates above 0."""


@dataclass(frozen=True, eq=False)
class Band:
    """Clients of one band: ready_s, bits, power_w, gain [K]; total_hz."""

    ready_s: FloatArray
    bits: FloatArray
    power_w: FloatArray
    gain: FloatArray
    total_hz: float

    @property
    def clients(self) -> int:
        """K."""
        return len(self.bits)

    def program(self, convex: bool = True) -> SmoothProgram:
        """Return the epigraph in (W_1..W_K in equal shares, τ in seconds); the band's row is relative to the band.

        Starts from equal shares and the deadline that they meet. A delay is convex in the bandwidth, because the rate
        is concave and above 0.
        """
        clients, share = self.clients, self.total_hz / self.clients
        snr = self.power_w * self.gain / THERMAL_NOISE_W_PER_HZ / share
        nats = self.bits * LN2 / share
        rows = np.r_[np.arange(clients), np.arange(clients), np.full(clients, clients)]
        columns = np.r_[np.arange(clients), np.full(clients, clients), np.arange(clients)]
        last = np.eye(1, clients + 1, clients).ravel()

        def rate(width: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            """Return W·ln(1 + s/W) with its first and second derivative by W."""
            ratio = snr / width
            efficiency, lost = np.log1p(ratio), ratio / (1 + ratio)
            return width * efficiency, efficiency - lost, -(lost**2) / width

        def inequalities(x: FloatArray) -> FloatArray:
            return np.append(self.ready_s + nats / rate(x[:-1])[0] - x[-1], x[:-1].sum() / clients - 1)

        def jacobian(x: FloatArray) -> csr_array:
            value, slope, _ = rate(x[:-1])
            entries = np.r_[-nats * slope / value**2, np.full(clients, -1.0), np.full(clients, 1 / clients)]
            return csr_array((entries, (rows, columns)), shape=(clients + 1, clients + 1))

        def hessian(x: FloatArray, _weight: float, inequality: FloatArray, _equality: FloatArray) -> csr_array:
            value, slope, bend = rate(x[:-1])
            entries = inequality[:-1] * nats * (2 * slope**2 / value**3 - bend / value**2)
            return csr_array(diags_array(np.append(entries, 0.0)))

        equal = float((self.ready_s + nats / rate(np.ones(clients))[0]).max())
        return SmoothProgram(
            objective=lambda x: x[-1],
            start=np.append(np.ones(clients), equal),
            gradient=lambda _: last,
            inequalities=inequalities,
            inequality_jacobian=jacobian,
            hessian=hessian,
            lower=np.append(np.full(clients, LEAST_SHARE), 0.0),
            upper=np.append(np.full(clients, float(clients)), 10 * equal),
            inequality_names=(*(f"deadline of client {k}" for k in range(clients)), "band"),
            convex=convex,
        )

    def shares(self) -> MinMaxShares:
        """Return the same as `MinMaxShares`, whose exact solver is the reference."""

        def need(deadline: FloatArray) -> FloatArray:
            spare = np.maximum(deadline[..., None] - self.ready_s, 1e-300)
            return bandwidth_for_rate(self.bits / spare, self.power_w, self.gain, THERMAL_NOISE_W_PER_HZ)

        cap = np.full(self.clients, self.total_hz)
        return MinMaxShares(need, self.ready_s.max(), np.asarray(self.total_hz), cap)


def sampled_band(clients: int, seed: int) -> Band:
    """Return a band of 2 MHz for each client, with clients of very different payloads and gains."""
    rng = np.random.default_rng(seed)
    return Band(
        ready_s=rng.uniform(0.05, 0.3, clients),
        bits=rng.uniform(5e6, 5e7, clients),
        power_w=np.full(clients, 0.2),
        gain=10 ** -rng.uniform(9.0, 11.5, clients),
        total_hz=2e6 * clients,
    )


def epigraph(form: MinMaxShares, start: float) -> SmoothProgram:
    """Return one instance of shares as min τ with need_k(τ) <= s_k, Σ s <= budget, s <= cap, from a deadline it meets.

    Shares s [K] are in units of the budget. Only the column of τ is unknown, so two more calls of ``need`` give every
    first derivative and the second ones as well.
    """
    budget = float(form.budget)
    clients = len(form.cap)

    def needs(deadline: float) -> FloatArray:
        return form.need(np.asarray(deadline)) / budget

    def step(deadline: float) -> float:
        return 1e-5 * (deadline - float(form.floor))

    def inequalities(x: FloatArray) -> FloatArray:
        return np.append(needs(x[-1]) - x[:-1], x[:-1].sum() - 1)

    def jacobian(x: FloatArray) -> csr_array:
        h = step(x[-1])
        column = (needs(x[-1] + h) - needs(x[-1] - h)) / (2 * h)
        rows = np.r_[np.arange(clients), np.arange(clients), np.full(clients, clients)]
        columns = np.r_[np.arange(clients), np.full(clients, clients), np.arange(clients)]
        return csr_array((np.r_[-np.ones(clients), column, np.ones(clients)], (rows, columns)))

    def hessian(x: FloatArray, _weight: float, inequality: FloatArray, _equality: FloatArray) -> csr_array:
        h = 30 * step(x[-1])
        bend = (needs(x[-1] + h) - 2 * needs(x[-1]) + needs(x[-1] - h)) / h**2
        return csr_array(([inequality[:-1] @ bend], ([clients], [clients])), shape=(clients + 1, clients + 1))

    return SmoothProgram(
        objective=lambda x: x[-1],
        start=np.append(needs(start), start),
        gradient=lambda _: np.eye(1, clients + 1, clients).ravel(),
        inequalities=inequalities,
        inequality_jacobian=jacobian,
        hessian=hessian,
        lower=np.append(np.zeros(clients), float(form.floor) + 1e-3 * (start - float(form.floor))),
        upper=np.append(np.asarray(form.cap) / budget, np.inf),
    )
