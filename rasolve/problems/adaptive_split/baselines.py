"""The rules that AdaptiveSplit is compared with (reconstructed: the paper names some of them, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Slots
from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.myopic import each_slot_by_itself
from rasolve.problems.base import Baseline
from rasolve.problems.rules import Rule, ruled

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.base import SplitOverSlots


def baselines(problem: SplitOverSlots) -> dict[str, Baseline]:
    """Return fixed splits, random, greedy for delay or energy, and every slot by itself.

    Fixed and random splits share the server's clock equally among the devices of a slot.
    """

    def loose(name: str, says: str, rule: Rule) -> Baseline:
        return ruled(problem, name, says, rule, keeps_limits=False)

    def fixed(cut: int) -> Baseline:
        says = f"cut {cut} in every slot at the fastest server clock"
        return loose(f"fixed-{cut}", says, lambda _: fixed_split(problem, cut))

    no_price, per_budget = np.zeros_like(problem.budgets_j), 1 / problem.budgets_j
    rules = (
        *map(fixed, fixed_cuts(problem)),
        loose("random", "random cut and server clock in every slot", lambda rng: _random(problem, rng)),
        loose(
            "delay-greedy",
            "least delay of every slot, whatever energy it takes",
            lambda _: _priced(problem, 1.0, no_price),
        ),
        ruled(
            problem,
            "energy-greedy",
            "least energy of every slot",
            lambda _: _priced(problem, 0.0, per_budget),
            keeps_limits=problem.at_once == 1,
        ),
        loose(
            "no-queue",
            "least delay of every slot that keeps the budget by itself, or takes the least energy",
            lambda _: each_slot_by_itself(problem),
        ),
    )
    return {rule.name: rule for rule in rules}


def fixed_cuts(problem: SplitOverSlots) -> list[int]:
    """Return the candidate cuts of fixed splits: after each pooling layer or, without any, at the quarters."""
    profile, blocks = problem.profile, problem.profile.blocks
    pools = [j + 1 for j in np.flatnonzero(profile.params == 0).tolist()]
    return [cut for cut in pools or sorted({blocks // 4, blocks // 2, 3 * blocks // 4}) if cut in problem.candidates]


def fixed_split(problem: SplitOverSlots, cut: int) -> SplitDecision:
    """Return one cut in all slots, at the fastest clock that all devices of a slot can have."""
    share = max(problem.clock_max_hz / problem.at_once, problem.clock_min_hz)
    return SplitDecision(np.full(problem.clock_shape, cut), np.full(problem.clock_shape, share))


def _random(problem: SplitOverSlots, rng: np.random.Generator) -> SplitDecision:
    share = problem.clock_max_hz / problem.at_once
    cut = rng.choice(problem.candidates, problem.clock_shape)
    return SplitDecision(cut, rng.uniform(problem.clock_min_hz, share, problem.clock_shape))


def _priced(problem: SplitOverSlots, weight: float, prices: FloatArray) -> SplitDecision:
    formulation = problem.formulate(Slots)
    form: Any = formulation.form
    decision: SplitDecision = formulation.lift(form.answer(weight, prices))
    return decision
