from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import Separable, Termination
from rasolve.problems.cut_and_clock.decision import CutAndClockDecision
from rasolve.scenario.models import profile_named


def sample(**sizes):
    return ra.CutAndClock.sample(**{"seed": 0, "rounds": 4, **sizes})


def by_hand(p, n, m, cut, clock):
    """Return delay, server energy and the device's own energy, from the card's formulas."""
    q, t = p.profile, p.local_epochs * p.samples_per_epoch
    last, per_cycle = cut == q.blocks, p.flops_per_cycle_core
    up = p.bandwidth_up_hz * np.log2(1 + p.device_power_w[m] * p.gain[n, m] / (p.noise_w_per_hz * p.bandwidth_up_hz))
    down = p.bandwidth_down_hz * np.log2(1 + p.server_power_w * p.gain[n, m] / (p.noise_w_per_hz * p.bandwidth_down_hz))
    work = q.forward_flops + q.backward_flops + p.rank * (q.adapter_forward_flops + q.adapter_backward_flops)
    head = q.head_forward_flops + q.head_backward_flops
    device = t * (sum(work[:cut]) + (head if last else 0)) / (per_cycle * p.device_cores[m])
    server = 0.0 if last else t * (sum(work[cut:]) + head) / (per_cycle * p.server_cores)
    adapters = p.rank * sum(q.adapter_params[:cut]) * q.parameter_bits
    sent = 0.0 if last else t * q.activation_bits[cut]
    back = 0.0 if last or cut == 0 else sent
    delay = adapters / down + device / p.device_clock_hz[m] + sent / up + server / clock + back / down + adapters / up
    ours = 0.0 if p.device_energy is None else p.device_energy[m] * p.device_clock_hz[m] ** 2 * device
    return delay, p.server_energy * clock**2 * server, ours + p.device_power_w[m] * (sent + adapters) / up


def utility_by_hand(p, n, m, cut, clock):
    """Return U with corner normalisers, or true extremes where the corners fail, by definition."""
    j, least, most, w = p.profile.blocks, p.clock_min_hz[m], p.server_clock_max_hz, p.weight

    def both(c, f):
        delay, server, own = by_hand(p, n, m, c, f)
        return delay, server + (own if p.energy_scope == "total" else 0.0)

    (d_min, e_max), (d_max, e_min) = both(0, most), both(j, least)
    if d_max <= d_min or e_max <= e_min:
        delays, energies = zip(*(both(c, f) for c in range(j + 1) for f in (least, most)), strict=True)
        d_min, d_max, e_min, e_max = min(delays), max(delays), min(energies), max(energies)
    delay, energy = both(cut, clock)
    of_delay = w * (delay - d_min) / (d_max - d_min) if d_max > d_min else 0.0
    return of_delay + ((1 - w) * (energy - e_min) / (e_max - e_min) if e_max > e_min else 0.0)


@pytest.mark.parametrize("scope", ["server", "total"])
@pytest.mark.parametrize("channel", ["normal", "poor"])
def test_delay_energy_and_utility_worked_out_by_hand(scope, channel):
    p = sample(rounds=2, channel=channel, energy_scope=scope)
    rng = np.random.default_rng(0)
    clock = rng.uniform(0.6, 1, (2, 5)) * p.server_clock_max_hz
    decision = CutAndClockDecision(np.array([[0, 3, 8, 15, 16]] * 2), clock)
    parts = p.evaluate(decision).parts
    for n, m in np.ndindex(2, 5):
        delay, server, own = by_hand(p, n, m, decision.cut[n, m], decision.clock_hz[n, m])
        assert parts["delay_s"][n, m] == pytest.approx(delay, rel=1e-12)
        assert parts["server_j"][n, m] == pytest.approx(server, rel=1e-12)
        assert parts["energy_j"][n, m] == pytest.approx(server + (own if scope == "total" else 0), rel=1e-12)
        expected = utility_by_hand(p, n, m, decision.cut[n, m], decision.clock_hz[n, m])
        assert parts["utility"][n, m] == pytest.approx(expected, rel=1e-9)
    assert p.evaluate(decision).objective == pytest.approx(parts["utility"].mean(), rel=1e-14)


