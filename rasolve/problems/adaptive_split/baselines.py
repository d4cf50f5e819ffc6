"""The rules that AdaptiveSplit is compared with (reconstructed: the paper names some of them, we define them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.forms import Slots
from rasolve.numerics import FloatArray
from rasolve.problems.adaptive_split.costs import curves
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.fleet import Fleet, halved
from rasolve.problems.base import TOLERANCE, Baseline
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
            lambda _: _each_slot_by_itself(problem),
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


def _each_slot_by_itself(problem: SplitOverSlots) -> SplitDecision:
    """Return the earliest deadline of every slot with clocks, cuts and energies that it allows.

    A device may take its budget, or the least energy that is possible; of the cuts that allow that, it has the one that
    needs the least of the server's clock.
    """
    at = curves(problem, problem.channels)
    cuts = at.delay_s.shape[-1]
    fleet = Fleet.of(at, problem.clock_min_hz, problem.clock_max_hz, (problem.slots, problem.at_once, cuts))
    least = (fleet.energy_j + fleet.epsilon * fleet.least_hz**2 * fleet.cycles).min(axis=-1)
    allowed_j = np.maximum(problem.budgets_j, least)[..., None] * (1 + TOLERANCE)

    def clocks(deadline: FloatArray) -> FloatArray:
        clock = fleet.clocks(deadline)
        energy = fleet.energy_j + fleet.epsilon * np.where(np.isinf(clock), 0.0, clock) ** 2 * fleet.cycles
        return np.where(energy <= allowed_j, clock, np.inf)

    low = np.zeros(problem.slots)
    high = (fleet.delay_s + fleet.cycles / fleet.least_hz).max(axis=(-2, -1))
    deadline = halved(low, high, lambda tau: clocks(tau).min(axis=-1).sum(axis=-1) > fleet.total_hz)
    found = clocks(deadline)
    which = found.argmin(axis=-1)
    clock_hz = np.take_along_axis(found, which[..., None], -1)[..., 0]
    return SplitDecision(problem.candidates[which].reshape(problem.clock_shape), clock_hz.reshape(problem.clock_shape))
