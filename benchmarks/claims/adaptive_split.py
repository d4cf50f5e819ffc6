"""The claim of arXiv 2403.05158: -53.7 % delay and -22.1 % energy against split learning with one fixed split.

python -m benchmarks.claims.adaptive_split [--seeds 20] [--slots 2000] [--model lenet12] [--json FILE]

Over seeds, with 10 devices in turn: delay and energy of drift plus penalty (the published method) and of the exact
clairvoyant optimum against the best and the mean of the fixed splits (LeNet-12: after a pooling layer), and what is
spent of the budget. Then V over four decades around Ē²/τ̄: the gap to the clairvoyant bound at the budget and at what
was spent, the overspend, the queue and its ratio to V times the multiplier. LeNet-12 with all cuts, and without cut 0,
which sends raw images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rasolve as ra
from benchmarks.lyapunov_picture import draw_sweep
from benchmarks.report import figures, spread, watched, write_json
from rasolve.forms import Slots
from rasolve.forms.dual import best_ray
from rasolve.forms.queues import queue_path

CUTS = {"cuts 0 to 12": None, "cuts 1 to 12": tuple(range(1, 13))}
"""Candidate cuts: all, and those with a layer on the device, which keep a raw image there."""

CASES = {"lenet12": tuple(CUTS), "gpt2-s": ("cuts 0 to 12",)}
"""What is looked at of each model; GPT2-S cannot keep its budget without cut 0."""

PUBLISHED = {"delay": 53.7, "energy": 22.1}
"""Published reductions against one fixed split [%]."""

FIXED = ("fixed-3", "fixed-6", "fixed-9")
"""After each pooling layer of LeNet-12, at the quarters of GPT2-S."""

FACTORS = tuple(10 ** (i / 2) for i in range(-4, 5))
"""V relative to Ē²/τ̄, τ̄ being the bound on the delay at the budget."""


@dataclass(frozen=True)
class Average:
    """Mean delay [s] and energy [J] of a slot."""

    delay_s: float
    energy_j: float


@dataclass(frozen=True)
class Swept:
    """One value of V: its path, the queue at the end [J] and on average, and the bound [s] at what was spent."""

    v: float
    path: Average
    queue_j: float
    mean_queue_j: float
    bound_at_spent_s: float


@dataclass(frozen=True)
class Outcome:
    """One instance: budget [J], its bound [s] and multiplier [s/J], the default policy, optimum, rules and sweep."""

    cuts: str
    seed: int
    budget_j: float
    bound_s: float
    multiplier: float
    policy: Average
    optimum: Average
    rules: dict[str, Average]
    sweep: tuple[Swept, ...]


def outcome(model: str, cuts: str, seed: int, slots: int) -> Outcome:
    """Solve one instance every way; the budget is strict, and V of the policy is the default at 2 % slack."""
    problem = ra.AdaptiveSplit.sample(seed=seed, slots=slots, model=model, cuts=CUTS[cuts])
    strict = problem.replace(energy_slack=0.0)
    ray = best_ray(strict.as_form(Slots))
    budget = problem.energy_budget_j
    return Outcome(
        cuts=cuts,
        seed=seed,
        budget_j=budget,
        bound_s=ray.best,
        multiplier=float(ray.prices[0]),
        policy=_path(ra.solve(problem, "drift_plus_penalty")),
        optimum=_path(ra.solve(strict, "clairvoyant")),
        rules={name: _path(ra.solve(strict, f"baseline:{name}", seed=seed)) for name in strict.baselines()},
        sweep=tuple(_swept(strict, factor * budget**2 / ray.best) for factor in FACTORS),
    )


def _path(result: ra.Result) -> Average:
    return Average(result.objective, float(result.evaluation.parts["energy_j"].mean()))


def _swept(problem: ra.AdaptiveSplit, v: float) -> Swept:
    result = ra.solve(problem, "drift_plus_penalty", v=v)
    path = _path(result)
    queue = queue_path(result.evaluation.parts["energy_j"], problem.budgets_j)[:, 0]
    raised = problem.replace(energy_budget_j=max(path.energy_j, problem.energy_budget_j))
    assert path.energy_j <= problem.energy_budget_j + queue[-1] / problem.slots + 1e-9 * problem.energy_budget_j
    return Swept(v, path, float(queue[-1]), float(queue.mean()), raised.lower_bound())


def reduction_table(outcomes: Sequence[Outcome]) -> str:
    """Return, for both methods, by how many per cent delay and energy are lower than those of fixed splits.

    The best fixed split is the one of least delay, the mean one has the mean delay and energy of all three, fixed-6 is
    the one after the second pooling layer, whose energy defines the budget.
    """
    rows = []
    for name in ("policy", "optimum"):
        found = [getattr(o, name) for o in outcomes]
        for against in ("best fixed split", "mean fixed split", "fixed-6"):
            fixed = [_fixed(o, against) for o in outcomes]
            delay = 100 * np.array([1 - f.delay_s / g.delay_s for f, g in zip(found, fixed, strict=True)])
            energy = 100 * np.array([1 - f.energy_j / g.energy_j for f, g in zip(found, fixed, strict=True)])
            label = "drift plus penalty" if name == "policy" else "exact optimum"
            rows.append((f"{label}, {against}", *spread(delay), *spread(energy)))
    rows.append(("published, one fixed split", f"{PUBLISHED['delay']}", "", f"{PUBLISHED['energy']}", ""))
    return figures(("lower by [%]", "delay", "min to max", "energy", "min to max"), rows)


def _fixed(of: Outcome, against: str) -> Average:
    paths = [of.rules[name] for name in FIXED]
    if against in of.rules:
        return of.rules[against]
    if against == "best fixed split":
        return min(paths, key=lambda path: path.delay_s)
    return Average(float(np.mean([p.delay_s for p in paths])), float(np.mean([p.energy_j for p in paths])))


def _mean(values: Any, digits: int = 3) -> str:
    """Return mean ± standard deviation; 0 where that is rounding."""
    middle, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    return f"{middle:.{digits}g} ± {spread if spread > 1e-9 * abs(middle) else 0:.2g}"


def rule_table(outcomes: Sequence[Outcome]) -> str:
    """Return mean delay, energy beside the budget, and how often the budget is kept, of every method and rule."""
    rows = []
    for name in ("drift plus penalty", "exact optimum", *outcomes[0].rules):
        which = {"drift plus penalty": "policy", "exact optimum": "optimum"}.get(name)
        paths = [getattr(o, which) if which else o.rules[name] for o in outcomes]
        used = 100 * np.array([p.energy_j / o.budget_j for p, o in zip(paths, outcomes, strict=True)])
        delay = np.array([p.delay_s for p in paths])
        kept = np.count_nonzero(used <= 100 * (1 + 1e-9))
        rows.append((name, _mean(delay), _mean(used, 4), str(kept)))
    return figures(("", "delay of a slot [s]", "energy [% of budget]", f"kept of {len(outcomes)}"), rows)


def sweep_table(outcomes: Sequence[Outcome]) -> str:
    """Return what each V brings, mean ± standard deviation over the instances."""
    rows = []
    for i, factor in enumerate(FACTORS):
        points = [o.sweep[i] for o in outcomes]
        pairs = list(zip(points, outcomes, strict=True))
        columns = (
            [100 * (s.path.delay_s / o.bound_s - 1) for s, o in pairs],
            [100 * (s.path.delay_s / s.bound_at_spent_s - 1) for s, _ in pairs],
            [100 * (s.path.energy_j / o.budget_j - 1) for s, o in pairs],
            [s.queue_j / o.budget_j for s, o in pairs],
            [s.mean_queue_j / (s.v * o.multiplier) for s, o in pairs if o.multiplier > 0],
        )
        rows.append((f"{factor:.2g}", *map(_mean, columns)))
    head = ("V / (Ē²/τ̄)", "gap at budget [%]", "gap at spent [%]", "overspend [%]", "queue / Ē", "mean queue / (V·λ)")
    return figures(head, rows)


NOTES = """\
published: the problem, the queue, the two-layer decision; -53.7 % and -22.1 % against one fixed split
reconstructed: delay and energy of a slot, all constants, what the fixed splits are (after each pooling layer, at the
  fastest server clock); ours: the exact optimum, the bounds, the candidate cuts, the default V