def test_instance_has_the_cards_constants():
    p = ra.CutAndClock.sample()
    assert (p.rounds, p.devices, p.profile.model, p.profile.blocks) == (20, 5, "llama-3.2-1b", 16)
    assert p.device_clock_hz[[0, -1]].tolist() == [1.3e9, 5e8] and p.device_cores[[0, -1]].tolist() == [2048, 512]
    assert (p.server_clock_max_hz, p.server_cores, p.server_energy) == (2.46e9, 3072, 1.07e-26)
    assert p.flops_per_cycle_core == 2
    assert p.clock_min_hz * p.server_cores == pytest.approx(p.device_clock_hz * p.device_cores)
    slow = p.replace(server_cores=1.0)
    assert (slow.clock_min_hz == slow.server_clock_max_hz).all(), "F_min above F_max means F_max"


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.001, 0.999), st.sampled_from(["good", "normal", "poor"]), st.booleans())
def test_the_decision_is_the_best_of_a_fine_grid(seed, weight, channel, total):
    scope = "total" if total else "server"
    p = sample(seed=seed, rounds=1, devices=2, weight=weight, channel=channel, energy_scope=scope)
    result = ra.solve(p)
    assert (result.solver, result.termination) == ("separate", Termination.OPTIMAL)
    grid = np.full(2, np.inf)
    for m in range(2):
        clocks = np.geomspace(p.clock_min_hz[m], p.server_clock_max_hz, 1500)
        grid[m] = min(utility_by_hand(p, 0, m, cut, clocks).min() for cut in range(17))
    got = result.evaluation.parts["utility"][0]
    assert (got <= grid + 1e-12).all() and got == pytest.approx(grid, abs=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.01, 0.99))
def test_the_clock_is_that_of_the_formula_and_of_numerical_minimisation(seed, weight):
    p = sample(seed=seed, rounds=1, devices=1, weight=weight, channel="good")
    low, high = float(p.clock_min_hz[0]), p.server_clock_max_hz
    (d_min, e_max, _), (d_max, e_min, _) = by_hand(p, 0, 0, 0, high), by_hand(p, 0, 0, 16, low)
    formula = (weight * (e_max - e_min) / (2 * p.server_energy * (1 - weight) * (d_max - d_min))) ** (1 / 3)
    decided = float(ra.solve(p).decision.clock_hz[0, 0])
    assert decided == pytest.approx(np.clip(formula, low, high), rel=1e-12)
    numeric = minimize_scalar(
        lambda f: utility_by_hand(p, 0, 0, 0, f), bounds=(low, high), method="bounded", options={"xatol": 1e3}
    )
    assert utility_by_hand(p, 0, 0, 0, decided) <= numeric.fun + 1e-12


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.floats(1e7, 3e9))
def test_with_equal_blocks_and_activations_an_end_cut_is_best(seed, weight, clock):
    p = sample(seed=seed, rounds=1, devices=1, weight=weight, profile=equal_blocks())
    curve = np.array([utility_by_hand(p, 0, 0, cut, clock) for cut in range(1, 16)])
    second = np.diff(curve, 2)
    assert second == pytest.approx(np.zeros(13), abs=1e-9 * np.abs(curve).max()), "affine in the cut between the ends"
    inner = p.replace(cuts=tuple(range(1, 16)))
    assert ra.solve(inner).decision.cut[0, 0] in (1, 15)


def equal_blocks():
    """Return the model with the lowest block's backward pass like that of the others."""
    llama = profile_named("llama-3.2-1b")
    same = {name: np.full(16, getattr(llama, name)[1]) for name in ("backward_flops", "adapter_backward_flops")}
    return llama.replace(**same)


