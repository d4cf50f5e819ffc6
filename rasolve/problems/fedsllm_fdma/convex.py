"""The problem at a given cut and rank as a convex program in cvxpy."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import FdmaShares
from rasolve.problems.fedsllm.choice import loads, pairs
from rasolve.problems.fedsllm_fdma.blocks import equal_shares, links

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma


def to_cvxpy(problem: FedsLLMFdma, cut: int, rank: int) -> Any:
    """Return the total delay [s] as a `cvxpy.Problem` in each client's share of band and power on the two links.

    Its variables are named main_band, main_power, fed_band and fed_power [K], shares of the link's band and total, and
    main_deadline and fed_deadline, in units of the deadline at equal shares: well scaled for any exponential cone
    solver. Raises InputError where cut or rank is no candidate that fits, SolverUnavailable without cvxpy.
    """
    if find_spec("cvxpy") is None:
        raise SolverUnavailable("the convex model needs cvxpy: install rasolve[modeling]")
    if (cut, rank) not in pairs(problem):
        raise InputError(f"cut = {cut}, rank = {rank}: no candidate that fits every client's memory")
    cp: Any = import_module("cvxpy")
    due, (main, fed) = loads(problem, [(cut, rank)]), links(problem, (cut, rank))
    main_s, main_limits = _state_link(cp, "main", main)
    fed_s, fed_limits = _state_link(cp, "fed", fed)
    delay_s = float(due.constant[0]) + float(due.main_weight[0]) * main_s + float(due.fed_weight[0]) * fed_s
    return cp.Problem(cp.Minimize(delay_s), [*main_limits, *fed_limits])


def _state_link(cp: Any, name: str, link: FdmaShares) -> tuple[Any, list[Any]]:
    """Return a link's deadline [s] and its constraints; rates are in shares of the band, times in units of a plan's."""
    unit_s = link.objective(equal_shares(link))
    band, power = (cp.Variable(link.clients, nonneg=True, name=f"{name}_{what}") for what in ("band", "power"))
    rate = cp.Variable(link.clients, nonneg=True, name=f"{name}_rate")
    deadline = cp.Variable(name=f"{name}_deadline")
    snr = link.gain * (link.total_power_w / (link.noise_w_per_hz * link.total_bandwidth_hz))
    heard, own, level = np.minimum(snr, 1.0), np.minimum(1 / snr, 1.0), np.log(np.maximum(snr, 1.0))
    received = cp.multiply(own, band) + cp.multiply(heard, power)
    load = link.payload_bits * (np.log(2) / link.total_bandwidth_hz / unit_s)
    return unit_s * deadline, [
        link.offset_s / unit_s + cp.multiply(load, cp.inv_pos(rate)) <= deadline,
        rate <= cp.multiply(level, band) - cp.rel_entr(band, received),
        cp.sum(band) <= 1,
        cp.sum(power) <= 1,
        power <= link.client_power_w / link.total_power_w,
    ]
