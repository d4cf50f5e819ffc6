"""What a FedsLLM decision costs, which limits it keeps, and why nothing may be feasible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InputError
from rasolve.forms import Spectrum
from rasolve.forms.link import total_by_owner
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Check, Constraint, Evaluation
from rasolve.problems.fedsllm import choice, delay
from rasolve.problems.fedsllm.decision import FedsLLMDecision
from rasolve.scenario.units import quantity

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated
    from rasolve.problems.fedsllm.problem import FedsLLM

NO_COMMON_SPLIT = "no common cut and rank fit every client's memory"


def evaluate(problem: FedsLLM, decision: FedsLLMDecision) -> Evaluation:
    """Return the total delay [s] and its parts by stage, with transmit energy [J per local step] and memory [bytes]."""
    _reject_misfit(problem, decision)
    main_bps, fed_bps = choice.rates(problem, decision)
    main_w = _powers(problem, choice.spectra(decision)[0], problem.main_subchannel_hz)
    return evaluation(problem, decision.cut, decision.rank, main_bps, fed_bps, main_w)


def evaluation(
    problem: SplitFederated,
    cut: IntArray,
    rank: IntArray,
    main_bps: FloatArray,
    fed_bps: FloatArray,
    main_w: FloatArray,
) -> Evaluation:
    """Return the total delay [s] and its parts at the clients' cuts, ranks, rates and powers on the main link [K]."""
    stage = delay.stages(problem, cut, rank, main_bps, fed_bps)
    round_s, rounds = delay.round_s(problem, stage), delay.rounds(problem, rank)
    parts = {
        **stage,
        "main_rate_bps": main_bps,
        "fed_rate_bps": fed_bps,
        "local_step_s": delay.step_s(stage),
        "round_s": round_s,
        "rounds": rounds,
        "upload_energy_j": np.where(main_w > 0, main_w, 0.0) * np.where(main_bps > 0, stage["upload_s"], 0.0),
        "client_memory_bytes": delay.client_memory_bytes(problem, cut, rank),
        "server_memory_bytes": delay.server_memory_bytes(problem, cut, rank),
    }
    return Evaluation(float(rounds * round_s), parts)


def check(problem: FedsLLM, decision: FedsLLMDecision) -> Check:
    """Return the published constraints and, where given, the memory limits; with `per_client` cuts and ranks differ."""
    _reject_misfit(problem, decision)
    main_bps, fed_bps = choice.rates(problem, decision)
    main, fed = choice.spectra(decision)
    found = [
        *_of_link("main", problem, main, problem.main_subchannel_hz, problem.main_total_power_w, main_bps),
        *_of_link("federated", problem, fed, problem.fed_subchannel_hz, problem.fed_total_power_w, fed_bps),
        *of_split(problem, decision.cut, decision.rank),
    ]
    return Check(tuple(found if problem.per_client else [*found, *in_common(decision.cut, decision.rank)]))


def in_common(cut: IntArray, rank: IntArray) -> list[Constraint]:
    """Return the constraints that all clients have one cut and one rank [K]."""
    return [
        Constraint("cuts differ between clients", np.asarray(np.ptp(cut)), np.asarray(0), "", "="),
        Constraint("ranks differ between clients", np.asarray(np.ptp(rank)), np.asarray(0), "", "="),
    ]


def of_split(problem: SplitFederated, cut: IntArray, rank: IntArray) -> list[Constraint]:
    """Return the constraints on each client's cut and rank [K]."""
    found = [
        Constraint("cuts that are no candidate", _strangers(cut, problem.candidate_cuts), np.asarray(0), ""),
        Constraint("ranks that are no candidate", _strangers(rank, problem.ranks), np.asarray(0), ""),
    ]
    if problem.client_memory_bytes is not None:
        needed = delay.client_memory_bytes(problem, cut, rank)
        found.append(Constraint("memory of a client", needed, problem.client_memory_bytes, "bytes"))
    return found