def test_unequal_activations_make_an_inner_cut_best():
    llama = equal_blocks()
    bits = np.array(llama.activation_bits)
    bits[6] /= 1e4
    p = sample(profile=llama.replace(activation_bits=bits), channel="poor", weight=0.5, rounds=20)
    assert (ra.solve(p).decision.cut == 6).any()


@pytest.mark.parametrize(("weight", "clock"), [(1.0, "most"), (0.0, "least")])
def test_a_weight_at_its_end_puts_the_clock_at_its_end(weight, clock):
    p = sample(weight=weight)
    result = ra.solve(p)
    working = result.decision.cut < 16
    ends = {"most": np.full((4, 5), p.server_clock_max_hz), "least": np.broadcast_to(p.clock_min_hz, (4, 5))}
    assert (result.decision.clock_hz[working] == ends[clock][working]).all()
    if weight == 0:
        assert not working.any() and result.objective == 0.0, "nothing is spent with the whole model on the device"


def test_where_the_corners_are_no_extremes_the_true_ones_stand_in():
    p = sample(channel="poor", rounds=40)
    result = ra.solve(p)
    replaced = [
        by_hand(p, n, m, 16, p.clock_min_hz[m])[0] <= by_hand(p, n, m, 0, p.server_clock_max_hz)[0]
        for n, m in np.ndindex(40, 5)
    ]
    assert 0 < sum(replaced) < 200 and result.notes[0].startswith(f"in {sum(replaced)} of 200 decisions the corners")
    assert (result.evaluation.parts["utility"][np.reshape(replaced, (40, 5))] >= 0).all()
    assert ra.solve(sample(channel="good")).notes == ()


def test_equal_extremes_drop_their_term():
    free = sample(server_energy=0.0)
    result = ra.solve(free)
    assert (result.decision.clock_hz == free.server_clock_max_hz).all()
    slow = sample(cuts=(0,), server_clock_min_hz=2.46e9)
    assert np.isfinite(ra.solve(slow).objective)


@pytest.mark.parametrize("channel", ["good", "normal", "poor"])
@pytest.mark.parametrize("device", [0, 4])
def test_the_front_is_that_of_a_dense_grid(channel, device):
    p = sample(seed=1, channel=channel)
    front = p.front(2, device)
    pieces = range(len(front.cut))

    def least(delay):
        """Return the front's energy at a delay, inf before it begins."""
        begun = [i for i in pieces if front.from_s[i] <= delay]
        return min((float(front.energy_j(i, np.array(min(delay, front.to_s[i])))) for i in begun), default=np.inf)

    clocks = np.geomspace(p.clock_min_hz[device], p.server_clock_max_hz, 60)
    grid = [by_hand(p, 2, device, cut, clock)[:2] for cut in range(17) for clock in clocks]
    assert all(energy >= least(delay * (1 + 1e-12)) * (1 - 1e-9) for delay, energy in grid), "nothing is below it"
    assert (front.from_s <= front.to_s).all() and (front.to_s[:-1] <= front.from_s[1:] * (1 + 1e-12)).all()
    for i in pieces:
        for delay in (front.from_s[i], 0.5 * (front.from_s[i] + front.to_s[i]), front.to_s[i]):
            clock = front.cycles[i] / (delay - front.offset_s[i]) if front.cycles[i] else clocks[-1]
            assert clocks[0] * (1 - 1e-9) <= clock <= clocks[-1] * (1 + 1e-9)
            attained = by_hand(p, 2, device, int(front.cut[i]), clock)[:2]
            assert attained == pytest.approx((delay, float(front.energy_j(i, np.array(delay)))), rel=1e-9)
    delays, energies, cuts = front.points()
    assert (np.diff(delays) >= 0).all() and (np.diff(energies) <= 1e-9 * energies.max()).all()
    assert energies[-1] == 0.0 and cuts[-1] == 16 and set(cuts) == set(front.cut)


