from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import Slots, Termination
from rasolve.problems.adaptive_split.decision import SplitDecision
from rasolve.problems.adaptive_split.slots import best_clock

POOLS = (3, 6, 9)


def sample(**sizes):
    return ra.AdaptiveSplit.sample(**{"seed": 0, "slots": 30, **sizes})


def spent(result):
    return float(result.evaluation.parts["energy_j"].mean())


@pytest.fixture(scope="module")
def problem():
    return sample()


def by_hand(p, t, cut, clock):
    """Return delay and energy by party of one slot, from the card's formulas."""
    q, kb = p.profile, p.local_steps * p.batch_size
    last = cut == q.blocks
    up = p.bandwidth_up_hz * np.log2(1 + p.device_power_w * p.gain_up[t] / (p.noise_w_per_hz * p.bandwidth_up_hz))
    down = p.bandwidth_down_hz * np.log2(
        1 + p.server_power_w * p.gain_down[t] / (p.noise_w_per_hz * p.bandwidth_down_hz)
    )
    work = q.forward_flops + q.backward_flops + p.rank * (q.adapter_forward_flops + q.adapter_backward_flops)
    head = q.head_forward_flops + q.head_backward_flops
    device = kb * (q.embedding_forward_flops + sum(work[:cut]) + (head if last else 0)) / p.device_flops_per_cycle
    server = 0.0 if last else kb * (sum(work[cut:]) + head) / p.server_flops_per_cycle
    model = p.profile.parameter_bits * (p.rank * sum(q.adapter_params[:cut]) if p.rank else sum(q.params[:cut]))
    sent = 0.0 if last else kb * q.activation_bits[cut]
    back = 0.0 if last or cut == 0 else sent
    delay = model / down + device / p.device_clock_hz[t] + sent / up + server / clock + back / down + model / up
    own = p.device_energy * p.device_clock_hz[t] ** 2 * device + p.device_power_w * (sent + model) / up
    theirs = p.server_energy * clock**2 * server + p.server_power_w * (back + model) / down
    return delay, own, theirs


@pytest.mark.parametrize(("model", "cuts"), [("lenet12", range(13)), ("gpt2-s", (0, 1, 7, 12))])
def test_delay_and_energy_worked_out_by_hand(model, cuts):
    p = sample(model=model, slots=len(cuts))
    clock = np.linspace(p.clock_min_hz, p.clock_max_hz, len(cuts))
    decision = SplitDecision(np.array(list(cuts)), clock)
    own = {scope: p.replace(energy_scope=scope).evaluate(decision).parts for scope in ("device", "server", "total")}
    for t, cut in enumerate(cuts):
        delay, device, server = by_hand(p, t, cut, clock[t])
        assert own["total"]["slot_s"][t] == pytest.approx(delay, rel=1e-12)
        assert own["device"]["energy_j"][t, 0] == pytest.approx(device, rel=1e-12)
        assert own["server"]["energy_j"][t, 0] == pytest.approx(server, rel=1e-12)
        assert own["total"]["energy_j"][t, 0] == pytest.approx(device + server, rel=1e-12)
    assert p.evaluate(decision).objective == pytest.approx(own["total"]["slot_s"].mean(), rel=1e-14)


def test_instance_has_the_cards_constants():
    p = ra.AdaptiveSplit.sample(seed=3)
    assert (p.slots, p.profile.model, p.batch_size, p.local_steps, p.rank) == (2000, "lenet12", 64, 5, 0)
    assert p.device.tolist() == (np.arange(2000) % 10).tolist()
    assert (p.device_clock_hz >= 0.1e9).all() and (p.device_clock_hz <= 1e9).all()
    assert p.device_clock_hz[:10] == pytest.approx(p.device_clock_hz[10:20])
    assert (p.clock_min_hz, p.clock_max_hz, p.device_energy) == (10e9, 100e9, 1e-28)
    assert p.server_energy * p.clock_max_hz**3 == pytest.approx(100.0)
    assert 1e6 <= p.bandwidth_up_hz <= 10e6 and p.device_power_w == pytest.approx(0.2, rel=3e-3)
    halfway = ra.solve(p, "baseline:fixed-6")
    assert (halfway.decision.cut == 6).all() and (halfway.decision.clock_hz == p.clock_max_hz).all()
    assert p.energy_budget_j == pytest.approx(0.8 * spent(halfway), rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["device", "server", "total"]), st.floats(-3, 3), st.floats(-3, 3))
