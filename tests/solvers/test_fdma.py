from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import FdmaAllocation, FdmaShares, Termination
from rasolve.solvers import Limits, solve_form, solver_named
from rasolve.solvers import cvxpy as reference
from rasolve.solvers.fdma import solver as fdma
from rasolve.solvers.fdma.bounds import certificate
from rasolve.solvers.fdma.demand import demand
from rasolve.solvers.fdma.links import Prices, scaled
from rasolve.testing import check_solver
from tests.brute_force import deadline_of_shares
from tests.instances import shares, stressed

TIGHT = Limits(gap=1e-12)


@pytest.mark.parametrize("tight", ["total", "caps", "both"])
@pytest.mark.parametrize("seed", range(8))
def test_equals_plain_bisection(seed, tight):
    form = shares(seed, 1 + seed % 6, tight=tight)
    solution = solve_form(form, "fdma", TIGHT)
    best = deadline_of_shares(form)
    assert solution.termination is Termination.OPTIMAL and solution.gap <= 1e-12
    assert solution.objective == pytest.approx(best, rel=1e-10) and solution.bound <= best * (1 + 1e-11)


@pytest.mark.parametrize("clients", [1, 2, 3, 20, 100])
@pytest.mark.parametrize("seed", range(2))
def test_stressed_instances_close_their_own_bracket_to_1e_12(seed, clients):
    form = stressed(seed, clients, 50)
    batch = ra.solve_batch(form, gap=1e-12)
    assert (batch.gap <= 1e-12).all() and batch.termination is Termination.OPTIMAL
    value = batch.values.arrays
    assert form.keeps(value).all() and (batch.bound <= batch.objective).all()
    assert form.deadlines(value) == pytest.approx(batch.objective, rel=1e-13)
    assert (value.bandwidth_hz.sum(-1) <= form.total_bandwidth_hz * (1 + 1e-13)).all()
    assert (value.power_w.sum(-1) <= form.total_power_w * (1 + 1e-13)).all()


@pytest.mark.parametrize("clients", [1, 2, 20])
def test_nested_brackets_alone_find_the_same(monkeypatch, clients):
    form = stressed(9, clients, 20)
    newton = ra.solve_batch(form, gap=1e-12)
    monkeypatch.setattr(fdma, "PATIENCE", 0)
    nested = ra.solve_batch(form, gap=1e-12)
    assert nested.objective == pytest.approx(newton.objective, rel=1e-11)
    assert (nested.gap <= 1e-11).all() and nested.iterations <= 3


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(-12, 12), st.floats(0.01, 3))
def test_any_price_and_any_efficiencies_prove_a_bound(seed, clients, shift, noise):
    form = shares(seed, clients)
    best = solve_form(form, limits=TIGHT).objective
    links, rng = scaled(form), np.random.default_rng(seed)
    x = rng.lognormal(1.0, noise, (1, clients))
    spare = best - form.offset_s.max()
    with np.errstate(all="ignore"):
        for later in (0.9, 1.0, 1.5):
            at = Prices(np.asarray([spare * later]), np.where(links.paid > 0, shift, 0.0), x)
            bound, *_ = certificate(links, at, demand(links, at))
            assert form.offset_s.max() + bound[0] <= best * (1 + 1e-14)


@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from(["total", "caps", "both"]))
@settings(max_examples=50)
def test_no_feasible_allocation_is_below_the_bound(seed, clients, tight):
    form = shares(seed, clients, tight=tight)
    solution = solve_form(form)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        value = form.within_limits(
            FdmaAllocation(
                form.total_bandwidth_hz * rng.dirichlet(np.ones(clients)),
                form.total_power_w * rng.dirichlet(np.ones(clients)) * rng.uniform(0.5, 3),
            )
        )
        assert form.judge(value) >= solution.bound
    jitter = rng.lognormal(0, 1e-3, (2, clients))
    near = FdmaAllocation(solution.value.bandwidth_hz * jitter[0], solution.value.power_w * jitter[1])
    assert form.judge(form.within_limits(near)) >= solution.bound


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_scale_and_order_does_not_matter(seed, seconds, watts):
    form, order = shares(seed), np.random.default_rng(seed).permutation(4)
    other = FdmaShares(
        form.offset_s[order] * seconds, form.payload_bits[order], form.gain[order],
        form.noise_w_per_hz * seconds * watts, form.client_power_w[order] * watts,
        form.total_bandwidth_hz / seconds, form.total_power_w * watts,
    )  # fmt: skip
    ours, theirs = solve_form(form, limits=TIGHT), solve_form(other, limits=TIGHT)
    assert theirs.objective == pytest.approx(ours.objective * seconds, rel=1e-11)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_more_of_anything_is_never_worse(seed):
    form = shares(seed)
    best = solve_form(form, limits=TIGHT)
    for change in ("total_bandwidth_hz", "total_power_w", "client_power_w", "gain"):
        more = solve_form(replace(form, **{change: getattr(form, change) * 1.3}), limits=TIGHT)
        assert more.objective <= best.objective * (1 + 1e-12), change


