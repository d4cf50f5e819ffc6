"""The rules that AdaptiveSplit is compared with (reconstructed: the paper names some of them, we define them)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rasolve.forms import Alternative, Choice, Chosen, Formulation, Slots
from rasolve.problems.adaptive_split.base import SplitOverSlots
from rasolve.problems.adaptive_split.costs import curves
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.base import Baseline

if TYPE_CHECKING:
    from rasolve.problems.adaptive_split.problem import AdaptiveSplit


def fixed_cuts(problem: SplitOverSlots) -> list[int]:
    """Return the candidate cuts of fixed splits: after each pooling layer or, without any, at the quarters."""
    profile, blocks = problem.profile, problem.profile.blocks
    pools = [j + 1 for j in np.flatnonzero(profile.params == 0).tolist()]
    return [cut for cut in pools or sorted({blocks // 4, blocks // 2, 3 * blocks // 4}) if cut in problem.candidates]


def settled(problem: SplitOverSlots, decision: SplitDecision) -> Formulation:
    """Return the form of a decision that is made already."""

    def lift(chosen: Chosen) -> SplitDecision:
        made: SplitDecision = chosen.label
        return made

    return Formulation(Choice((Alternative(decision, problem.evaluate(decision).objective),)), lift)


def rule(
    problem: SplitOverSlots, name: str, says: str, decide: Callable[[np.random.Generator], SplitDecision], keeps: bool
) -> Baseline:
    """Return the baseline of a rule that decides for all slots."""
    return Baseline(name, says, lambda rng: settled(problem, decide(rng)), keeps_limits=keeps)


def baselines(problem: AdaptiveSplit) -> dict[str, Baseline]:
    """Return fixed splits at the fastest clock, random, greedy for delay or energy, and each slot by itself."""
    fixed = [
        rule(
            problem,
            f"fixed-{cut}",
            f"cut {cut} in every slot, the fastest server clock",
            lambda _, cut=cut: _fixed(problem, cut),  # type: ignore[misc]
            keeps=False,
        )
        for cut in fixed_cuts(problem)
    ]
    others = [
        rule(problem, "random", "random cut and server clock", partial(_random, problem), keeps=False),
        rule(problem, "delay-greedy", "least delay of every slot, no budget", lambda _: _priced(problem, 1, 0), False),
        rule(problem, "energy-greedy", "least energy of every slot", lambda _: _priced(problem, 0, 1), True),
        rule(
            problem,
            "no-queue",
            "least delay of every slot that keeps the budget by itself, else least energy",
            lambda _: _myopic(problem),
            keeps=False,
        ),
    ]
    return {each.name: each for each in [*fixed, *others]}


def _fixed(problem: AdaptiveSplit, cut: int) -> SplitDecision:
    return SplitDecision(np.full(problem.slots, cut), np.full(problem.slots, problem.clock_max_hz))


def _random(problem: AdaptiveSplit, rng: np.random.Generator) -> SplitDecision:
    cut = rng.choice(problem.candidates, problem.slots)
    return SplitDecision(cut, rng.uniform(problem.clock_min_hz, problem.clock_max_hz, problem.slots))


def _priced(problem: AdaptiveSplit, weight: float, price: float) -> SplitDecision:
    formulation = problem.formulate(Slots)
    form: Slots = formulation.form  # type: ignore[assignment]
    found: SplitDecision = formulation.lift(form.answer(weight, np.array([price], dtype=float)))
    return found


def _myopic(problem: AdaptiveSplit) -> SplitDecision:
    """Return, slot by slot, the cut of least delay with the fastest clock that the budget of one slot allows.

    ε·f²·C <= Ē - e gives the clock; where not even the slowest one is allowed by any cut, the slot of least energy.
    """
    at = curves(problem, problem.channels)
    with np.errstate(divide="ignore", invalid="ignore"):
        fastest = np.sqrt(np.maximum(problem.energy_budget_j - at.energy_j, 0.0) / (at.epsilon * at.cycles))
    fastest = np.where(at.epsilon * at.cycles > 0, fastest, np.inf)
    allowed = (fastest >= problem.clock_min_hz) & (at.energy_j <= problem.energy_budget_j)
    clock_hz = np.clip(fastest, problem.clock_min_hz, problem.clock_max_hz)
    delay = np.where(allowed, at.delay_s + at.cycles / clock_hz, np.inf)
    which = delay.argmin(axis=-1)
    rows = np.arange(problem.slots)
    frugal = _priced(problem, 0, 1)
    kept = allowed.any(axis=-1)
    return SplitDecision(
        np.where(kept, problem.candidates[which], frugal.cut), np.where(kept, clock_hz[rows, which], frugal.clock_hz)
    )