def test_the_decision_of_a_slot_is_the_best_of_a_fine_grid(seed, scope, v_decades, q_decades):
    p = sample(seed=seed, slots=3, energy_scope=scope)
    form = p.formulate(Slots).form
    v, q = 10**v_decades, 10**q_decades
    found = form.answer(v, np.array([q]))
    got = v * found.penalty + q * found.cost[:, 0]
    clocks, grid = np.geomspace(p.clock_min_hz, p.clock_max_hz, 2000), np.full(3, np.inf)
    for t, cut in np.ndindex(3, 13):
        delay, device, server = by_hand(p, t, cut, clocks)
        energy = {"device": device, "server": server, "total": device + server}[scope]
        grid[t] = min(grid[t], (v * delay + q * energy).min())
    assert (got <= grid * (1 + 1e-12)).all() and got == pytest.approx(grid, rel=1e-5)
    step = form.stepper(slice(0, 3))
    for t in range(3):
        penalty, cost, (cut, clock) = step(t, v, [q])
        assert (penalty, cost[0]) == (pytest.approx(found.penalty[t]), pytest.approx(found.cost[t, 0]))
        assert cut == found.choice[0][t] and clock == pytest.approx(found.choice[1][t], rel=1e-9)


@settings(max_examples=40)
@given(st.floats(-6, 6), st.floats(-6, 6))
def test_the_clock_is_that_of_numerical_minimisation(v_decades, q_decades):
    p, v, q = sample(slots=1), 10**v_decades, 10**q_decades
    cycles = 1e10

    def cost(log):
        return v * cycles / np.exp(log) + q * p.server_energy * np.exp(log) ** 2 * cycles

    ends = np.log([p.clock_min_hz, p.clock_max_hz])
    numeric = minimize_scalar(cost, bounds=ends, method="bounded", options={"xatol": 1e-12})
    formula = float(best_clock(p, v, np.array(q)))
    assert cost(np.log(formula)) <= min(numeric.fun, *map(cost, ends)) * (1 + 1e-12)
    assert best_clock(p, 1.0, np.array(0.0)) == p.clock_max_hz
    assert best_clock(p.replace(energy_scope="device"), 1.0, np.array(9.0)) == p.clock_max_hz