@pytest.mark.parametrize("tight", ["total", "caps", "both"])
@pytest.mark.parametrize("seed", range(5))
def test_multipliers_are_the_worth_of_a_hertz_and_of_a_watt(seed, tight):
    form = shares(seed, 5, tight=tight)
    solution = solve_form(form, limits=TIGHT)
    for name in ("total_bandwidth_hz", "total_power_w"):
        step = 1e-5 * getattr(form, name)
        less, more = (
            solve_form(replace(form, **{name: getattr(form, name) + sign * step}), limits=TIGHT).objective
            for sign in (-1, 1)
        )
        rounding = 1e-7 * solution.objective / getattr(form, name)
        assert solution.multipliers[name] == pytest.approx((less - more) / (2 * step), rel=1e-4, abs=rounding)
    assert (solution.multipliers["total_power_w"] == 0) == (tight == "caps")


def test_stepped_by_hand_the_bracket_narrows():
    form, solver, limits = shares(3, 8), solver_named("fdma"), TIGHT
    state = solver.init(form, limits)
    assert state.value is None and 0 < state.bound < state.objective == float("inf")
    widths = []
    while not solver.done(form, state, limits):
        state = solver.step(form, state, limits)
        widths.append(state.objective - state.bound)
    assert widths == sorted(widths, reverse=True) and len(widths) <= 8
    assert widths[0] < 0.1 * state.objective and widths[-1] <= 1e-12 * state.objective


def test_a_refuted_cutoff_ends_the_search():
    form = shares(5, 6)
    best = solve_form(form, limits=TIGHT).objective
    refuted = solve_form(form, "fdma", Limits(cutoff=best * 0.98))
    assert refuted.termination is Termination.CUTOFF and best * 0.98 <= refuted.bound <= best
    assert refuted.iterations == 0 < solve_form(form).iterations
    found = solve_form(form, "fdma", Limits(cutoff=best * 1.001))
    assert found.objective == pytest.approx(best, rel=1e-9)


def test_a_cutoff_drops_instances_of_a_batch_one_by_one():
    form = shares(5, 6, (30,))
    best = ra.solve_batch(form, gap=1e-12).objective
    middle = float(np.median(best))
    solution = solve_form(form, "fdma", Limits(cutoff=middle, gap=1e-12))
    assert solution.bound >= middle
    state, solver, limits = None, solver_named("fdma"), Limits(cutoff=middle, gap=1e-12)
    state = solver.init(form, limits)
    while not solver.done(form, state, limits):
        state = solver.step(form, state, limits)
    solved = state.gaps <= 1e-12
    assert solved[best < middle].all() and not solved[best > 1.01 * middle].all()
    assert (state.bounds[~solved] >= middle).all()


def test_a_start_is_used_and_never_made_worse():
    form = shares(11, 20)
    solution = solve_form(form, limits=TIGHT)
    again = solve_form(form, "fdma", replace(TIGHT, start=solution.value))
    assert again.iterations == 0 and again.objective <= solution.objective * (1 + 1e-15)
    nearby = replace(form, gain=form.gain * np.random.default_rng(0).lognormal(0, 1e-3, 20))
    cold = solve_form(nearby, limits=TIGHT)
    warm = solve_form(nearby, "fdma", replace(TIGHT, start=solution.value))
    assert warm.iterations < cold.iterations and warm.objective == pytest.approx(cold.objective, rel=1e-11)
    rushed = solve_form(form, "fdma", Limits(start=solution.value, deadline=0.0))
    assert rushed.objective <= solution.objective * (1 + 1e-15)


