from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.forms import OfdmaLink, Spectrum, Termination
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.links.least_power import allocate, least_counts, power
from tests.brute_force import best_flat_link, compositions
from tests.instances import link


@pytest.mark.parametrize("tight", ["total", "caps", "both"])
@pytest.mark.parametrize("seed", range(80))
def test_equals_brute_force(seed, tight):
    rng = np.random.default_rng(1000 + seed)
    clients = int(rng.integers(1, 4))
    form = link(seed, clients, int(rng.integers(clients, 7)), tight=tight)
    solution = solve_form(form, "counts")
    best = best_flat_link(form)
    assert solution.termination is Termination.OPTIMAL
    assert solution.objective == pytest.approx(best, rel=1e-9)
    assert form.objective(solution.value) == pytest.approx(best, rel=1e-9)
    assert solution.bound <= best * (1 + 1e-12)
    assert (form.powers(solution.value) <= form.client_power_w * (1 + 1e-12)).all()
    assert form.powers(solution.value).sum() <= form.total_power_w * (1 + 1e-12)


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 8))
def test_least_power_allocation_equals_brute_force(seed, clients, spare):
    rng = np.random.default_rng(seed)
    total = clients + spare
    noise_w, load = 10 ** rng.uniform(-6, 2, clients), 10 ** rng.uniform(-3, 1.5, clients)
    least = np.ones(clients, dtype=np.int64)
    found, needed = allocate(noise_w, load, least, least, total)
    best = min(power(noise_w, load, np.asarray(c)).sum() for c in compositions(total, clients))
    assert found.sum() == total and (found >= least).all()
    assert power(noise_w, load, found).sum() == pytest.approx(best, rel=1e-12)
    assert needed == pytest.approx(power(noise_w, load, found), rel=1e-15)


def test_allocation_of_a_batch_equals_each_alone():
    rng = np.random.default_rng(3)
    noise_w, load = 10 ** rng.uniform(-6, 2, (30, 5)), 10 ** rng.uniform(-2, 1, (30, 5))
    least, like = np.ones((30, 5), dtype=np.int64), rng.integers(1, 20, (30, 5))
    together, _ = allocate(noise_w, load, least, like, 40)
    for i in range(30):
        alone, _ = allocate(noise_w[i], load[i], least[i], like[i], 40)
        assert power(noise_w[i], load[i], together[i]).sum() == pytest.approx(power(noise_w[i], load[i], alone).sum())


@given(st.integers(0, 10**6))
def test_least_counts_are_the_fewest_within_the_cap(seed):
    rng = np.random.default_rng(seed)
    noise_w, load, cap = 10 ** rng.uniform(-6, 2, 6), 10 ** rng.uniform(-3, 2, 6), 10 ** rng.uniform(-3, 3, 6)
    counts = least_counts(noise_w, load, cap, 50)
    for w, d, p, n in zip(noise_w, load, cap, counts, strict=True):
        within = [m for m in range(1, 51) if w * m * np.expm1(min(d / m, 700)) <= p]
        assert n == (within[0] if within else 51)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(["total", "caps", "both"]))
def test_order_of_clients_does_not_matter(seed, tight):
    form = link(seed, 4, 9, tight=tight)
    order = np.random.default_rng(seed).permutation(4)
    other = OfdmaLink(
        form.offset_s[order], form.payload_bits[order], form.gain[order], form.width_hz, form.noise_w_per_hz,
        form.client_power_w[order], form.total_power_w,
    )  # fmt: skip
    assert solve_form(other).objective == pytest.approx(solve_form(form).objective, rel=1e-11)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_scale(seed, seconds, watts):
    """Stretching time stretches the optimum; scaling power and noise together changes nothing."""
    form = link(seed, 3, 7)
    other = OfdmaLink(
        form.offset_s * seconds, form.payload_bits, form.gain, form.width_hz / seconds,
        form.noise_w_per_hz * seconds * watts, form.client_power_w * watts, form.total_power_w * watts,
    )  # fmt: skip
    assert solve_form(other).objective == pytest.approx(solve_form(form).objective * seconds, rel=1e-9)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_more_of_anything_is_never_worse(seed):
    form = link(seed, 3, 6)
    best = solve_form(form).objective
    louder = replace(form, total_power_w=form.total_power_w * 1.5)
    wider = replace(form, gain=np.broadcast_to(form.gain[:, :1], (3, 8)), width_hz=np.full(8, form.width_hz[0]))
    assert solve_form(louder).objective <= best * (1 + 1e-12)
    assert solve_form(wider).objective <= best * (1 + 1e-12)