gap at budget: above the clairvoyant bound at Ē, negative where the policy spent more; gap at spent: above the bound at
  max(Ē, spent), below which nobody can be. No slope in V is asserted. Where the budget does not bind, the multiplier is
  0 and there is no ratio to it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--slots", type=int, default=2000)
    parser.add_argument("--model", default="lenet12", choices=tuple(CASES))
    parser.add_argument("--json", type=Path, help="file for every instance's figures")
    parser.add_argument("--picture", type=Path, default=Path("out/adaptive_split_v.png"))
    given = parser.parse_args()
    print(f"{given.model}, 10 devices in turn, {given.slots} slots, {given.seeds} seeds, total energy")
    found: dict[str, list[Outcome]] = {}
    for cuts in CASES[given.model]:
        found[cuts] = [outcome(given.model, cuts, seed, given.slots) for seed in watched(range(given.seeds), cuts)]
        print("", cuts, rule_table(found[cuts]), reduction_table(found[cuts]), sep="\n")
        print("", sweep_table(found[cuts]), sep="\n")
    print("", NOTES, sep="\n")
    draw_sweep({cuts: [asdict(o) for o in outcomes] for cuts, outcomes in found.items()}, FACTORS, given.picture)
    print(f"\npicture: {given.picture}")
    if given.json is not None:
        every = [asdict(o) for outcomes in found.values() for o in outcomes]
        write_json(given.json, {"slots": given.slots, "outcomes": every})
        print(f"written: {given.json}")


if __name__ == "__main__":
    main()