def _of_link(
    name: str, problem: FedsLLM, spectrum: Spectrum, width_hz: FloatArray, total_w: float, rate_bps: FloatArray
) -> list[Constraint]:
    """Return the constraints on one link, whose clients have rates [K]."""
    power = _powers(problem, spectrum, width_hz)
    without = problem.clients - len(np.unique(spectrum.owner))
    return [
        Constraint(f"{name} link: clients without a subchannel", np.asarray(without), np.asarray(0), ""),
        Constraint(f"{name} link: clients without rate", np.asarray((~(rate_bps > 0)).sum()), np.asarray(0), ""),
        Constraint(f"{name} link: negative density", np.maximum(-spectrum.psd_w_per_hz, 0.0), np.asarray(0.0), "W/Hz"),
        Constraint(f"{name} link: power of a client", power, problem.client_power_w, "W"),
        Constraint(f"{name} link: total power", np.asarray(power.sum()), np.asarray(total_w), "W"),
    ]


def explain(problem: FedsLLM) -> tuple[str, ...]:
    """Return one sentence for every limit that leaves nothing feasible."""
    reasons = []
    for link, subchannels in (("main", problem.dimension("M")), ("federated", problem.dimension("N"))):
        if subchannels < problem.clients:
            reasons.append(
                f"the {link} link has {subchannels} subchannels for {problem.clients} clients; each client needs one"
            )
    reasons += memory_clashes(problem)
    if not reasons and not problem.per_client and not choice.pairs(problem):
        reasons.append(f"{NO_COMMON_SPLIT}: per_client = true lets cuts differ")
    return tuple(reasons)


def memory_clashes(problem: SplitFederated) -> list[str]:
    """Return who has too little memory for the candidate cut and rank that need least: with them, any plan is out."""
    limit = problem.client_memory_bytes
    if limit is None:
        return []
    rank, cuts = min(problem.ranks), np.asarray(problem.candidate_cuts, dtype=np.int64)
    each = np.broadcast_to(cuts[:, None], (len(cuts), problem.clients))
    every_need = delay.client_memory_bytes(problem, each, np.full_like(each, rank))
    cut, needed = cuts[every_need.argmin(axis=0)], every_need.min(axis=0)
    short = np.flatnonzero(needed > limit)
    named = [
        f"client {k + 1} needs {quantity(needed[k], 'B')} for {'one block' if cut[k] == 1 else f'{cut[k]} blocks'} "
        f"at rank {rank} and has {quantity(limit[k], 'B')}"
        for k in short[:3]
    ]
    return named + ([f"and {len(short) - 3} more clients likewise"] if len(short) > 3 else [])


def _powers(problem: FedsLLM, spectrum: Spectrum, width_hz: FloatArray) -> FloatArray:
    """Return each client's power on a link [K, W]."""
    return total_by_owner(spectrum.owner, spectrum.psd_w_per_hz * width_hz, problem.clients)


def _strangers(values: IntArray, candidates: tuple[int, ...]) -> FloatArray:
    """Return how many values are no candidates."""
    return np.asarray(np.isin(values, candidates, invert=True).sum(), dtype=np.float64)


def _reject_misfit(problem: FedsLLM, decision: FedsLLMDecision) -> None:
    """Reject a decision whose arrays do not fit the problem."""
    reject_misshapen(
        problem,
        decision,
        {
            "main_owner": "M",
            "fed_owner": "N",
            "main_psd_w_per_hz": "M",
            "fed_psd_w_per_hz": "N",
            "cut": "K",
            "rank": "K",
        },
    )
    for name in ("main_owner", "fed_owner"):
        owner = getattr(decision, name)
        if owner.min() < 0 or owner.max() >= problem.clients:
            raise InputError(f"decision.{name} must name clients 0 to {problem.clients - 1}")


def reject_misshapen(problem: SplitFederated, decision: Any, sizes: dict[str, str]) -> None:
    """Reject a decision whose arrays have not the dimensions of their names, or whose cuts are beyond the model."""
    for name, dim in sizes.items():
        shape, length = np.shape(getattr(decision, name)), problem.dimension(dim)
        if shape != (length,):
            raise InputError(f"decision.{name} has shape {list(shape)}, needs [{length}]")
        if not np.isfinite(getattr(decision, name)).all():
            raise InputError(f"decision.{name} must be finite")
    if decision.cut.min() < 0 or decision.cut.max() > problem.profile.blocks:
        raise InputError(f"decision.cut must lie in 0 to {problem.profile.blocks}")