def test_cutoff_below_the_optimum_is_refuted_without_solving():
    form = link(5)
    best = solve_form(form).objective
    refuted = solve_form(form, "counts", Limits(cutoff=best * 0.999))
    assert refuted.termination is Termination.CUTOFF and refuted.value is None and refuted.iterations == 0
    assert best * 0.999 <= refuted.bound <= best
    found = solve_form(form, "counts", Limits(cutoff=best * 1.001))
    assert found.objective == pytest.approx(best, rel=1e-11)


def test_fewer_subchannels_than_clients_is_infeasible():
    form = link(0, 3, 3)
    narrow = replace(form, gain=form.gain[:, :2], width_hz=form.width_hz[:2])
    for name in ("counts", "greedy"):
        assert solve_form(narrow, name).termination is Termination.INFEASIBLE


@pytest.mark.parametrize(("clients", "subchannels"), [(1, 1), (1, 7), (6, 6), (2, 500), (60, 61)])
def test_extreme_shapes_close_their_gap(clients, subchannels):
    solution = solve_form(link(11, clients, subchannels))
    assert solution.termination is Termination.OPTIMAL and solution.gap <= 1e-11


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_extreme_powers_close_their_gap(factor):
    form = link(4)
    scaled = replace(form, client_power_w=form.client_power_w * factor, total_power_w=form.total_power_w * factor)
    solution = solve_form(scaled)
    assert solution.termination is Termination.OPTIMAL and np.isfinite(solution.objective)


def test_rounding_at_many_subchannels_does_not_stop_the_exchange():
    for clients, seed in ((1, 0), (2, 1), (3, 2)):
        rng = np.random.default_rng(seed)
        noise_w, load = 10 ** rng.uniform(-10, -8, clients), rng.uniform(0.2, 0.4, clients)
        least = np.ones(clients, dtype=np.int64)
        counts, _ = allocate(noise_w, load, least, least, 219_864)
        assert counts.sum() == 219_864
    single = np.asarray([6.195264161774193e-09]), np.asarray([0.27934556690990914])
    assert allocate(*single, np.ones(1, dtype=np.int64), np.ones(1, dtype=np.int64), 219_864)[0] == [219_864]


@pytest.mark.parametrize(("clients", "subchannels"), [(3, 1_000), (3, 100_000), (10, 100_000), (100, 10_000)])
def test_few_steps_where_caps_decide(clients, subchannels):
    problem = ra.FedsLLM.sample(seed=1, clients=clients, subchannels=subchannels, main_total_power_w=1e3)
    solution = solve_form(main_link(problem, 1, 1))
    assert solution.termination is Termination.OPTIMAL and solution.iterations <= 30


@pytest.mark.parametrize("seed", [3, 6, 14])
def test_few_steps_where_the_total_is_almost_spent(seed):
    solution = solve_form(main_link(ra.FedsLLM.sample(seed=seed, clients=100, subchannels=1_000), 1, 8))
    assert solution.termination is Termination.OPTIMAL and solution.iterations <= 30


def test_start_that_leaves_a_client_out_is_not_used():
    form = link(0)
    lonely = Spectrum(np.zeros(6, dtype=np.int64), np.full(6, 1e-9))
    assert solve_form(form, "counts", Limits(start=lonely)).objective == solve_form(form).objective


@pytest.mark.parametrize("seed", range(40))
def test_objective_is_that_of_the_value_where_offsets_dwarf_the_link(seed):
    rng = np.random.default_rng(seed)
    form = replace(link(seed), offset_s=10 ** rng.uniform(0, 6, 3), payload_bits=10 ** rng.uniform(0, 8, 3))
    solution = solve_form(form)
    assert np.isfinite(solution.value.psd_w_per_hz).all()
    assert form.judge(solution.value) == solution.objective and solution.gap < 1e-6


def test_spare_time_below_rounding_is_sent_at_the_cap():
    form = OfdmaLink([1e6, 0.0], [1e-6, 1e6], np.full((2, 4), 1e-10), np.full(4, 1e6), 4e-21, [1.0, 1.0], 2.0)
    solution = solve_form(form)
    assert np.isfinite(solution.value.psd_w_per_hz).all() and form.judge(solution.value) == solution.objective
