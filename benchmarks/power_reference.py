"""The convex power step of an OFDMA link with given owners, held against cvxpy with Clarabel.

python -m benchmarks.power_reference [--sizes 5x20 20x100 100x1000] [--seeds 10] [--json FILE]

Instances: the main link of FedsLLM at cut 1 and rank 8 with frequency-selective gains, subchannels owned in equal
numbers. Prints the largest relative disagreement of the deadlines and the paired ratios of time, and exits with 1 when
they disagree by more than 1e-6.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from statistics import median

import cvxpy as cp
import numpy as np

import rasolve as ra
from benchmarks.pairs import in_turn, paired_ratio
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.forms import OfdmaLink, Spectrum
from rasolve.forms.ofdma import LN2
from rasolve.forms.power import owned
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.fedsllm.blocks import equal_shares
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import solve_form

SIZES = ("5x20", "20x100", "100x1000")
AGREEMENT = 1e-6
"""Largest relative disagreement that is allowed."""
TURNS = 3


class Reference:
    """The power step as an exponential-cone program, compiled once for given owners and widths, solved for many links.

        min t   subject to   a_k/T + δ_k/ρ_k <= t,   Σ q_i <= M,   Σ_{i of k} q_i <= M·cap_k/P,
                             ρ_k <= Σ_{i of k} β_i·(ln(q_i·u_i + v_i) + c_i)

    q_i is the power of subchannel i in M-ths of the total P; T is the deadline at equal power; β_i is the width over
    that of all subchannels of a client on average, and δ_k the payload in the same unit. With h_i the SNR at q_i = 1,
    ln(1 + h_i·q_i) is written (u, v, c) = (1, 1/h, ln h) where h > 1 and (h, 1, 0) elsewhere, so that no number is
    large whatever the gains. All that varies from link to link is a parameter: no solve compiles anew (cvxpy's DPP).
    """

    def __init__(self, owner: IntArray, width_hz: FloatArray, clients: int) -> None:
        subchannels = len(owner)
        holds = np.zeros((clients, subchannels))
        holds[owner, np.arange(subchannels)] = 1.0
        self._owner = owner
        self._share_hz = width_hz.sum() / clients
        self._beta = width_hz / self._share_hz
        self._power = cp.Variable(subchannels, nonneg=True)
        self._rate = cp.Variable(clients, nonneg=True)
        self._deadline = cp.Variable()
        self._offset = cp.Parameter(clients, nonneg=True)
        self._payload = cp.Parameter(clients, nonneg=True)
        self._cap = cp.Parameter(clients, nonneg=True)
        self._slope = cp.Parameter(subchannels, nonneg=True)
        self._level = cp.Parameter(subchannels, nonneg=True)
        self._constant = cp.Parameter(clients)
        log_power = cp.log(cp.multiply(self._slope, self._power) + self._level)
        self._problem = cp.Problem(
            cp.Minimize(self._deadline),
            [
                self._offset + cp.multiply(self._payload, cp.inv_pos(self._rate)) <= self._deadline,
                self._rate <= holds @ cp.multiply(self._beta, log_power) + self._constant,
                cp.sum(self._power) <= subchannels,
                holds @ self._power <= self._cap,
            ],
        )

    @property
    def clarabel_s(self) -> float:
        """Seconds that Clarabel itself reports for the last solve."""
        return float(self._problem.solver_stats.solve_time)

    def solve(self, link: OfdmaLink) -> float:
        """Return the deadline [s] as Clarabel reports it, within its tolerance of 1e-8, or NaN where it gives up."""
        M = link.subchannels
        psd = link.total_power_w / (M * link.width_hz)
        snr = psd * link.gain[self._owner, np.arange(M)] / link.noise_w_per_hz
        unit_s = link.objective(Spectrum(self._owner, psd))
        self._offset.value = link.offset_s / unit_s
        self._payload.value = link.payload_bits * LN2 / (unit_s * self._share_hz)
        self._cap.value = M * link.client_power_w / link.total_power_w
        self._slope.value, self._level.value = np.minimum(snr, 1.0), np.minimum(1 / snr, 1.0)
        constant = self._beta * np.log(np.maximum(snr, 1.0))
        self._constant.value = np.bincount(self._owner, constant, minlength=link.clients)
        try:
            self._problem.solve(solver=cp.CLARABEL)
        except cp.SolverError:
            return float("nan")
        return float(self._deadline.value) * unit_s


@dataclass(frozen=True)
class Comparison:
    """One instance: both deadlines [s], seconds of both, and paired ratios with and without cvxpy's own work."""

    clients: int
    subchannels: int
    seed: int
    ours_s: float
    reference_s: float
    seconds: float
    reference_seconds: float
    ratio: float
    clarabel_ratio: float

    @property
    def solved(self) -> bool:
        """Whether Clarabel ended with an answer."""
        return isfinite(self.reference_s)

    @property
    def disagreement(self) -> float:
        """Relative difference of the deadlines; NaN where there is no reference."""
        return abs(self.ours_s - self.reference_s) / self.ours_s


def power_step(link: OfdmaLink, owner: IntArray) -> float:
    """Return the deadline [s] attained by the library's power step."""
    step = owned(link, owner)
    spectrum = step.spectrum(solve_form(step.shares, "deadline").objective)
    return link.objective(spectrum)


def compare(size: str, seeds: int) -> list[Comparison]:
    """Return the comparisons of one size; the reference is compiled before the clock runs."""
    clients, subchannels = map(int, size.split("x"))
    links = [
        main_link(ra.FedsLLM.sample(clients=clients, subchannels=subchannels, seed=seed, selective=True), 1, 8)
        for seed in range(seeds)
    ]
    owner = equal_shares(links[0]).owner
    reference = Reference(owner, links[0].width_hz, clients)
    reference.solve(links[0])
    return [compared(reference, link, owner, seed) for seed, link in enumerate(watched(links, size))]


def compared(reference: Reference, link: OfdmaLink, owner: IntArray, seed: int) -> Comparison:
    """Solve one link both ways, in turn."""
    clarabel: list[float] = []

    def by_reference() -> float:
        deadline = reference.solve(link)
        clarabel.append(reference.clarabel_s)
        return deadline

    answers, taken = in_turn({"ours": lambda: power_step(link, owner), "reference": by_reference}, TURNS)
    return Comparison(
        clients=link.clients,
        subchannels=link.subchannels,
        seed=seed,
        ours_s=answers["ours"],
        reference_s=answers["reference"],
        seconds=median(taken["ours"]),
        reference_seconds=median(taken["reference"]),
        ratio=paired_ratio(taken["reference"], taken["ours"]),
        clarabel_ratio=paired_ratio(clarabel, taken["ours"]),
    )


HEAD = (
    "clients x subchannels",
    "solved by Clarabel",
    "disagreement: most",
    "ours: median",
    "cvxpy: median",
    "cvxpy / ours",
    "Clarabel alone / ours",
    "least",
    "most",
)


def row(found: Sequence[Comparison]) -> tuple[str, ...]:
    """Return the table's line for one size; where Clarabel gave up there is nothing to compare."""
    solved = [c for c in found if c.solved]
    if not solved:
        return (f"{found[0].clients} x {found[0].subchannels}", f"0/{len(found)}", *["-"] * (len(HEAD) - 2))
    alone = [c.clarabel_ratio for c in solved]
    return (
        f"{found[0].clients} x {found[0].subchannels}",
        f"{len(solved)}/{len(found)}",
        tiny(max(c.disagreement for c in solved)),
        seconds(median(c.seconds for c in solved)),
        seconds(median(c.reference_seconds for c in solved)),
        f"{median(c.ratio for c in solved):.3g}",
        *(f"{f(alone):.3g}" for f in (median, min, max)),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="KxM")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="file for every instance's figures")
    given = parser.parse_args()
    found = [compare(size, given.seeds) for size in given.sizes]
    worst = max(c.disagreement for group in found for c in group if c.solved)
    print("Power step with given owners, selective gains, wideband; cvxpy: exponential cone, Clarabel, parametrised")
    print(figures(HEAD, map(row, found)))
    print(f"largest relative disagreement {worst:.1e}: {'within' if worst <= AGREEMENT else 'ABOVE'} {AGREEMENT:g}")
    if given.json is not None:
        write_json(given.json, {"instances": [asdict(c) for group in found for c in group]})
    return int(worst > AGREEMENT)


if __name__ == "__main__":
    sys.exit(main())
