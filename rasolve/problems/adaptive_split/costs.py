"""What a slot of split training takes at a cut: seconds by stage and joules by party (reconstructed).

    τ = ξ(s)/R_d + C_D(s)/f_D + K·b·ψ(s)/R_u + C_S(s)/f + K·b·ψ(s)/R_d + ξ(s)/R_u
    E = ε_D·f_D²·C_D(s) + p_D·(time on air up)  +  ε_S·f²·C_S(s) + p_S·(time on air down)

ξ(s) are the bits of what the device trains, ψ(s) those of a sample's activation, C the cycles of K local steps on
mini-batches of b, forward and backward. At s = J nothing is sent but ξ, at s = 0 no gradient returns. The energy scope
keeps the first two terms of E, the last two, or all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Response
from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.scenario.radio import rate

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots


@dataclass(frozen=True, eq=False)
class Channels:
    """Devices at work: clock [..., Hz] and rates up and down [..., bit/s], of any shape."""

    clock_hz: FloatArray
    up_bps: FloatArray
    down_bps: FloatArray

    def of(self, slots: slice) -> Channels:
        """Return those of some slots, the first axis."""
        return Channels(self.clock_hz[slots], self.up_bps[slots], self.down_bps[slots])


@dataclass(frozen=True, eq=False)
class Curves:
    """Delay and energy of every cut but for the server's computing: arrays [..., S] of candidate cuts, cycles [S].

    With server clock f the delay is ``delay_s`` + cycles/f and the energy ``energy_j`` + ε·f²·cycles, where ε is 0 if
    the server's energy is out of scope.
    """

    delay_s: FloatArray
    energy_j: FloatArray
    cycles: FloatArray
    epsilon: float


def channels(problem: Any) -> Channels:
    """Return the clocks of a problem with the rates that its gains give."""
    noise = problem.noise_w_per_hz
    return Channels(
        problem.device_clock_hz,
        rate(problem.bandwidth_up_hz, problem.device_power_w, problem.gain_up, noise),
        rate(problem.bandwidth_down_hz, problem.server_power_w, problem.gain_down, noise),
    )


def parts_of(problem: SplitOverSlots, decision: SplitDecision) -> dict[str, FloatArray]:
    """Return seconds by stage and joules by party of a decision, [T] or [T, N]."""
    at, cut, clock_hz = problem.channels, decision.cut, decision.clock_hz
    table, samples = problem.table, problem.samples
    device_cycles = samples * table.device_flops[cut] / problem.device_flops_per_cycle
    server_cycles = samples * table.server_flops[cut] / problem.server_flops_per_cycle
    model, sent, returned = table.trained_bits[cut], samples * table.up_bits[cut], samples * table.down_bits[cut]
    return {
        "model_down_s": model / at.down_bps,
        "device_s": device_cycles / at.clock_hz,
        "activations_up_s": sent / at.up_bps,
        "server_s": server_cycles / clock_hz,
        "gradients_down_s": returned / at.down_bps,
        "model_up_s": model / at.up_bps,
        "device_compute_j": problem.device_energy * at.clock_hz**2 * device_cycles,
        "device_air_j": problem.device_power_w * (sent + model) / at.up_bps,
        "server_compute_j": problem.server_energy * clock_hz**2 * server_cycles,
        "server_air_j": problem.server_power_w * (returned + model) / at.down_bps,
    }


DEVICE_J, SERVER_J = ("device_compute_j", "device_air_j"), ("server_compute_j", "server_air_j")
"""The parts of either party's energy."""


def slot_s(parts: dict[str, FloatArray]) -> FloatArray:
    """Return how long each slot lasts [T]: until the last of the devices that train in it is done."""
    delay = np.asarray(sum(value for name, value in parts.items() if name.endswith("_s")))
    return delay.max(axis=-1) if delay.ndim > 1 else delay


def energy_j(problem: SplitOverSlots, parts: dict[str, FloatArray]) -> FloatArray:
    """Return the energy in scope of every slot and budget [T, B]."""
    counted = (DEVICE_J if problem.counts_device else ()) + (SERVER_J if problem.counts_server else ())
    return np.asarray(sum(parts[name] for name in counted)).reshape(problem.slots, -1)


def lowered(problem: SplitOverSlots, decision: SplitDecision) -> Response:
    """Return a decision as a value of the problem's form."""
    parts = parts_of(problem, decision)
    return Response(slot_s(parts), energy_j(problem, parts), (decision.cut, decision.clock_hz))


def curves(problem: SplitOverSlots, at: Channels) -> Curves:
    """Return what devices [...] take at every candidate cut, as a product of a device's features and a cut's work.

    The features of a device are seconds per bit either way, seconds per cycle, and clock².
    """
    table, samples = problem.table, problem.samples
    device_cycles = samples * table.device_flops / problem.device_flops_per_cycle
    up, down = samples * table.up_bits + table.trained_bits, samples * table.down_bits + table.trained_bits
    none = np.zeros_like(up)
    delay = np.stack([up, down, device_cycles, none])[:, problem.candidates]
    spent = np.stack(
        [
            problem.device_power_w * up * problem.counts_device,
            problem.server_power_w * down * problem.counts_server,
            none,
            problem.device_energy * device_cycles * problem.counts_device,
        ]
    )[:, problem.candidates]
    features = np.stack([1 / at.up_bps, 1 / at.down_bps, 1 / at.clock_hz, at.clock_hz**2], axis=-1)
    return Curves(
        delay_s=features @ delay,
        energy_j=features @ spent,
        cycles=samples * table.server_flops[problem.candidates] / problem.server_flops_per_cycle,
        epsilon=problem.server_energy if problem.counts_server else 0.0,
    )
