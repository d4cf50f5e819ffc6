"""What a device's round takes at a cut, and the utility that weighs delay against energy.

    D(c, f) = A(c)/R_S + T·η_D(c)/(f_m·δ·σ_m) + T·ψ(c)/R_D + T·η_S(c)/(f·δ·σ_S) + T·ψ(c)/R_S + A(c)/R_D
    E(c, f) = ξ·f²·T·η_S(c)/(δ·σ_S)
    U(c, f) = w·(D - D_min)/(D_max - D_min) + (1 - w)·(E - E_min)/(E_max - E_min)                           (published)

D_min and E_max are the values at (0, F_max), D_max and E_min those at (J, F_min) (reconstructed); where D_max <= D_min
or E_max <= E_min, the extremes over all cuts and clocks stand in their place, and where even these are equal the term
is 0. With scope "total" E holds the device's own energy too, ε_m·f_m²·cycles + p_m·(time on air) (ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rasolve.forms.separable import BATCH
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.scenario.radio import rate

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


NOTHING = 1e-13
"""U that is rounding: its terms are shares of a range."""


@dataclass(frozen=True, eq=False)
class Curves:
    """n decisions: delay and energy of every cut but for the server's computing [n, J+1], cycles [J+1], clocks [n].

    With clock f the delay is ``delay_s`` + cycles/f and the energy ``energy_j`` + ξ·f²·cycles.
    """

    delay_s: FloatArray
    energy_j: FloatArray
    cycles: FloatArray
    xi: float
    least_hz: FloatArray
    most_hz: float


@dataclass(frozen=True, eq=False)
class Slopes:
    """What a second and a joule are worth in U [n], the delay and energy at which U is 0, and where corners failed."""

    per_second: FloatArray
    per_joule: FloatArray
    zero_s: FloatArray
    zero_j: FloatArray
    replaced: NDArray[np.bool_]

    def utility(self, delay_s: FloatArray, energy_j: FloatArray) -> FloatArray:
        """Return U [n] of delays and energies [n]; 0 where no more than rounding is left of the differences."""
        utility = self.per_second * (delay_s - self.zero_s) + self.per_joule * (energy_j - self.zero_j)
        return np.where(np.abs(utility) > NOTHING, utility, 0.0)


def curves(problem: CutAndClock, decisions: slice) -> Curves:
    """Return the curves of a slice of the decisions, counted round by round and in a round device by device."""
    table, samples = problem.table, problem.samples
    device, up_bps, down_bps = _links(problem, decisions)
    cycles = samples * table.device_flops / problem.flops_per_cycle_core
    up, down = samples * table.up_bits + table.trained_bits, samples * table.down_bits + table.trained_bits
    per_cycle = 1 / (problem.device_clock_hz * problem.device_cores)
    delay = np.stack([1 / up_bps, 1 / down_bps, per_cycle[device]], axis=-1) @ np.stack([up, down, cycles])
    own = np.zeros_like(delay)
    if problem.energy_scope == "total":
        computing = problem.device_energies * problem.device_clock_hz**2 / problem.device_cores
        own = computing[device, None] * cycles + (problem.device_power_w[device] / up_bps)[:, None] * up
    return Curves(
        delay_s=delay,
        energy_j=own,
        cycles=samples * table.server_flops / (problem.flops_per_cycle_core * problem.server_cores),
        xi=problem.server_energy,
        least_hz=problem.clock_min_hz[device],
        most_hz=problem.server_clock_max_hz,
    )


def _links(problem: CutAndClock, decisions: slice) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the device of each decision and its rates up and down [n]."""
    device = np.arange(decisions.start, decisions.stop) % problem.devices
    gain = problem.gain.reshape(-1)[decisions]
    noise = problem.noise_w_per_hz
    up_bps = rate(problem.bandwidth_up_hz, problem.device_power_w[device], gain, noise)
    return device, up_bps, rate(problem.bandwidth_down_hz, problem.server_power_w, gain, noise)


