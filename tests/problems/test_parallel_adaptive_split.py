from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import Slots, Termination
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.fleet import Fleet
from rasolve.problems.adaptive_split.fleet_bound import bounded
from rasolve.problems.adaptive_split.fleet_search import enumerated, scanned, searched
from rasolve.problems.adaptive_split.slots import best_clock


def fleet(seed, devices=3, cuts=4, slots=12, epsilon=0.05, total=6.0):
    """Return random slots; the last cut leaves nothing to the server."""
    rng = np.random.default_rng(seed)
    delay, energy = rng.uniform(0, 5, (slots, devices, cuts)), rng.uniform(0, 4, (slots, devices, cuts))
    return Fleet(delay, energy, np.append(rng.uniform(0.5, 8, cuts - 1), 0.0), epsilon, 0.3, total)


def on_grid(f, which, weight, price, deadlines):
    """Return the least V·τ + q·E of given cuts over deadlines, worked out from the definition."""
    best = np.full(len(which), np.inf)
    for t in range(len(which)):
        devices = range(f.devices)
        a = np.array([f.delay_s[t, n, which[t, n]] for n in devices])
        e = np.array([f.energy_j[t, n, which[t, n]] for n in devices])
        c = f.cycles[which[t]]
        for tau in deadlines[t]:
            if (tau < a).any() or ((tau == a) & (c > 0)).any():
                continue
            clock = np.maximum(f.least_hz, np.divide(c, tau - a, out=np.zeros_like(a), where=c > 0))
            if clock.sum() <= f.total_hz * (1 + 1e-12):
                best[t] = min(best[t], weight * tau + price[t] @ (e + f.epsilon * clock**2 * c))
    return best


@pytest.mark.parametrize(("epsilon", "total"), [(0.05, 6.0), (0.0, 3.0), (0.5, 30.0), (0.05, 1.0)])
@pytest.mark.parametrize("seed", range(3))
def test_the_deadline_of_given_cuts_is_the_best_of_a_grid(seed, epsilon, total):
    f = fleet(seed, epsilon=epsilon, total=total, slots=4)
    rng = np.random.default_rng(seed)
    which, price, weight = rng.integers(0, 4, (4, 3)), rng.uniform(0, 2, (4, 3)), 1.3
    held = f.held(which)
    deadline = held.deadline(weight, price)
    clock = held.clocks(deadline)
    assert (clock.sum(axis=1) <= total * (1 + 1e-12)).all() and (clock >= 0.3).all()
    least = (held.delay_s + held.cycles / (total - 0.6)).max(axis=1)
    grid = on_grid(f, which, weight, price, [low + np.geomspace(1e-4, 40, 800) for low in least])
    got = held.value(deadline, weight, price)
    assert (got <= grid * (1 + 1e-12)).all() and got == pytest.approx(grid, rel=5e-3)


