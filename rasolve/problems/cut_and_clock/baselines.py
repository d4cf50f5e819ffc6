"""The rules that CutAndClock is compared with (reconstructed: the paper names them, we define them)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Alternative, Choice, Formulation
from rasolve.problems.base import Baseline
from rasolve.problems.cut_and_clock.costs import curves, slopes
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def baselines(problem: CutAndClock) -> dict[str, Baseline]:
    """Return the rules; the server runs at its fastest clock in all but the random one."""
    blocks, budget_free = problem.profile.blocks, problem.energy_budget_j is None
    fixed = {"server-only": 0, "device-only": blocks, "middle": blocks // 2}
    says = ("all blocks on the server", "the whole model on the device", "half of the blocks on the device")
    rules = [
        Baseline(
            name,
            words,
            partial(_fixed, problem, cut),
            keeps_limits=budget_free and cut in problem.candidates,
        )
        for (name, cut), words in zip(fixed.items(), says, strict=True)
    ]
    rules += [
        Baseline(
            "f-max",
            "best cut at the fastest server clock",
            lambda _: _settled(problem, _fastest(problem)),
            keeps_limits=budget_free,
        ),
        Baseline(
            "random",
            "random cut and server clock",
            lambda rng: _settled(problem, _random(problem, rng)),
            keeps_limits=budget_free,
        ),
    ]
    return {rule.name: rule for rule in rules}


def _settled(problem: CutAndClock, decision: CutAndClockDecision) -> Formulation:
    """Return the form of a decision that is made already."""
    made = Alternative(decision, problem.evaluate(decision).objective)
    return Formulation(Choice((made,)), lift=lambda chosen: chosen.label)


def _fixed(problem: CutAndClock, cut: int, _: np.random.Generator) -> Formulation:
    return _settled(problem, _held(problem, cut))


def _held(problem: CutAndClock, cut: int) -> CutAndClockDecision:
    shape = problem.gain.shape
    return CutAndClockDecision(np.full(shape, cut), np.full(shape, problem.server_clock_max_hz))


def _fastest(problem: CutAndClock) -> CutAndClockDecision:
    """Return the cuts of least utility at the fastest clock."""
    at = curves(problem, slice(0, problem.gain.size))
    worth = slopes(problem, at)
    delay = at.delay_s + at.cycles / at.most_hz
    energy = at.energy_j + at.xi * at.most_hz**2 * at.cycles
    value = worth.per_second[:, None] * delay + worth.per_joule[:, None] * energy
    cut = problem.candidates[value[:, problem.candidates].argmin(axis=1)]
    return CutAndClockDecision(cut.reshape(problem.gain.shape), _held(problem, 0).clock_hz)


def _random(problem: CutAndClock, rng: np.random.Generator) -> CutAndClockDecision:
    shape = problem.gain.shape
    cut = rng.choice(problem.candidates, shape)
    return CutAndClockDecision(cut, rng.uniform(problem.clock_min_hz, problem.server_clock_max_hz, shape))
