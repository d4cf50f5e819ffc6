"""Virtual queues: the recursion by hand, what it guarantees on every path, and policies that go slot by slot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import Response, Slots, Termination
from rasolve.forms.dual import best_ray
from rasolve.forms.queues import queue_path
from rasolve.solvers import Limits, drift_plus_penalty, solve_form
from rasolve.solvers.drift_plus_penalty import natural_v
from rasolve.solvers.items.policy import DriftPlusPenaltyPolicy, Queues
from tests.instances import separable


def by_hand(form, v):
    """Return the choices and queues of drift plus penalty, worked out slot by slot."""
    found = form.each(slice(0, form.items), 1.0, np.zeros(form.budgets))
    queue, chosen, path = np.zeros(form.budgets), [], []
    for penalty, cost in zip(found.penalty, found.cost, strict=True):
        chosen.append(int(np.argmin(v * penalty + cost @ queue)))
        queue = np.maximum(queue + cost[chosen[-1]] - form.steered, 0.0)
        path.append(queue)
    return chosen, np.array(path)


@pytest.mark.parametrize("budgets", [1, 3])
@pytest.mark.parametrize("v", [0.1, 3.0])
def test_the_path_is_that_of_the_recursion(v, budgets):
    form = separable(0, 80, budgets=budgets, slots=True)
    chosen, path = by_hand(form, v)
    solution = solve_form(form, "drift_plus_penalty", v=v)
    assert solution.value.choice[0].tolist() == chosen
    assert queue_path(solution.value.cost, form.steered)[1:] == pytest.approx(path, abs=1e-12)
    assert solution.multipliers["queues"] == pytest.approx(path[-1], abs=1e-12)
    assert solution.multipliers["prices"] == pytest.approx(path[-1] / v, abs=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(-2, 3))
def test_no_path_spends_more_than_target_and_queue(seed, slots, decades):
    form = separable(seed, slots, slots=True)
    loose = replace(form, budget=np.array([9.0]), target=form.budget)
    solution = solve_form(loose, "drift_plus_penalty", v=10**decades)
    queue = queue_path(solution.value.cost, form.budget)[-1]
    assert (form.spent(solution.value) <= form.budget + queue / slots + 1e-12).all()
    at_spent = replace(form, budget=np.maximum(form.spent(solution.value), form.budget))
    assert best_ray(at_spent).best <= solution.objective * (1 + 1e-12), "nobody is below the bound at what was spent"


def test_the_queue_over_v_approaches_the_multiplier_and_the_bound_at_it_the_dual():
    form = separable(1, 4000, slots=True)
    form = replace(form, target=form.budget * 0.98)
    solution = solve_form(form, "drift_plus_penalty", v=20.0)
    ray = best_ray(replace(form, budget=form.steered, target=None))
    late = queue_path(solution.value.cost, form.steered)[2000:, 0]
    assert late.mean() / 20.0 == pytest.approx(ray.prices[0], rel=0.06)
    assert solution.bound == pytest.approx(best_ray(form).best, rel=2e-3) and solution.objective < np.inf


def test_costs_beyond_the_declared_slack_have_no_objective_but_a_value():
    form = separable(0, 30, slots=True)
    over = solve_form(form, "drift_plus_penalty", v=1e6)
    assert over.objective == np.inf and over.value is not None and over.termination is Termination.CONVERGED
    out_of_reach = solve_form(replace(form, budget=np.array([0.01])), "drift_plus_penalty")
    assert out_of_reach.termination is Termination.INFEASIBLE and out_of_reach.value is None


def test_whatever_stops_it_every_slot_is_decided(monkeypatch):
    monkeypatch.setattr(drift_plus_penalty, "WALKED", 16)
    form = replace(separable(0, 100, slots=True), target=np.array([0.28]))
    whole = solve_form(form, "drift_plus_penalty", v=0.5)
    assert whole.iterations == 7 and [line.objective for line in whole.history[:-1]] == [np.inf] * 7
    for limits in (Limits(deadline=0.0), Limits(max_iterations=2), Limits(callback=lambda _: True)):
        cut = solve_form(form, "drift_plus_penalty", limits, v=0.5)
        assert len(cut.value.penalty) == 100
        decided = 16 * cut.iterations
        assert cut.value.choice[0][:decided].tolist() == whole.value.choice[0][:decided].tolist()
        prices = queue_path(whole.value.cost, form.steered)[decided] / 0.5
        assert cut.value.choice[0][decided:].tolist() == form.answer(1.0, prices, decided).choice[0].tolist()


def test_what_is_not_decided_yet_is_asked_for_once_and_not_at_every_step(monkeypatch):
    monkeypatch.setattr(drift_plus_penalty, "WALKED", 16)
    form, asked = replace(separable(0, 100, slots=True), target=np.array([0.28])), []

    def respond(items, weight, prices):
        asked.append(items.stop - items.start)
        return form.respond(items, weight, prices)

    solve_form(replace(form, respond=respond), "drift_plus_penalty", v=0.5)
    assert max(asked) == 100 and asked.count(100) == 2 and sum(n for n in asked if n > 1) == 200, "the bound alone"
    asked.clear()
    late = solve_form(replace(form, respond=respond), "drift_plus_penalty", Limits(deadline=0.0), v=0.5)
    assert [n for n in asked if n > 1] == [84, 100] and late.bound > -np.inf
    asked.clear()
    solve_form(replace(form, respond=respond), "drift_plus_penalty", Limits(callback=lambda _: True), v=0.5)
    assert [n for n in asked if n > 1] == [84]


def test_an_early_end_keeps_the_budgets_where_the_first_queues_would_not(monkeypatch):
    monkeypatch.setattr(drift_plus_penalty, "WALKED", 2)
    form = separable(0, 100, slots=True)
    for limits in (Limits(deadline=0.0), Limits(callback=lambda _: True)):
        early = solve_form(form, "drift_plus_penalty", limits, v=1e6)
        assert early.objective < np.inf and form.keeps(early.value)
        assert early.value.choice[0][2:].tolist() == form.answer(0.0, np.ones(1), 2).choice[0].tolist()


def test_steps_over_many_queues_are_short_enough_to_be_interrupted():
    form = separable(0, 300, budgets=32, slots=True)
    assert len(drift_plus_penalty.walk(form, 0, 1.0, (0.0,) * 32)[0].penalty) == 4
    assert len(drift_plus_penalty.walk(separable(0, 300, slots=True), 0, 1.0, (0.0,))[0].penalty) == 300


def test_a_stepper_and_the_default_one_agree():
    form = separable(4, 50, slots=True)
    found = form.each(slice(0, 50), 1.0, np.zeros(1))

    def prepare(slots):
        def step(slot, weight, prices):
            at = slots.start + slot
            which = int(np.argmin(weight * found.penalty[at] + found.cost[at, :, 0] * prices[0]))
            return found.penalty[at, which], tuple(found.cost[at, which]), (which,)

        return step

    one, two = (solve_form(f, "drift_plus_penalty", v=1.0) for f in (form, replace(form, prepare=prepare)))
    assert one.value.choice[0].tolist() == two.value.choice[0].tolist() and one.objective == two.objective


def test_sums_are_steered_to_a_slots_share():
    mean = separable(2, 60, slots=True)
    total = replace(mean, mean=False, budget=mean.budget * 60)
    assert total.steered == pytest.approx(mean.steered)
    one, two = (solve_form(form, "drift_plus_penalty", v=0.3).value.choice[0].tolist() for form in (mean, total))
    assert one == two and natural_v(total) == pytest.approx(natural_v(mean), rel=1e-6)


def test_the_natural_v_follows_the_units():
    form = separable(3, 200, slots=True)

    def scaled(penalty, cost):
        def respond(at, weight, prices):
            found = form.respond(at, weight * penalty, prices * cost)
            return Response(found.penalty * penalty, found.cost * cost, found.choice)

        return Slots(200, respond, form.budget * cost)

    assert natural_v(scaled(7.0, 1.0)) == pytest.approx(natural_v(form) / 7, rel=1e-9)
    assert natural_v(scaled(1.0, 5.0)) == pytest.approx(natural_v(form) * 25, rel=1e-9)


@pytest.mark.parametrize("v", [0.0, -1.0, float("nan"), float("inf"), "much", True])
def test_v_must_be_above_0(v):
    with pytest.raises(InputError, match=r"v = .*: must be finite and above 0"):
        ra.solve(separable(0, 3, slots=True), "drift_plus_penalty", v=v)


def test_a_policy_driven_from_outside_takes_the_same_path_and_resumes(tmp_path):
    form = separable(0, 60, budgets=2, slots=True)
    whole = solve_form(form, "drift_plus_penalty", v=0.7)
    policy = DriftPlusPenaltyPolicy(Queues.empty(0.7, form.steered))
    for t in range(60):
        if t == 30:
            policy = DriftPlusPenaltyPolicy(Queues.load(policy.queues.save(tmp_path / "queues.json")))
        seen = Slots(1, lambda _, weight, prices, t=t: form.respond(slice(t, t + 1), weight, prices), form.budget)
        decided = policy.decide(seen)
        assert decided.choice[0][0] == whole.value.choice[0][t]
        policy.learn(decided.cost[0])
    assert policy.queues.slots == 60 and policy.queues.queue == pytest.approx(whole.multipliers["queues"])
    assert policy.queues.prices == pytest.approx(whole.multipliers["prices"])


def test_queues_follow_what_was_spent_and_refuse_what_is_none():
    queues = Queues.empty(2.0, 3.0)
    assert queues.after(5.0).queue == [2.0] and queues.after(1.0).queue == [0.0] and queues.after([4]).slots == 1
    for bad in (float("nan"), [1.0, 2.0], "much"):
        with pytest.raises(InputError, match=r"outcome = .*: must be one finite cost for each of 1 budgets"):
            queues.after(bad)
    with pytest.raises(InputError, match="v = 0: must be above 0"):
        Queues.empty(0, 3.0)
    with pytest.raises(InputError, match="observation has 2 budgets, the queues 1"):
        DriftPlusPenaltyPolicy(queues).decide(separable(0, 1, budgets=2))


def test_a_problem_is_decided_online_and_resumed(tmp_path):
    problem = ra.AdaptiveSplit.sample(seed=2, slots=40, cuts=range(1, 13))
    whole = ra.solve(problem, "drift_plus_penalty", v=50.0)
    policy = ra.OnlinePolicy.of(problem, v=50.0)
    for t in range(40):
        seen = problem.slot(t)
        decision = policy.decide(seen)
        assert decision.cut[0] == whole.decision.cut[t]
        assert decision.clock_hz[0] == pytest.approx(whole.decision.clock_hz[t], rel=1e-9)
        policy.learn(seen.evaluate(decision).parts["energy_j"][0])
        policy.queues.save(tmp_path / "queues.json")
        policy = ra.OnlinePolicy.resume(tmp_path / "queues.json")
    assert policy.queues.prices[0] == pytest.approx(whole.multipliers["energy_budget_j"], rel=1e-9)
    with pytest.raises(InputError, match="cut-and-clock has no slots to decide online"):
        ra.OnlinePolicy.of(ra.CutAndClock.sample(), v=1.0)
    with pytest.raises(InputError, match="a problem over time slots is needed, not str"):
        ra.OnlinePolicy.of("adaptive-split", v=1.0)


def test_saved_queues_of_another_problem_are_refused(tmp_path):
    p = ra.AdaptiveSplit.sample(slots=3)
    path = ra.OnlinePolicy.of(p, 2.0).queues.save(tmp_path / "queues.json")
    assert ra.OnlinePolicy.resume(path, p, 2.0).queues.v == 2
    with pytest.raises(
        InputError, match=r"queues.json: these queues are of another problem: they steer to .*, adaptive-"
    ):
        ra.OnlinePolicy.resume(path, p.replace(energy_budget_j=1.0))
    with pytest.raises(InputError, match="these queues are of another problem"):
        ra.OnlinePolicy.resume(path, ra.ParallelAdaptiveSplit.sample(slots=2))
    with pytest.raises(InputError, match="these queues have v = 2, not 3"):
        ra.OnlinePolicy.resume(path, p, 3.0)


def test_one_slot_is_decided_at_a_time():
    p = ra.AdaptiveSplit.sample(slots=3)
    policy = ra.OnlinePolicy.of(p, 2.0)
    for observation, message in (
        (p, r"observation: one slot is needed, not 3, e.g. problem.slot\(0\)"),
        (None, "observation: a problem of one slot is needed, not NoneType"),
        (ra.ParallelAdaptiveSplit.sample(slots=1), "observation has 4 budgets, the queues 1"),
    ):
        with pytest.raises(InputError, match=message):
            policy.decide(observation)
    with pytest.raises(InputError, match=r"policy: needs decide\(observation\) and learn\(outcome\), NoneType has not"):
        ra.OnlineTurns(p, None)
