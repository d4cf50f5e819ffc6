"""The problem as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InfeasibleError, SolverUnavailable
from rasolve.forms import FdmaAllocation, FdmaShares
from rasolve.numerics import LN2
from rasolve.problems.fedsllm.choice import MEGABIT
from rasolve.problems.fedsllm_fdma import choice, judgement
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
    try:
        import pyomo.environ as pyo
    except ModuleNotFoundError:
        raise SolverUnavailable("the algebraic model needs pyomo: install rasolve[modeling]") from None
    sums: dict[Any, Any] = {a.label: a.form for a in choice.alternatives(problem)}
    if not sums:
        raise InfeasibleError("; ".join(problem.explain()))
    links = {label: total.terms[0].form for label, total in sums.items()}

    model = pyo.ConcreteModel(name=f"FedsLLM, {problem.reference}")
    model.pairs = pyo.Set(initialize=list(sums), dimen=2)
    model.pair = pyo.Var(model.pairs, domain=pyo.Binary)
    model.one_pair = pyo.Constraint(expr=pyo.quicksum(model.pair.values()) == 1)
    model.main, model.fed = pyo.Block(), pyo.Block()
    _state_link(pyo, model.main, next(iter(links.values())))
    _state_link(pyo, model.fed, choice.fed_link(problem))

    def chosen(value_of: Any) -> Any:
        return pyo.quicksum(float(value_of(label)) * model.pair[label] for label in sums)

    @model.main.Constraint(model.main.clients)  # type: ignore[untyped-decorator]
    def in_time(block: Any, k: int) -> Any:
        spare = block.deadline_s - chosen(lambda label: links[label].offset_s[k])
        return chosen(lambda label: links[label].payload_bits[k] / MEGABIT) / block.rate_mbps[k] <= spare

    @model.fed.Constraint(model.fed.clients)  # type: ignore[untyped-decorator]
    def in_time_at_one_megabit(block: Any, k: int) -> Any:
        return 1 / block.rate_mbps[k] <= block.deadline_s

    model.delay_s = pyo.Objective(
        expr=chosen(lambda label: sums[label].constant)
        + model.main.deadline_s * chosen(lambda label: sums[label].terms[0].weight)
        + model.fed.deadline_s * chosen(lambda label: sums[label].terms[1].weight)
    )
    if decision is not None:
        _set_to(model, problem, decision)
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


def _set_to(model: Any, problem: FedsLLMFdma, decision: FedsLLMFdmaDecision) -> None:
    """Set the variables to a decision; deadlines to the earliest that it attains."""
    parts = judgement.evaluate(problem, decision).parts
    for pair in model.pairs:
        model.pair[pair] = int(pair == (int(decision.cut[0]), int(decision.rank[0])))
    model.main.deadline_s = float((parts["client_forward_s"] + parts["upload_s"]).max())
    model.fed.deadline_s = float((MEGABIT / parts["fed_rate_bps"]).max())
    band = problem.main_bandwidth_hz, problem.fed_bandwidth_hz
    total = problem.main_total_power_w, problem.fed_total_power_w

    def put(block: Any, value: FdmaAllocation, band_hz: float, total_w: float) -> None:
        for k in block.clients:
            block.band[k] = float(np.maximum(value.bandwidth_hz[k] / band_hz, LEAST_SHARE))
            block.power[k] = float(value.power_w[k] / total_w)

    for limits in zip((model.main, model.fed), choice.allocations(decision), band, total, strict=True):
        put(*limits)
