"""The problem as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import FdmaShares
from rasolve.numerics import LN2
from rasolve.problems.fedsllm.choice import MEGABIT
from rasolve.problems.fedsllm.pair_model import pair_model, set_pair
from rasolve.problems.fedsllm_fdma import choice
from rasolve.problems.fedsllm_fdma.decision import FedsLLMFdmaDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma

LEAST_SHARE = 1e-12
"""Least share of a band in the model: at none, rate/bandwidth has no value."""


def to_pyomo(problem: FedsLLMFdma, decision: FedsLLMFdmaDecision | None = None) -> Any:
    """Return the mixed-integer nonlinear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    On each link every client has a share of the band and a share of the total power; pair[c,r] in {0,1} picks cut and
    rank; the deadlines of the two links are variables. With the pair fixed the model is convex. Raises InfeasibleError
    where no pair fits, SolverUnavailable without Pyomo.
    """
    model = pair_model(
        problem, choice.alternatives(problem), _state_link, lambda megabits, mbps, seconds: megabits / mbps <= seconds
    )
    if decision is not None:
        set_pair(model, problem, decision)
        _set_links(model, problem, decision)
    return model


def _state_link(pyo: Any, block: Any, link: FdmaShares) -> None:
    """State shares of band and power, limits and rates of one link on a block."""
    band, total = float(link.total_bandwidth_hz), float(link.total_power_w)
    block.clients = pyo.RangeSet(0, link.clients - 1)
    block.band = pyo.Var(block.clients, bounds=(LEAST_SHARE, 1.0), initialize=1.0 / link.clients)
    block.power = pyo.Var(block.clients, bounds=(0.0, 1.0), initialize=1.0 / link.clients)
    block.deadline_s = pyo.Var(domain=pyo.NonNegativeReals, initialize=1.0)
    block.whole_band = pyo.Constraint(expr=pyo.quicksum(block.band.values()) <= 1)
    block.total = pyo.Constraint(expr=pyo.quicksum(block.power.values()) <= 1)

    @block.Constraint(block.clients)  # type: ignore[untyped-decorator]
    def cap(block: Any, k: int) -> Any:
        return block.power[k] * total <= float(link.client_power_w[k])

    @block.Expression(block.clients)  # type: ignore[untyped-decorator]
    def rate_mbps(block: Any, k: int) -> Any:
        snr = float(link.gain[k]) * total / (float(link.noise_w_per_hz) * band)
        share = block.band[k]
        return share * (band / MEGABIT / LN2) * pyo.log(1 + snr * block.power[k] / share)


def _set_links(model: Any, problem: FedsLLMFdma, decision: FedsLLMFdmaDecision) -> None:
    """Set the shares of band and power on both links to a decision."""
    bands = problem.main_bandwidth_hz, problem.fed_bandwidth_hz
    totals = problem.main_total_power_w, problem.fed_total_power_w
    both = zip((model.main, model.fed), choice.allocations(decision), bands, totals, strict=True)
    for block, value, band_hz, total_w in both:
        for k in block.clients:
            block.band[k] = float(np.maximum(value.bandwidth_hz[k] / band_hz, LEAST_SHARE))
            block.power[k] = float(value.power_w[k] / total_w)