@pytest.mark.parametrize("fill", [0.0, np.nan, -1.0, np.inf])
def test_a_start_that_is_no_allocation_is_not_used(fill):
    form = shares(2)
    cold = solve_form(form)
    bad = FdmaAllocation(np.full(4, fill), np.full(4, fill))
    assert solve_form(form, "fdma", Limits(start=bad)).objective == cold.objective
    misshapen = FdmaAllocation(np.ones(3), np.ones(3))
    assert solve_form(form, "fdma", Limits(start=misshapen)).objective == cold.objective
    assert form.judge(bad) == form.judge(misshapen) == np.inf


def test_a_batch_equals_each_alone_and_sequences_are_stacked():
    forms = [shares(seed, 3 + seed % 2) for seed in range(9)]
    batch = ra.solve_batch(forms, gap=1e-12)
    for form, solution in zip(forms, batch, strict=True):
        alone = solve_form(form, limits=TIGHT)
        assert solution.objective == pytest.approx(alone.objective, rel=1e-11)
        assert form.judge(solution.value) == pytest.approx(solution.objective, rel=1e-13)
        for name, worth in alone.multipliers.items():
            assert solution.multipliers[name] == pytest.approx(worth, rel=1e-5)
    together = FdmaShares(*(np.stack([getattr(f, n.name) for f in forms[::2]]) for n in fields(FdmaShares)))
    with pytest.raises(InputError, match="forms hold batches themselves: give a sequence of single instances"):
        ra.solve_batch([together, together])
    assert ra.solve_batch(forms[::2]).objective == pytest.approx(ra.solve_batch(together).objective, rel=1e-14)


def test_a_batch_starts_where_an_earlier_one_ended():
    form = shares(0, 6, (3, 4))
    before = ra.solve_batch(form, gap=1e-12)
    assert before.objective.shape == (3, 4)
    nearby = replace(form, gain=form.gain * 1.001)
    warm, cold = ra.solve_batch(nearby, gap=1e-12, start=before), ra.solve_batch(nearby, gap=1e-12)
    assert warm.iterations < cold.iterations and warm.objective == pytest.approx(cold.objective, rel=1e-11)
    forms = [shares(seed, 3 + seed % 2) for seed in range(4)]
    assert ra.solve_batch(forms, start=ra.solve_batch(forms, gap=1e-12)).iterations == 0


def test_a_batch_keeps_the_promises_of_a_single_instance():
    check_solver(solver_named("fdma").__class__, [shares(1, 4, (3,)), stressed(2, 5, 7)])


def test_arrays_without_the_batch_are_shared_by_all():
    one = shares(4)
    offsets = np.random.default_rng(0).uniform(0, 3, (5, 4))
    many = replace(one, offset_s=offsets)
    assert many.batch == (5,) and many.gain.shape == (5, 4) and many.total_power_w.shape == (5,)
    batch = ra.solve_batch(many, gap=1e-12)
    for i in range(5):
        alone = solve_form(replace(one, offset_s=offsets[i]), limits=TIGHT)
        assert batch.objective[i] == pytest.approx(alone.objective, rel=1e-11)


def test_one_client_has_everything_in_closed_form():
    form = shares(7, 1)
    power = min(float(form.client_power_w[0]), float(form.total_power_w))
    band = float(form.total_bandwidth_hz)
    rate = band * np.log2(1 + power * form.gain[0] / (form.noise_w_per_hz * band))
    solution = solve_form(form, limits=TIGHT)
    assert solution.objective == pytest.approx(float((form.offset_s + form.payload_bits / rate)[0]), rel=1e-14)
    assert solution.iterations == 1 and solution.value.bandwidth_hz[0] == pytest.approx(band)


def test_equal_clients_share_equally():
    form = FdmaShares(np.zeros(5), np.full(5, 1e6), np.full(5, 1e-10), 4e-21, np.full(5, 1.0), 1e6, 0.1)
    value = solve_form(form, limits=TIGHT).value
    assert value.bandwidth_hz == pytest.approx(2e5, rel=1e-12) and value.power_w == pytest.approx(0.02, rel=1e-12)


