"""Small horizons: the clairvoyant bound, the exact optimum and every policy stand in order; the optimum by enumeration.

python -m benchmarks.small_horizons [--seeds 20]

AdaptiveSplit on LeNet-12 with 2 to 12 slots, three candidate sets and three budgets. The optimum through HiGHS is held
against the dual bound from below, and against drift plus penalty over six decades of V, prices and all baselines from
above, where they kept the budget; where they spent more, against the bound at what they spent. Up to 5 slots of four
cuts it is also held against enumeration: for given cuts the best clock is the same in every slot, the fastest that the
budget allows, in closed form. Exit code 1 where anything is out of order by more than 1e-9.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

import rasolve as ra
from benchmarks.report import figures, watched

SLOTS = (2, 3, 5, 8, 12)
CUTS = {"all": None, "1 to 12": tuple(range(1, 13)), "3, 6, 9, 12": (3, 6, 9, 12)}
BUDGETS = (0.6, 1.0, 1.6)
"""Relative to the sampled one."""
DECADES = range(-2, 4)
"""Of V relative to Ē²/τ̄."""
ENUMERATED = 5
"""Most slots of four cuts that are enumerated."""
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Compared:
    """One instance: how far the optimum is above the bound, from enumeration (nan: not enumerated), and how many paths
    there are, kept the budget, and are below what nobody can be below."""

    cuts: str
    slots: int
    gap: float
    error: float
    paths: int
    kept: int
    misplaced: int


def compared(cuts: str, slots: int, share: float, seed: int) -> Compared | None:
    """Return the comparison on one instance; None where its budget cannot be kept."""
    drawn = ra.AdaptiveSplit.sample(seed=seed, slots=slots, cuts=CUTS[cuts], energy_slack=0.0)
    problem = drawn.replace(energy_budget_j=share * drawn.energy_budget_j)
    if problem.explain():
        return None
    bound, best = problem.lower_bound(), ra.solve(problem, "clairvoyant").objective
    assert best is not None
    natural = problem.energy_budget_j**2 / bound
    paths = [ra.solve(problem, "drift_plus_penalty", v=natural * 10.0**decade) for decade in DECADES]
    paths += [
        ra.solve(problem, name, seed=seed) for name in ("prices", *(f"baseline:{n}" for n in problem.baselines()))
    ]
    kept = misplaced = 0
    for path in paths:
        spent = float(path.evaluation.parts["energy_j"].mean())
        within = spent <= problem.energy_budget_j
        least = best if within else problem.replace(energy_budget_j=spent).lower_bound()
        kept += within
        misplaced += path.objective < least * (1 - TOLERANCE)
    misplaced += bound > best * (1 + TOLERANCE)
    error = abs(best / enumerated(problem) - 1) if cuts == "3, 6, 9, 12" and slots <= ENUMERATED else np.nan
    return Compared(cuts, slots, best / bound - 1, error, len(paths), kept, misplaced)


def enumerated(problem: ra.AdaptiveSplit) -> float:
    """Return the least mean delay over all cuts, each with its best clock."""
    least = np.inf
    for cuts in product(problem.candidates.tolist(), repeat=problem.slots):
        least = min(least, _delay(problem, np.array(cuts)))
    return least


def _delay(problem: ra.AdaptiveSplit, cut: np.ndarray) -> float:
    """Return the mean delay of given cuts at the fastest clock that the budget allows; inf where none is."""
    table, at, samples = problem.table, problem.channels, problem.samples
    own = samples * table.device_flops[cut] / problem.device_flops_per_cycle
    work = samples * table.server_flops[cut] / problem.server_flops_per_cycle
    up, down = (
        samples * table.up_bits[cut] + table.trained_bits[cut],
        samples * table.down_bits[cut] + table.trained_bits[cut],
    )
    fixed_j = problem.device_energy * at.clock_hz**2 * own + problem.device_power_w * up / at.up_bps
    fixed_j += problem.server_power_w * down / at.down_bps
    left = problem.energy_budget_j * problem.slots - fixed_j.sum()
    most = problem.clock_max_hz
    if work.sum() > 0:
        most = min(most, np.sqrt(max(left, 0.0) / (problem.server_energy * work.sum())))
    if left < 0 or most < problem.clock_min_hz:
        return np.inf
    return float((own / at.clock_hz + up / at.up_bps + down / at.down_bps + work / most).mean())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print the comparison."""
    parser = argparse.ArgumentParser(description="small horizons: bound, optimum and policies in order")
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args(arguments)
    cases = list(product(CUTS, SLOTS, BUDGETS, range(asked.seeds)))
    found = [each for case in watched(cases, "instances") if (each := compared(*case)) is not None]
    rows = []
    for cuts, slots in product(CUTS, SLOTS):
        own = [each for each in found if (each.cuts, each.slots) == (cuts, slots)]
        gaps, errors = [each.gap for each in own], [each.error for each in own if not np.isnan(each.error)]
        rows.append(
            (
                f"cuts {cuts}, {slots} slots",
                f"{len(own)}",
                f"{100 * np.mean(gaps):.3g} ± {100 * np.std(gaps):.2g}",
                f"{100 * max(gaps):.3g}",
                f"{sum(each.paths for each in own)}",
                f"{sum(each.kept for each in own)}",
                f"{sum(each.misplaced for each in own)}",
                f"{max(errors):.1e}" if errors else "-",
            )
        )
    head = ("", "instances", "gap [%]", "largest", "paths", "kept", "out of order", "from enumeration")
    print(figures(head, rows))
    print("\ngap: of the exact optimum to the clairvoyant bound; instances whose budget cannot be kept are left out")
    return int(any(each.misplaced or each.error > TOLERANCE for each in found))


if __name__ == "__main__":
    sys.exit(main())
