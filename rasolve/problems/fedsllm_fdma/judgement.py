"""What a decision costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.problems.base import Check, Constraint, Evaluation
from rasolve.problems.fedsllm import choice
from rasolve.problems.fedsllm import judgement as shared
from rasolve.problems.fedsllm_fdma.decision import FedsLLMFdmaDecision
from rasolve.scenario.radio import rate

if TYPE_CHECKING:
    from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma

PER_CLIENT = ("main_bandwidth_hz", "main_power_w", "fed_bandwidth_hz", "fed_power_w", "cut", "rank")


def rates(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> tuple[FloatArray, FloatArray]:
    """Return the clients' rates on the main and on the federated link [K, bit/s]; 0 without bandwidth or power."""
    with np.errstate(invalid="ignore"):
        return (
            rate(d.main_bandwidth_hz, d.main_power_w, problem.main_gain, problem.noise_w_per_hz),
            rate(d.fed_bandwidth_hz, d.fed_power_w, problem.fed_gain, problem.noise_w_per_hz),
        )


def evaluate(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> Evaluation:
    """Return the total delay [s] and its parts by stage, with transmit energy [J per local step] and memory [bytes]."""
    shared.reject_misshapen(problem, d, dict.fromkeys(PER_CLIENT, "K"))
    return shared.evaluation(problem, d.cut, d.rank, *rates(problem, d), d.main_power_w)


def check(problem: FedsLLMFdma, d: FedsLLMFdmaDecision) -> Check:
    """Return the limits of both links, those on cut and rank and, where given, on memory."""
    shared.reject_misshapen(problem, d, dict.fromkeys(PER_CLIENT, "K"))
    main_bps, fed_bps = rates(problem, d)
    band = {"main": problem.main_bandwidth_hz, "federated": problem.fed_bandwidth_hz}
    total = {"main": problem.main_total_power_w, "federated": problem.fed_total_power_w}

    def of_link(name: str, bandwidth: FloatArray, power: FloatArray, bps: FloatArray) -> list[Constraint]:
        return [
            Constraint(f"{name} link: clients without rate", np.asarray((~(bps > 0)).sum()), np.asarray(0), ""),
            Constraint(f"{name} link: negative bandwidth", np.maximum(-bandwidth, 0.0), np.asarray(0.0), "Hz"),
            Constraint(f"{name} link: bandwidth", np.asarray(bandwidth.sum()), np.asarray(band[name]), "Hz"),
            Constraint(f"{name} link: negative power", np.maximum(-power, 0.0), np.asarray(0.0), "W"),
            Constraint(f"{name} link: power of a client", power, problem.client_power_w, "W"),
            Constraint(f"{name} link: total power", np.asarray(power.sum()), np.asarray(total[name]), "W"),
        ]

    found = [
        *of_link("main", d.main_bandwidth_hz, d.main_power_w, main_bps),
        *of_link("federated", d.fed_bandwidth_hz, d.fed_power_w, fed_bps),
        *shared.of_split(problem, d.cut, d.rank),
        *shared.in_common(d.cut, d.rank),
    ]
    return Check(tuple(found))


def explain(problem: FedsLLMFdma) -> tuple[str, ...]:
    """Return one sentence for every limit that leaves nothing feasible: only memory can."""
    clashes = shared.memory_clashes(problem)
    return tuple(clashes or ([] if choice.pairs(problem) else [shared.NO_COMMON_SPLIT]))