def test_power_for_all_leaves_bandwidth_only():
    form = shares(6, 5, tight="caps")
    solution = solve_form(form, limits=TIGHT)
    assert solution.value.power_w == pytest.approx(form.client_power_w, rel=1e-12)
    assert form.delays(solution.value) == pytest.approx(np.full(5, solution.objective), rel=1e-11)


@pytest.mark.parametrize("seed", range(4))
def test_caps_far_above_the_total_change_nothing(seed):
    form = shares(seed, 2)
    capped = replace(form, client_power_w=np.full(2, form.total_power_w))
    open_ended = replace(form, client_power_w=np.full(2, form.total_power_w * 1e9))
    found = [solve_form(each, limits=TIGHT) for each in (capped, open_ended)]
    assert found[1].gap <= 1e-12 and found[0].objective == pytest.approx(found[1].objective, rel=1e-11)


def test_ten_thousand_clients_take_a_few_steps():
    solution = solve_form(shares(1, 10_000), limits=TIGHT)
    assert solution.termination is Termination.OPTIMAL and solution.iterations <= 10


@pytest.mark.parametrize("seed", range(4))
def test_the_cone_solver_finds_the_same(seed):
    form = shares(seed, 5)
    ours, theirs = solve_form(form, limits=TIGHT), solve_form(form, "cvxpy")
    assert theirs.objective == pytest.approx(ours.objective, rel=1e-6)
    assert theirs.bound <= ours.objective * (1 + 1e-13) and theirs.gap < 1e-3
    assert theirs.objective >= ours.bound and form.judge(theirs.value) == theirs.objective


def test_the_cone_solver_says_what_it_cannot_do(monkeypatch):
    with pytest.raises(SolverUnavailable, match="solver 'cvxpy' cannot take this FdmaShares: it is a batch"):
        solve_form(shares(0, 3, (2,)), "cvxpy")
    with pytest.raises(InputError, match="unknown engine of cvxpy 'CLARABELL'; did you mean CLARABEL"):
        solve_form(shares(0), "cvxpy", engine="CLARABELL")
    monkeypatch.setattr(reference, "_missing", lambda: True)
    with pytest.raises(SolverUnavailable, match=r"it needs cvxpy: install rasolve\[modeling\]"):
        solve_form(shares(0), "cvxpy")


def test_where_the_cone_solver_gives_up_equal_shares_remain(monkeypatch):
    form = shares(0)
    monkeypatch.setattr(reference.Program, "solve", lambda *_: None)
    solution = solve_form(form, "cvxpy")
    assert solution.termination is Termination.CONVERGED and form.judge(solution.value) == solution.objective
    assert solution.value.bandwidth_hz == pytest.approx(form.total_bandwidth_hz / 4)
    assert solution.bound == form.lower_bound() < solution.objective


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("offset_s", [0.0, -1.0, 0.0, 0.0], "[1] = -1 must be finite and at least 0"),
        ("offset_s", [0.0, np.inf, 0.0, 0.0], "[1] = inf must be finite and at least 0"),
        ("offset_s", [1e41, 0.0, 0.0, 0.0], "[0] = 1e+41 must be at most 1e+40"),
        ("payload_bits", [0.0, 1.0, 1.0, 1.0], "[0] = 0 must be from 1e-30 to 1e+40"),
        ("gain", [np.nan, 1.0, 1.0, 1.0], "[0] = nan must be from 1e-30 to 1e+40"),
        ("total_power_w", 0.0, " = 0 must be from 1e-30 to 1e+40"),
        ("total_bandwidth_hz", 1e41, " = 1e+41 must be from 1e-30 to 1e+40"),
        ("noise_w_per_hz", "quiet", " must be a non-empty array of numbers"),
        ("gain", [1.0, 2.0, 3.0], " has shape [3]: does not fit [4]"),
        ("total_power_w", [1.0, 2.0, 3.0], " has shape [3]: does not fit [2, 4]"),
        ("gain", 1.0, " is one number: needs one for each client"),
    ],
)
def test_bad_data_is_one_line_naming_field_value_and_limit(field, value, message):
    given = {"offset_s": np.zeros((2, 4))} if message.endswith("[2, 4]") else {}
    with pytest.raises(InputError) as caught:
        replace(shares(0), **{**given, field: value})
    assert str(caught.value) == f"FdmaShares.{field}{message}"
