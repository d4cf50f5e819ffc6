"""Sets of subchannels as configurations: pricing, listing and searching, each against exhaustion."""

from itertools import product

import numpy as np
import pytest

from rasolve.forms import MixedIntegerProgram
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.lagrangian import prices_at
from rasolve.solvers.links import assignment, configurations, tangents
from rasolve.solvers.links.partition import EffortSpent, Listed, Partition
from rasolve.solvers.links.pricing import Pricing
from rasolve.solvers.links.relaxation import Effort
from tests.solvers.test_links import sampled, uniform


def all_sets(subchannels: int) -> np.ndarray:
    return np.asarray(list(product([False, True], repeat=subchannels)))[1:]


@pytest.mark.parametrize("seed", range(6))
def test_pricing_bounds_and_lists_what_exhaustion_finds(seed):
    form, rng = sampled(3, 9, seed, ("wideband", "midband", "narrowband")[seed % 3]), np.random.default_rng(seed)
    deadline = solve_form(form, "deadline_mip").objective
    demand = form.demand(deadline)
    price = rng.exponential(0.2, 9) * (rng.random(9) > 0.2)
    pricing = Pricing.around(demand, demand.fewest + rng.integers(0, 2, 3))
    bound, found = pricing.cheapest(np.broadcast_to(price, (3, 9)))
    sets = all_sets(9)
    for client in range(3):
        power = demand.powers(np.full(len(sets), client), sets)
        cost = np.where(power <= demand.cap[client] * (1 + 1e-11), power + sets @ price, np.inf)
        assert bound[client].min() <= cost.min() + 1e-12
        threshold = cost.min() * 1.2
        listed, listed_power = pricing.within(client, price, threshold, 10_000)
        assert {s.tobytes() for s in listed} == {s.tobytes() for s in sets[cost <= threshold]}
        assert listed_power == pytest.approx(demand.powers(np.full(len(listed), client), listed))
        assert pricing.within(client, price, cost[np.isfinite(cost)].max(), 1) is None, "more than may be listed"
        assert (found[client].sum(axis=1) >= demand.fewest[client]).any()


@pytest.mark.parametrize("seed", range(20))
def test_partition_finds_what_exhaustion_finds(seed):
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(3):
        sets = np.unique(rng.random((12, 7)) < 0.35, axis=0)
        sets = sets[sets.any(axis=1)]
        excess = np.sort(rng.uniform(0, 1, len(sets)))
        lists.append(Listed(sets, excess, rng.uniform(0.1, 0.6, len(sets))))

    def fits(rows):
        chosen = [(lists[k].sets[r], lists[k].excess[r], lists[k].power[r]) for k, r in enumerate(rows)]
        disjoint = np.sum([s for s, *_ in chosen], axis=0).max() <= 1
        return disjoint and sum(e for _, e, _ in chosen) <= 1.2 and sum(p for *_, p in chosen) <= 1.0

    exists = any(fits(rows) for rows in product(*(range(len(each.excess)) for each in lists)))
    found = Partition(lists, 1.2, 1.0, 10_000).search()
    assert (found is not None) == exists
    if found is not None:
        assert fits(
            [int((each.sets == members).all(axis=1).argmax()) for each, members in zip(lists, found, strict=True)]
        )
    with pytest.raises(EffortSpent):
        Partition(lists, 1.2, 1.0, 0).search()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("regime", ["wideband", "midband"])
def test_both_questions_give_the_right_answers(seed, regime):
    form = sampled(4, 12, seed, regime)
    best = solve_form(form, "deadline_mip")
    owner = best.value.owner
    late = np.asarray(sorted(range(4)) * 3)
    for factor, met in ((1 + 1e-6, True), (1 - 1e-5, False)):
        deadline = best.objective * factor
        near = prices_at(form, best.objective)
        effort = Effort.usual(1.0, Limits())
        answers = [
            configurations.ask(form, deadline, late, near, None, effort),
            tangents.ask(form, deadline, owner if met else late, 5000, Limits()),
        ]
        for answer in answers:
            assert answer.decided(deadline)
            if met:
                assert form.served(answer.owner)[1] <= deadline * (1 + 1e-12)
            else:
                assert answer.owner is None and answer.refuted == deadline


@pytest.mark.parametrize("seed", range(6))
def test_assignment_gives_the_right_answers(seed):
    form = uniform(sampled(4, 12, seed, "wideband"))
    best = solve_form(form, "deadline_mip").objective
    refuted = assignment.ask(form, best * (1 - 1e-8), best * 0.5, 5000, Limits())
    found = assignment.ask(form, best * 1.01, best * 0.5, 5000, Limits())
    assert refuted.owner is None and refuted.refuted == best * (1 - 1e-8)
    assert form.judge(found.owner) <= best * 1.01 and found.refuted <= best


def test_whole_programs_by_highs_equal_exhaustion():
    points = np.asarray(list(product(range(3), repeat=5)), dtype=float)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        matrix = rng.integers(-3, 6, (3, 5)) * (rng.random((3, 5)) < 0.7)
        cost, high = rng.integers(-5, 6, 5).astype(float), rng.integers(-4, 10, 3).astype(float)
        program = MixedIntegerProgram(cost, matrix, -np.inf, high, 0.0, 2.0, True)
        within = (points @ matrix.T <= high).all(axis=1)
        best = (points @ cost)[within].min() if within.any() else np.inf
        whole = solve_form(program, "highs")
        assert whole.objective == best and whole.bound == (best if np.isfinite(best) else np.inf)
        relaxed = solve_form(MixedIntegerProgram(cost, matrix, -np.inf, high, 0.0, 2.0, False))
        assert relaxed.bound <= best + 1e-9
        if relaxed.value is not None:
            assert relaxed.bound == pytest.approx(relaxed.objective, abs=1e-9)
            guess = -rng.exponential(1.0, 3)
            assert program.dual_bound(guess) <= best + 1e-9, "any multipliers give a bound"


def test_continuous_variables_are_best_for_the_whole_ones():
    program = MixedIntegerProgram([-1.0, 1.0], [[1.0, -1.0]], 0.0, 0.5, 0.0, np.inf, [True, False])
    solution = solve_form(program)
    assert solution.value == pytest.approx([1.0, 0.5]) or solution.objective == pytest.approx(-0.5)
    assert solution.value[0] == np.rint(solution.value[0]) and program.judge(solution.value) == solution.objective


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": "no"}, "matrix must be a matrix of numbers"),
        ({"cost": [1.0]}, "cost has shape [1], needs [2]"),
        ({"row_low": 3.0}, "row_low must be at most row_high"),
        ({"low": 5.0}, "low must be at most high"),
        ({"cost": [np.inf, 1.0]}, "cost and matrix must be finite"),
        ({"cost": [-1.0, 0.0], "high": np.inf, "row_high": np.inf}, "has no least objective: it falls without limit"),
    ],
)
def test_bad_programs_are_one_clear_line(change, message):
    good = {"cost": [1.0, 1.0], "matrix": [[1.0, 1.0]], "row_low": 1.0, "row_high": 2.0, "low": 0.0, "high": 2.0}
    with pytest.raises(Exception) as caught:
        solve_form(MixedIntegerProgram(**{**good, **change}, whole=False))
    assert type(caught.value).__name__ == "InputError" and str(caught.value) == f"MixedIntegerProgram{_joint(message)}"


def _joint(message: str) -> str:
    return f" {message}" if message.startswith("has no") else f".{message}"
