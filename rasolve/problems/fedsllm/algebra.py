"""FedsLLM as an algebraic model in Pyomo: to be read, and for any solver of mixed-integer nonlinear programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import OfdmaLink, Spectrum
from rasolve.numerics import LN2
from rasolve.problems.fedsllm import choice
from rasolve.problems.fedsllm.decision import FedsLLMDecision
from rasolve.problems.fedsllm.pair_model import pair_model, set_pair

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def to_pyomo(problem: FedsLLM, decision: FedsLLMDecision | None = None) -> Any:
    """Return the mixed-integer nonlinear program as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    Published structure: x[k,i] and y[k,i] in {0,1} give subchannels to clients, p[i] and q[i] are densities in units of
    the uniform one, pair[c,r] in {0,1} picks cut and rank; the deadlines of the two links are variables. Rates are
    nonconcave in x and p together, so only a global solver proves anything. Raises InfeasibleError where no pair fits,
    SolverUnavailable without Pyomo.
    """
    model = pair_model(
        problem, choice.alternatives(problem), state_link, lambda megabits, mbps, seconds: seconds * mbps >= megabits
    )
    if decision is not None:
        set_pair(model, problem, decision)
        for block, spectrum in zip((model.main, model.fed), choice.spectra(decision), strict=True):
            set_link(block, spectrum)
    return model


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


def set_link(block: Any, spectrum: Spectrum) -> None:
    """Set owners and densities of one link on a block."""
    for i in block.subchannels:
        block.density[i] = float(spectrum.psd_w_per_hz[i]) / block.uniform_w_per_hz
        for k in block.clients:
            block.owns[k, i] = int(np.equal(spectrum.owner[i], k))