def test_the_fast_tables_agree_with_the_evaluation(problem):
    form = problem.formulate(Slots).form
    found = form.answer(1.0, np.array([0.05]))
    parts = problem.evaluate(SplitDecision(*found.choice)).parts
    assert found.penalty == pytest.approx(parts["slot_s"], rel=1e-12)
    assert found.cost == pytest.approx(parts["energy_j"], rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("cuts", [range(13), range(1, 13)])
def test_bound_optimum_and_policies_stand_in_order(seed, cuts):
    p = sample(seed=seed, slots=12, cuts=cuts, energy_slack=0.0)
    bound, best = p.lower_bound(), ra.solve(p, "clairvoyant")
    assert best.termination is Termination.OPTIMAL and bound <= best.bound <= best.objective * (1 + 1e-12)
    paths = [ra.solve(p, "drift_plus_penalty", v=v) for v in (0.1, 10.0, 300.0, 1e4)]
    paths += [ra.solve(p, f"baseline:{name}", seed=seed) for name in p.baselines()]
    for path in [best, ra.solve(p, "prices"), *paths]:
        energy = spent(path)
        if energy <= p.energy_budget_j:
            assert path.objective >= best.objective * (1 - 1e-9), path.solver
        at_spent = p.replace(energy_budget_j=max(energy, p.energy_budget_j))
        assert at_spent.lower_bound() <= path.objective * (1 + 1e-9), path.solver


@pytest.mark.parametrize("seed", range(20))
def test_energy_stays_below_budget_and_queue_on_every_seed(seed):
    p = sample(seed=seed, slots=200, cuts=range(1, 13))
    result = ra.solve(p, "drift_plus_penalty")
    price, v = result.multipliers["energy_budget_j"], ra.solvers.drift_plus_penalty.natural_v(p.formulate(Slots).form)
    assert spent(result) <= p.energy_budget_j + price * v / 200 + 1e-9


def test_the_exact_clairvoyant_is_the_automatic_choice_and_spends_the_declared_slack():
    p = sample(slots=300, cuts=range(1, 13))
    result = ra.solve(p)
    assert result.solver == "clairvoyant" and result.termination is Termination.OPTIMAL and result.gap <= 1e-9
    assert spent(result) == pytest.approx(1.02 * p.energy_budget_j, rel=1e-9)
    (line,) = [c for c in result.check.constraints if "energy" in c.name]
    assert line.name == "mean energy of a slot (total, 2 % slack)" and line.kept
    assert "102 % of the budget; the queue ends at" in result.notes[0]
    more = p.replace(energy_budget_j=p.energy_budget_j * (1 + 1e-4))
    worth = (p.lower_bound() - more.lower_bound()) / (1.02e-4 * p.energy_budget_j)
    assert result.multipliers["energy_budget_j"] == pytest.approx(worth, rel=1e-3), "the price is what a joule is worth"


def test_a_path_beyond_the_slack_is_not_feasible_and_has_no_gap():
    p = sample(slots=60, cuts=range(1, 13), energy_slack=0.0)
    over = ra.solve(p, "drift_plus_penalty", v=1e5, bound=True)
    assert not over.feasible and over.gap is None and over.bound is not None and "NOT feasible" in str(over)
    started = ra.solve(p, "drift_plus_penalty", v=1e5, start=ra.solve(p, "prices"))
    assert started.feasible, "a start that is allowed beats a path that is not"
    listed = str(ra.compare(p, ["baseline:delay-greedy", "clairvoyant"]))
    assert "s (NOT feasible)" in listed and listed.count("NOT") == 1


def test_baselines_are_what_they_say():
    p = sample(slots=50)
    rules = {name: ra.solve(p, f"baseline:{name}") for name in p.baselines()}
    assert set(rules) == {"fixed-3", "fixed-6", "fixed-9", "random", "delay-greedy", "energy-greedy", "no-queue"}
    least_delay, least_energy = rules["delay-greedy"].objective, spent(rules["energy-greedy"])
    assert all(r.objective >= least_delay and spent(r) >= least_energy * (1 - 1e-12) for r in rules.values())
    myopic = rules["no-queue"].evaluation.parts["energy_j"]
    assert (myopic <= p.energy_budget_j * (1 + 1e-9)).all() and rules["no-queue"].feasible
    clocks, best = np.geomspace(p.clock_min_hz, p.clock_max_hz, 5000), np.full(50, np.inf)
    for t, cut in np.ndindex(50, 13):
        delay, device, server = by_hand(p, t, cut, clocks)
        best[t] = min(best[t], np.where(device + server <= p.energy_budget_j, delay, np.inf).min())
    chosen = rules["no-queue"].evaluation.parts["slot_s"]
    assert (chosen <= best * (1 + 1e-12)).all() and chosen == pytest.approx(best, rel=1e-3)
    assert set(sample(model="gpt2-s", slots=4).baselines()) >= {"fixed-3", "fixed-6", "fixed-9"}
    assert "fixed-3" not in sample(cuts=(1, 6)).baselines()


def test_an_unreachable_budget_names_the_least_energy():
    p = sample(energy_budget_j=0.01)
    least = spent(ra.solve(p, "baseline:energy-greedy"))
    (reason,) = p.explain()
    assert reason == (
        f"the least possible mean energy of a slot is {1e3 * least:.4g} mJ, the budget is 10 mJ with 2 % slack"
    )
    assert p.lower_bound() == np.inf
    for solver in ("clairvoyant", "prices", "drift_plus_penalty"):
        result = ra.solve(p, solver)
        assert result.termination is Termination.INFEASIBLE and result.reasons == (reason,)
    with pytest.raises(InfeasibleError, match="least possible mean energy"):
        p.to_pyomo()
    assert sample(energy_budget_j=least * (1 + 1e-6) / 1.02).explain() == ()


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_order_of_slots_matters_to_no_clairvoyant(seed):
    p = sample(seed=seed, slots=20, cuts=range(1, 13))
    order = np.random.default_rng(seed).permutation(20)
    names = ("device", "device_clock_hz", "gain_up", "gain_down")
    shuffled = p.replace(**{name: getattr(p, name)[order] for name in names})
    assert ra.solve(shuffled).objective == pytest.approx(ra.solve(p).objective, rel=1e-8)


def test_more_energy_never_hurts_and_fewer_cuts_never_help():
    p = sample(slots=40, cuts=range(1, 13))
    best = [ra.solve(p.replace(energy_budget_j=p.energy_budget_j * f)).objective for f in (0.8, 1.0, 1.3)]
    assert best == sorted(best, reverse=True)
    by_cuts = [ra.solve(p.replace(cuts=cuts)).objective for cuts in (POOLS, range(1, 13), None)]
    assert by_cuts == sorted(by_cuts, reverse=True)


def test_the_algebraic_model_has_the_same_objective_and_budget():
    pyo = pytest.importorskip("pyomo.environ")
    p = sample(slots=4, cuts=POOLS)
    decision = ra.solve(p).decision
    model = p.to_pyomo(decision)
    assert pyo.value(model.mean_delay_s) == pytest.approx(p.evaluate(decision).objective, rel=1e-12)
    assert pyo.value(model.budget[0].body) == pytest.approx(p.evaluate(decision).parts["energy_j"].mean(), rel=1e-12)
    assert all(pyo.value(c.body) <= 1e-9 for c in model.in_time.values())


def test_the_plan_predicts_the_objective_turn_by_turn():
    p = sample(slots=7, model="gpt-mini")
    result = ra.solve(p)
    plan = result.plan()
    assert plan.protocol == "split_sequential" and plan.turn.tolist() == list(range(7))
    assert (plan.device == p.device).all() and (plan.cut == result.decision.cut).all()
    seconds, joules = np.zeros(7), np.zeros(7)
    for each in plan.prediction:
        times = plan.local_steps if each.per == "step" else 1
        if each.quantity in ("seconds", "joules"):
            (seconds if each.quantity == "seconds" else joules)[each.client - 1] += times * each.value
    assert seconds == pytest.approx(result.evaluation.parts["slot_s"], rel=1e-12)
    assert joules == pytest.approx(result.evaluation.parts["energy_j"][:, 0], rel=1e-12)
    assert plan.obstacle is None
    with pytest.raises(InputError, match="a plan holds at most 20000 turns, not 20001"):
        ra.solve(sample(slots=20001), "baseline:fixed-6").plan()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clock_min_hz": 2e11}, r"clock_min_hz = 2e\+11: must be at most clock_max_hz = 1e\+11"),
        ({"gain_up": float("nan")}, r"gain_up\[0\] = nan is not finite"),
        ({"gain_down": 0.0}, r"gain_down\[0\] = 0 must be at least 1e-25"),
        ({"energy_budget_j": 0.0}, "energy_budget_j = 0: must be above 0|energy_budget_j = 0.0: must be above 0"),
        ({"energy_slack": -0.1}, "energy_slack = -0.1: must be at least 0"),
        ({"energy_scope": "both"}, "energy_scope = 'both': must be 'device', 'server' or 'total'"),
        ({"cuts": ()}, "cuts is empty: at least one candidate is needed"),
        ({"server_flops_per_cycle": 1e-300}, "server_flops_per_cycle = 1e-300: must be at least 1e-09"),
        ({"cuts": (-1,)}, "cuts holds -1: candidates must be at least 0"),
        ({"cuts": (13,)}, "cuts holds 13: must be at most the profile's 12 blocks"),
        ({"rank": 4}, "rank = 4: lenet12 needs 0, for it has no adapters"),
        ({"model": "gpt2-s", "rank": 0}, "rank = 0: gpt2-s needs at least 1, for its backward pass is that of LoRA"),
        ({"device_clock_hz": 1.0}, r"device_clock_hz\[0\] = 1 must be at least 1000"),
        ({"slots": 0}, "slots = 0: must be a whole number from 1"),
        ({"model": "lenet"}, "unknown model 'lenet'; did you mean lenet12"),
        ({"slotz": 3}, "unknown size or field of adaptive-split 'slotz'; did you mean slots"),
    ],
)
def test_bad_data(change, message):
    with pytest.raises(InputError, match=message):
        ra.AdaptiveSplit.sample(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cut": np.zeros(3, int)}, r"decision.cut has shape \[3\], needs \[30\]"),
        ({"cut": np.full(30, 13)}, "decision.cut must lie in 0 to 12"),
        ({"clock_hz": np.zeros(30)}, "decision.clock_hz must be finite and above 0"),
        ({"cut": np.full(30, 1.5)}, "decision.cut must be an array of whole numbers"),
        ({"cut": [1] * 30}, "decision.cut must be an array of whole numbers"),
        ({"clock_hz": np.full(30, "fast")}, "decision.clock_hz must be an array of numbers"),
    ],
)
def test_bad_decisions(problem, change, message):
    good = SplitDecision(np.zeros(30, int), np.full(30, 5e10))
    with pytest.raises(InputError, match=message):
        problem.evaluate(replace(good, **change))


