"""FedsLLM as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InfeasibleError, SolverUnavailable
from rasolve.forms import OfdmaLink, Spectrum
from rasolve.numerics import LN2
from rasolve.problems.fedsllm import choice, judgement
from rasolve.problems.fedsllm.decision import FedsLLMDecision

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def to_pyomo(problem: FedsLLM, decision: FedsLLMDecision | None = None) -> Any:
    """Return the mixed-integer nonlinear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    Published structure: x[k,i] and y[k,i] in {0,1} give subchannels to clients, p[i] and q[i] are densities in units of
    the uniform one, pair[c,r] in {0,1} picks cut and rank; the deadlines of the two links are variables. Rates are
    nonconcave in x and p together, so only a global solver proves anything. Raises InfeasibleError where no pair fits,
    SolverUnavailable without Pyomo.
    """
    pyo = modeling()
    sums: dict[Any, Any] = {a.label: a.form for a in choice.alternatives(problem)}
    if not sums:
        raise InfeasibleError("; ".join(problem.explain()))
    links = {label: total.terms[0].form for label, total in sums.items()}

    model = pyo.ConcreteModel(name=f"FedsLLM, {problem.reference}")
    model.pairs = pyo.Set(initialize=list(sums), dimen=2)
    model.pair = pyo.Var(model.pairs, domain=pyo.Binary)
    model.one_pair = pyo.Constraint(expr=pyo.quicksum(model.pair.values()) == 1)
    model.main, model.fed = pyo.Block(), pyo.Block()
    state_link(pyo, model.main, next(iter(links.values())))
    state_link(pyo, model.fed, choice.fed_link(problem))

    def chosen(value_of: Any) -> Any:
        return pyo.quicksum(float(value_of(label)) * model.pair[label] for label in sums)

    @model.main.Constraint(model.main.clients)  # type: ignore[untyped-decorator]
    def in_time(block: Any, k: int) -> Any:
        spare = block.deadline_s - chosen(lambda label: links[label].offset_s[k])
        return spare * block.rate_mbps[k] >= chosen(lambda label: links[label].payload_bits[k] / choice.MEGABIT)

    @model.fed.Constraint(model.fed.clients)  # type: ignore[untyped-decorator]
    def in_time_at_one_megabit(block: Any, k: int) -> Any:
        return block.deadline_s * block.rate_mbps[k] >= 1

    model.delay_s = pyo.Objective(
        expr=chosen(lambda label: sums[label].constant)
        + model.main.deadline_s * chosen(lambda label: sums[label].terms[0].weight)
        + model.fed.deadline_s * chosen(lambda label: sums[label].terms[1].weight)
    )
    if decision is not None:
        _set_to(model, problem, decision)
    return model


def modeling() -> Any:
    """Return Pyomo's modelling module; raises SolverUnavailable without Pyomo."""
    try:
        import pyomo.environ as pyo
    except ModuleNotFoundError:
        raise SolverUnavailable("the algebraic model needs pyomo: install rasolve[modeling]") from None
    return pyo


def state_link(pyo: Any, block: Any, link: OfdmaLink) -> None:
    """State owners, densities, powers and rates of one link on a block."""
    uniform = link.total_power_w / link.width_hz.sum()
    block.uniform_w_per_hz = uniform
    block.clients = pyo.RangeSet(0, link.clients - 1)
    block.subchannels = pyo.RangeSet(0, link.subchannels - 1)
    block.owns = pyo.Var(block.clients, block.subchannels, domain=pyo.Binary)
    block.density = pyo.Var(block.subchannels, domain=pyo.NonNegativeReals, initialize=1.0)
    block.deadline_s = pyo.Var(domain=pyo.NonNegativeReals, initialize=1.0)

    @block.Constraint(block.subchannels)  # type: ignore[untyped-decorator]
    def one_owner(block: Any, i: int) -> Any:
        return pyo.quicksum(block.owns[k, i] for k in block.clients) == 1

    @block.Expression(block.clients)  # type: ignore[untyped-decorator]
    def power_w(block: Any, k: int) -> Any:
        watts = (float(width) * uniform for width in link.width_hz)
        return pyo.quicksum(block.owns[k, i] * block.density[i] * w for i, w in enumerate(watts))

    @block.Constraint(block.clients)  # type: ignore[untyped-decorator]
    def cap(block: Any, k: int) -> Any:
        return block.power_w[k] <= float(link.client_power_w[k])

    block.total = pyo.Constraint(expr=pyo.quicksum(block.power_w.values()) <= link.total_power_w)

    @block.Expression(block.clients)  # type: ignore[untyped-decorator]
    def rate_mbps(block: Any, k: int) -> Any:
        snr = uniform * link.gain[k] / link.noise_w_per_hz
        return pyo.quicksum(
            block.owns[k, i] * float(link.width_hz[i]) / choice.MEGABIT * pyo.log(1 + block.density[i] * float(snr[i]))
            for i in block.subchannels
        ) * (1 / LN2)


def _set_to(model: Any, problem: FedsLLM, decision: FedsLLMDecision) -> None:
    """Set the variables to a decision; deadlines to the earliest that it attains."""
    parts = judgement.evaluate(problem, decision).parts
    label = int(decision.cut[0]), int(decision.rank[0])
    for pair in model.pairs:
        model.pair[pair] = int(pair == label)
    model.main.deadline_s = float((parts["client_forward_s"] + parts["upload_s"]).max())
    model.fed.deadline_s = float((choice.MEGABIT / parts["fed_rate_bps"]).max())
    for block, spectrum in zip((model.main, model.fed), choice.spectra(decision), strict=True):
        set_link(block, spectrum)


def set_link(block: Any, spectrum: Spectrum) -> None:
    """Set owners and densities of one link on a block."""
    for i in block.subchannels:
        block.density[i] = float(spectrum.psd_w_per_hz[i]) / block.uniform_w_per_hz
        for k in block.clients:
            block.owns[k, i] = int(np.equal(spectrum.owner[i], k))