@pytest.mark.parametrize(("epsilon", "total"), [(0.05, 30.0), (0.5, 30.0), (0.05, 3.0), (0.0, 3.0)])
def test_bound_enumeration_search_and_scan_stand_in_order(epsilon, total):
    f, weight = fleet(1, epsilon=epsilon, total=total, slots=40), 1.0
    price = np.random.default_rng(1).uniform(0, 2, (40, 3))
    best = np.full(40, np.inf)
    for cuts in product(range(4), repeat=3):
        held = f.held(np.tile(cuts, (40, 1)))
        best = np.minimum(best, held.value(held.deadline(weight, price), weight, price))
    choices = (choose(f, weight, price) for choose in (enumerated, searched))
    exact, found = (f.held(which).value(deadline, weight, price) for which, deadline in choices)
    assert exact == pytest.approx(best, rel=1e-12)
    assert (found >= best * (1 - 1e-12)).all() and np.mean(found / best) < 1.01
    first = f.held(scanned(f, weight, price))
    assert (first.value(first.deadline(weight, price), weight, price) >= found * (1 - 1e-12)).all()
    bound = bounded(f, weight, price, found)
    assert (bound <= best * (1 + 1e-12)).all() and (bound >= best * (0.999999 if total > 10 else 0.95)).all()


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(-3, 3))
def test_one_device_alone_gets_the_published_clock(seed, v_decades, q_decades):
    alone = ra.AdaptiveSplit.sample(seed=seed, slots=2, devices=1)
    fields = {name: getattr(alone, name) for name in type(alone).model_fields if name != "device"}
    columns = {name: np.asarray(fields[name])[:, None] for name in ("device_clock_hz", "gain_up", "gain_down")}
    budget = np.array([alone.energy_budget_j])
    fleet_of_one = ra.ParallelAdaptiveSplit(**{**fields, **columns, "energy_budget_j": budget})
    v, q = 10**v_decades, np.array([10**q_decades])
    one, many = (p.formulate(Slots).form.answer(v, q) for p in (alone, fleet_of_one))
    assert many.choice[0][:, 0] == pytest.approx(one.choice[0])
    assert many.penalty == pytest.approx(one.penalty, rel=1e-9) and many.cost == pytest.approx(one.cost, rel=1e-9)
    works = one.choice[0] < 12
    assert many.choice[1][works, 0] == pytest.approx(float(best_clock(alone, v, q[0])), rel=1e-9)


def test_no_energy_is_wasted_where_nobody_waits():
    p = ra.ParallelAdaptiveSplit.sample(seed=0, slots=6, cuts=range(1, 13))
    found = p.formulate(Slots).form.answer(1.0, np.zeros(4))
    frugal = p.formulate(Slots).form.answer(1.0, np.full(4, 1e-6))
    assert found.penalty == pytest.approx(frugal.penalty, rel=1e-6)
    assert found.cost.mean(axis=0) == pytest.approx(frugal.cost.mean(axis=0), rel=0.05)


def test_evaluation_waits_for_the_last_and_checks_every_budget():
    p = ra.ParallelAdaptiveSplit.sample(seed=1, slots=5, devices=3)
    clock = np.full((5, 3), p.clock_max_hz / 3)
    decision = SplitDecision(np.tile([3, 6, 9], (5, 1)), clock)
    parts = p.evaluate(decision).parts
    each = sum(values for name, values in parts.items() if name.endswith("_s") and values.ndim == 2)
    assert parts["slot_s"] == pytest.approx(each.max(axis=1)) and parts["energy_j"].shape == (5, 3)
    energy, used, *_ = p.check(decision).constraints
    assert energy.limit == pytest.approx(1.05 * p.energy_budget_j) and used.value == pytest.approx(p.clock_max_hz)
    over = p.check(SplitDecision(decision.cut, clock * 1.01))
    assert [c.name for c in over.violated if "clock" in c.name] == ["server clock in use"]


@pytest.mark.parametrize("seed", range(2))
def test_nobody_is_below_the_bound_at_what_was_spent(seed):
    p = ra.ParallelAdaptiveSplit.sample(seed=seed, slots=12, devices=3, cuts=(2, 3, 6, 9), energy_slack=0.0)
    best = ra.solve(p, "prices")
    assert best.feasible and best.bound <= best.objective and best.gap < 0.1
    paths = [ra.solve(p, "drift_plus_penalty", v=v) for v in (0.1, 3.0, 100.0)]
    for path in [best, *paths, *(ra.solve(p, f"baseline:{name}") for name in p.baselines())]:
        energy = path.evaluation.parts["energy_j"].mean(axis=0)
        raised = p.replace(energy_budget_j=np.maximum(energy, p.energy_budget_j))
        assert raised.lower_bound() <= path.objective * (1 + 1e-9)
        assert not path.feasible or path.objective >= best.bound * (1 - 1e-9)


def test_myopic_baseline_shares_the_clock_and_keeps_each_budget_where_it_can():
    p = ra.ParallelAdaptiveSplit.sample(seed=2, slots=20, cuts=range(1, 13))
    result = ra.solve(p, "baseline:no-queue")
    energy, least = (r.evaluation.parts["energy_j"] for r in (result, ra.solve(p, "baseline:energy-greedy")))
    assert (energy <= np.maximum(p.energy_budget_j, least) * (1 + 1e-9)).all()
    assert all(c.kept for c in result.check.constraints if "clock" in c.name)