@pytest.mark.parametrize("t", [-1, 30, 1.5, "a", True])
def test_there_is_no_such_slot(problem, t):
    with pytest.raises(InputError, match=r"slot = .*: must be a whole number from 0 to 29"):
        problem.slot(t)


def test_violated_limits_are_named(problem):
    strange = SplitDecision(np.full(30, 2), np.full(30, 1e9))
    names = [c.name for c in problem.replace(cuts=POOLS).check(strange).violated]
    assert "server clock short of its least by" in names and "cuts that are no candidate" in names
    fast = replace(strange, clock_hz=np.full(30, 2e11))
    assert "server clock in use" in [c.name for c in problem.check(fast).violated]
    with pytest.raises(InputError, match="unknown form of adaptive-split 'Choice'"):
        problem.formulate(ra.forms.Choice)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("towards", [0.0, np.inf])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("scope", "cuts"), [("total", (1,)), ("total", (0, 1, 3)), ("server", (3,)), ("device", (4,))])
def test_a_budget_of_the_least_energy_as_another_order_of_summing_gives_it_leaves_an_answer(seed, scope, cuts, towards):
    p = sample(seed=seed, slots=3, devices=2, model="gpt-mini", cuts=cuts, energy_scope=scope, energy_slack=0.0)
    least = float(p.formulate(Slots).form.priced(0.0, np.ones(1)).cost[0])
    p = p.replace(energy_budget_j=np.nextafter(least, towards))
    assert p.explain() == () and np.isfinite(p.lower_bound())
    for solver in ("prices", "clairvoyant"):
        found = ra.solve(p, solver)
        assert found.feasible and spent(found) <= least * (1 + 1e-12)
        assert max(found.bound, p.lower_bound()) <= found.objective * (1 + 1e-15)


@pytest.mark.filterwarnings("error")
def test_nothing_that_keeps_the_budget_in_floating_point_is_below_the_bound():
    fixed = {"cuts": (0,), "energy_slack": 0.0, "server_energy": 1e-40, "clock_min_hz": 1e6}
    p = sample(slots=1, model="gpt2-s", energy_budget_j=1.0, **fixed)
    slow = SplitDecision(np.array([0]), np.array([p.clock_min_hz]))
    fast = SplitDecision(np.array([0]), np.array([4 * p.clock_min_hz]))
    p = p.replace(energy_budget_j=float(p.evaluate(slow).parts["energy_j"][0, 0]))
    assert p.evaluate(fast).parts["energy_j"][0, 0] == p.energy_budget_j, "the clock's energy is below rounding"
    for solver in ("prices", "clairvoyant"):
        found = ra.solve(p, solver)
        assert found.bound <= p.evaluate(fast).objective
        assert found.termination is not Termination.OPTIMAL or found.objective <= p.evaluate(fast).objective * 1.000001