def slopes(problem: CutAndClock, at: Curves) -> Slopes:
    """Return the normalised weights of delay and energy [n]."""
    fast_s, slow_s = at.delay_s[:, 0] + at.cycles[0] / at.most_hz, at.delay_s[:, -1] + at.cycles[-1] / at.least_hz
    most_j = at.energy_j[:, 0] + at.xi * at.most_hz**2 * at.cycles[0]
    least_j = at.energy_j[:, -1] + at.xi * at.least_hz**2 * at.cycles[-1]
    replaced = (slow_s <= fast_s) | (most_j <= least_j)
    if replaced.any():
        some = np.flatnonzero(replaced)
        delay, energy, least_hz = at.delay_s[some], at.energy_j[some], at.least_hz[some, None]
        fast_s[some] = (delay + at.cycles / at.most_hz).min(axis=1)
        slow_s[some] = (delay + at.cycles / least_hz).max(axis=1)
        most_j[some] = (energy + at.xi * at.most_hz**2 * at.cycles).max(axis=1)
        least_j[some] = (energy + at.xi * least_hz**2 * at.cycles).min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_second = np.where(slow_s > fast_s, problem.weight / (slow_s - fast_s), 0.0)
        per_joule = np.where(most_j > least_j, (1 - problem.weight) / (most_j - least_j), 0.0)
    return Slopes(per_second, per_joule, fast_s, least_j, replaced)


def all_slopes(problem: CutAndClock) -> Slopes:
    """Return the normalised weights of all decisions [N·M], without their curves at once."""
    count = problem.gain.size
    found = [slopes(problem, curves(problem, slice(i, min(i + BATCH, count)))) for i in range(0, count, BATCH)]
    return Slopes(*(np.concatenate([vars(each)[name] for each in found]) for name in vars(found[0])))


def parts_of(problem: CutAndClock, decision: CutAndClockDecision) -> dict[str, FloatArray]:
    """Return seconds by stage and joules by party of every round and device [N, M], from the raw data."""
    table, samples, cut, clock_hz = problem.table, problem.samples, decision.cut, decision.clock_hz
    noise = problem.noise_w_per_hz
    up_bps = rate(problem.bandwidth_up_hz, problem.device_power_w, problem.gain, noise)
    down_bps = rate(problem.bandwidth_down_hz, problem.server_power_w, problem.gain, noise)
    device_hz, per_cycle = problem.device_clock_hz, problem.flops_per_cycle_core
    device_s = samples * table.device_flops[cut] / (device_hz * per_cycle * problem.device_cores)
    server_cycles = samples * table.server_flops[cut] / (per_cycle * problem.server_cores)
    adapters, sent, returned = table.trained_bits[cut], samples * table.up_bits[cut], samples * table.down_bits[cut]
    return {
        "adapters_down_s": adapters / down_bps,
        "device_s": device_s,
        "activations_up_s": sent / up_bps,
        "server_s": server_cycles / clock_hz,
        "gradients_down_s": returned / down_bps,
        "adapters_up_s": adapters / up_bps,
        "server_j": problem.server_energy * clock_hz**2 * server_cycles,
        "device_compute_j": problem.device_energies * device_hz**3 * device_s,
        "device_air_j": problem.device_power_w * (sent + adapters) / up_bps,
    }


def delay_s(parts: dict[str, FloatArray]) -> FloatArray:
    """Return the delay [N, M] of parts by stage."""
    return np.asarray(sum(value for name, value in parts.items() if name.endswith("_s")))


def energy_j(problem: CutAndClock, parts: dict[str, FloatArray]) -> FloatArray:
    """Return the energy in scope [N, M] of parts by party."""
    own = parts["device_compute_j"] + parts["device_air_j"] if problem.energy_scope == "total" else 0.0
    return np.asarray(parts["server_j"] + own)