def test_an_unreachable_budget_names_the_device():
    p = ra.ParallelAdaptiveSplit.sample(seed=0, slots=4)
    p = p.replace(energy_budget_j=np.array([9.0, 1e-3, 9.0, 1e-3]))
    assert [reason.split(":")[0] for reason in p.explain()] == ["device 2", "device 4"]
    assert ra.solve(p).termination is Termination.INFEASIBLE


def test_plan_and_algebra_cover_every_device_of_a_slot():
    pyo = pytest.importorskip("pyomo.environ")
    p = ra.ParallelAdaptiveSplit.sample(seed=0, slots=3, devices=2, cuts=(3, 6))
    result = ra.solve(p)
    plan = result.plan()
    assert plan.turn.tolist() == [0, 0, 1, 1, 2, 2] and plan.device.tolist() == [0, 1] * 3
    assert plan.obstacle is not None and plan.protocol == "split_sequential"
    model = p.to_pyomo(result.decision)
    assert pyo.value(model.mean_delay_s) == pytest.approx(result.objective, rel=1e-12)
    energy = result.evaluation.parts["energy_j"].mean(axis=0)
    assert [pyo.value(model.budget[n].body) for n in range(2)] == pytest.approx(energy)


def test_the_clock_must_suffice_for_all():
    with pytest.raises(InputError, match=r"clock_min_hz = 3e\+10: must be at most clock_max_hz over 4 devices, 2.5e"):
        ra.ParallelAdaptiveSplit.sample(clock_min_hz=3e10)


@pytest.mark.parametrize("scope", ["device", "server", "total"])
@pytest.mark.parametrize(("devices", "cuts"), [(1, (0,)), (2, (0, 3, 6)), (3, None)])
def test_where_energy_is_free_no_plan_is_below_the_bound_and_the_answer_is_the_fastest(scope, devices, cuts):
    ample = {"energy_scope": scope, "energy_budget_j": np.full(devices, 1e9), "cuts": cuts}
    p = ra.ParallelAdaptiveSplit.sample(seed=3, slots=4, devices=devices, **ample)
    fastest = p.replace(energy_scope="device", device_energy=0.0, cuts=cuts)
    equal = np.full((4, devices), p.clock_max_hz / devices)
    known = [SplitDecision(np.full((4, devices), c), equal) for c in cuts or (0, 3, 6, 9)]
    known.append(ra.solve(fastest, "prices").decision)
    delays = [p.evaluate(decision).objective for decision in known]
    assert p.lower_bound() <= min(delays) * (1 + 1e-14), "a bound at prices of nothing"
    assert ra.solve(p, "prices").objective <= min(delays) * (1 + 1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_clocks_add_up_to_no_more_than_there_is_where_the_server_takes_next_to_no_time(seed):
    slow = {
        "energy_scope": "device",
        "gain_up": 1e-15,
        "gain_down": 1e-15,
        "clock_max_hz": 1e14,
        "energy_budget_j": np.full(2, 1e24),
    }
    p = ra.ParallelAdaptiveSplit.sample(seed=seed, slots=4, devices=2, cuts=(5, 11), **slow)
    found = p.formulate(Slots).form.answer(1.0, np.zeros(2))
    assert np.isfinite(found.cost).all() and (found.choice[1].sum(axis=1) <= p.clock_max_hz * (1 + 1e-15)).all()
    assert ra.solve(p, "prices").feasible


@pytest.mark.parametrize("t", [-1, 3, 1.5, "a", True])
def test_there_is_no_such_slot(t):
    p = ra.ParallelAdaptiveSplit.sample(slots=3)
    assert (p.slot(2).gain_up == p.gain_up[2:]).all()
    with pytest.raises(InputError, match=r"slot = .*: must be a whole number from 0 to 2"):
        p.slot(t)