@pytest.mark.parametrize(
    ("round_", "device", "message"), [(2, 0, "round = 2"), (-1, 0, "round = -1"), (0, 5, "device = 5")]
)
def test_there_is_no_such_front(round_, device, message):
    with pytest.raises(InputError, match=f"{message}: must be a whole number from 0 to"):
        ra.CutAndClock.sample(rounds=2).front(round_, device)


def test_every_weight_chooses_a_point_of_the_front():
    for weight in (0.1, 0.5, 0.9):
        p = sample(seed=3, weight=weight, channel="normal")
        parts, decision = ra.solve(p).evaluation.parts, ra.solve(p).decision
        for n, m in np.ndindex(4, 5):
            front = p.front(n, m)
            delay, energy = parts["delay_s"][n, m], parts["server_j"][n, m]
            at = [i for i in range(len(front.cut)) if front.from_s[i] - 1e-9 <= delay <= front.to_s[i] + 1e-9]
            assert any(front.cut[i] == decision.cut[n, m] for i in at)
            assert min(front.energy_j(i, np.array(delay)) for i in at) == pytest.approx(energy, abs=1e-6)


@pytest.mark.parametrize("scope", ["server", "total"])
def test_a_budget_for_the_fleet_is_kept_with_a_proved_gap(scope):
    free = sample(rounds=6, energy_scope=scope)
    energy = ra.solve(free).evaluation.parts["energy_j"].mean()
    p = free.replace(energy_budget_j=0.4 * energy)
    exact, rough = ra.solve(p), ra.solve(p, "prices")
    assert (exact.solver, exact.termination) == ("clairvoyant", Termination.OPTIMAL)
    assert exact.objective > ra.solve(free).objective and rough.objective >= exact.objective * (1 - 1e-9)
    assert exact.evaluation.parts["energy_j"].mean() <= 0.4 * energy * (1 + 1e-9)
    assert rough.bound <= exact.objective and rough.gap < 1e-2
    price = exact.multipliers["energy_budget_j"]
    at_price = p.formulate(Separable).form.priced(1.0, np.array([price]))
    assert at_price.value <= exact.objective and at_price.value == pytest.approx(exact.objective, rel=1e-2)
    assert [c.name for c in exact.check.constraints][-1] == f"mean energy of a device's round ({scope})"
    started = ra.solve(p, "prices", start=exact, time_limit=1e-9)
    assert started.objective <= exact.objective


def test_an_unreachable_budget_names_the_least():
    p = sample(cuts=(0, 1), energy_budget_j=1.0)
    least = ra.solve(p.replace(energy_budget_j=None, weight=0.0)).evaluation.parts["energy_j"].mean()
    (reason,) = p.explain()
    assert reason == f"the least possible mean energy of a device's round is {least:.4g} J, the budget is 1 J"
    assert ra.solve(p).termination is Termination.INFEASIBLE
    with pytest.raises(InfeasibleError, match="least possible"):
        p.to_pyomo()


def test_baselines_are_what_they_say():
    p = sample()
    rules = {name: ra.solve(p, f"baseline:{name}") for name in p.baselines()}
    assert set(rules) == {"server-only", "device-only", "middle", "f-max", "random"}
    assert (rules["server-only"].decision.cut == 0).all() and (rules["middle"].decision.cut == 8).all()
    assert (rules["device-only"].evaluation.parts["server_j"] == 0).all()
    best = ra.solve(p).objective
    assert all(rule.objective >= best for rule in rules.values())
    fastest = [min(utility_by_hand(p, n, m, c, p.server_clock_max_hz) for c in range(17)) for n, m in np.ndindex(4, 5)]
    assert rules["f-max"].evaluation.parts["utility"].ravel() == pytest.approx(fastest, abs=1e-12)


def test_decisions_are_made_in_batches_and_do_not_depend_on_them(monkeypatch):
    p = sample(rounds=30)
    whole = ra.solve(p)
    for module in ("rasolve.forms.separable", "rasolve.problems.cut_and_clock.costs"):
        monkeypatch.setattr(f"{module}.BATCH", 7)
    parts = ra.solve(sample(rounds=30))
    assert (parts.decision.cut == whole.decision.cut).all() and parts.objective == pytest.approx(whole.objective)


