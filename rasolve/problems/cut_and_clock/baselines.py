"""The rules that CutAndClock is compared with (reconstructed: the paper names them, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rasolve.problems.base import Baseline
from rasolve.problems.cut_and_clock.costs import curves, slopes
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.problems.rules import Rule, ruled

if TYPE_CHECKING:
    from rasolve.problems.cut_and_clock.problem import CutAndClock


def baselines(problem: CutAndClock) -> dict[str, Baseline]:
    """Return the rules; the server runs at its fastest clock in all but the random one."""
    blocks, budget_free = problem.profile.blocks, problem.energy_budget_j is None

    def fixed(name: str, says: str, cut: int) -> Baseline:
        keeps = budget_free and cut in problem.candidates
        return ruled(problem, name, says, lambda _: _held(problem, cut), keeps_limits=keeps)

    def free(name: str, says: str, rule: Rule) -> Baseline:
        return ruled(problem, name, says, rule, keeps_limits=budget_free)

    rules = (
        fixed("server-only", "all blocks on the server", 0),
        fixed("device-only", "the whole model on the device", blocks),
        fixed("middle", "half of the blocks on the device", blocks // 2),
        free("f-max", "best cut at the fastest server clock", lambda _: _fastest(problem)),
        free("random", "random cut and server clock", lambda rng: _random(problem, rng)),
    )
    return {rule.name: rule for rule in rules}


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