def test_plan_and_algebra_agree_with_the_evaluation():
    pyo = pytest.importorskip("pyomo.environ")
    p = sample(rounds=2, energy_budget_j=500.0, energy_scope="total")
    result = ra.solve(p)
    plan, parts = result.plan(), result.evaluation.parts
    seconds, joules = np.zeros(10), np.zeros(10)
    for each in plan.prediction:
        if each.quantity in ("seconds", "joules"):
            target = seconds if each.quantity == "seconds" else joules
            target[each.client - 1] += each.value * (plan.local_steps if each.per == "step" else 1)
    assert plan.protocol == "split_sequential" and plan.device.tolist() == [0, 1, 2, 3, 4] * 2
    assert seconds == pytest.approx(parts["delay_s"].ravel(), rel=1e-12)
    assert joules == pytest.approx(parts["energy_j"].ravel(), rel=1e-12)
    model = p.to_pyomo(result.decision)
    assert pyo.value(model.mean_utility) == pytest.approx(result.objective, rel=1e-9)
    assert pyo.value(model.budget.body) == pytest.approx(parts["energy_j"].mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": 1.5}, "weight = 1.5: must be at most 1"),
        ({"server_cores": 1e-300}, "server_cores = 1e-300: must be at least 1e-09"),
        ({"device_cores": 1e-300}, r"device_cores\[0\] = 1e-300 must be at least 1e-09"),
        (
            {"server_clock_min_hz": 3e9},
            r"server_clock_min_hz\[0\] = 3e\+09: must be at most server_clock_max_hz = 2.46e",
        ),
        ({"gain": float("nan")}, r"gain\[0, 0\] = nan is not finite"),
        ({"energy_budget_j": -1.0}, "energy_budget_j = -1.0: must be above 0"),
        (
            {"energy_scope": "total", "device_energy": None},
            'device_energy is missing: energy_scope = "total" counts it',
        ),
        ({"cuts": (17,)}, "cuts holds 17: must be at most the profile's 16 blocks"),
        ({"channel": "bad"}, "unknown channel 'bad'; known: good, normal, poor"),
        ({"rank": 0}, "rank = 0: llama-3.2-1b needs at least 1"),
        ({"rounds": 1.5}, "rounds = 1.5: must be a whole number from 1"),
    ],
)
def test_bad_data(change, message):
    with pytest.raises(InputError, match=message):
        ra.CutAndClock.sample(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cut": np.zeros((4, 4), int)}, r"decision.cut has shape \[4, 4\], needs \[4, 5\]"),
        ({"cut": np.full((4, 5), -1)}, "decision.cut must lie in 0 to 16"),
        ({"clock_hz": np.full((4, 5), np.nan)}, "decision.clock_hz must be finite and above 0"),
    ],
)
def test_bad_decisions(change, message):
    p = sample()
    good = CutAndClockDecision(np.zeros((4, 5), int), np.full((4, 5), 1e9))
    with pytest.raises(InputError, match=message):
        p.evaluate(replace(good, **change))
    violated = [c.name for c in p.replace(cuts=(3,)).check(replace(good, clock_hz=np.full((4, 5), 9e9))).violated]
    assert violated == ["server clock", "cuts that are no candidate"]
    with pytest.raises(InputError, match="unknown form of cut-and-clock 'Slots'"):
        p.formulate(ra.forms.Slots)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_free_energy_and_a_weight_at_its_end_divide_nothing_by_nothing(weight):
    p = ra.CutAndClock.sample(seed=0, devices=1, rounds=1, weight=weight, server_energy=0.0)
    found = ra.solve(p)
    assert found.termination is Termination.OPTIMAL and (found.decision.clock_hz == p.server_clock_max_hz).all()
