"""Selective links, with free power and at given densities: plans and bounds against all assignments."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import FixedDensityLink, OfdmaLink, Termination
from tests.brute_force import best_link, best_owners
from tests.instances import density_link, link, wide_link

WITHIN = 1e-9


@pytest.mark.parametrize("seed", range(40))
def test_given_densities_are_solved_exactly(seed):
    form = density_link(seed)
    best = best_owners(form)
    found = ra.solve(form, "deadline_mip", gap=1e-6)
    if best == np.inf:
        assert found.termination is Termination.INFEASIBLE
        return
    assert found.objective == pytest.approx(best, rel=1e-6) and form.judge(found.value) == found.objective
    assert found.bound <= best * (1 + WITHIN) and found.gap <= 1e-6


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("draw", [wide_link, lambda seed: link(seed, 3, 5, selective=True)], ids=["wide", "selective"])
def test_free_power_is_solved_exactly(draw, seed):
    form = draw(seed)
    best = best_link(form)
    found = ra.solve(form, "deadline_mip", gap=1e-6)
    assert found.objective >= best * (1 - WITHIN) and found.bound <= best * (1 + WITHIN)
    assert found.objective == pytest.approx(best, rel=2e-6)
    assert form.judge(found.value) == pytest.approx(found.objective)


@pytest.mark.parametrize("solver", ["greedy", "local_search", "lagrangian"])
@pytest.mark.parametrize("seed", range(6))
def test_no_bound_is_above_and_no_plan_below_the_optimum(solver, seed):
    for form, best in ((wide_link(seed), best_link), (density_link(seed), best_owners)):
        optimum = best(form)
        found = ra.solve(form, solver)
        if optimum == np.inf:
            assert found.value is None
            continue
        assert found.bound <= optimum * (1 + WITHIN)
        assert found.objective >= optimum * (1 - WITHIN) and form.judge(found.value) == pytest.approx(found.objective)


@pytest.mark.parametrize("seed", range(4))
def test_prices_prove_nearly_all_there_is_to_prove(seed):
    form = link(seed, 5, 40, selective=True)
    found = ra.solve(form, "lagrangian")
    assert found.termination is Termination.CONVERGED or found.gap <= 1e-9
    assert found.gap < 0.05 and found.bound > form.lower_bound()


@pytest.mark.parametrize("solver", ["local_search", "lagrangian", "deadline_mip"])
def test_a_start_is_never_made_worse(solver):
    form = wide_link(3, 4, 12)
    start = ra.solve(form, "local_search", seed=5)
    assert ra.solve(form, solver, start=start.value, max_iterations=1).objective <= start.objective


def test_local_search_improves_on_greedy_and_repeats_itself():
    form = link(2, 5, 30, selective=True)
    found = [ra.solve(form, "local_search", seed=1) for _ in range(2)]
    assert found[0].objective == found[1].objective <= ra.solve(form, "greedy").objective


@pytest.mark.parametrize("solver", ["greedy", "local_search", "lagrangian", "deadline_mip"])
def test_fewer_subchannels_than_clients_is_infeasible(solver):
    assert ra.solve(link(0, 4, 3, selective=True), solver).termination is Termination.INFEASIBLE


@pytest.mark.parametrize("solver", ["local_search", "lagrangian", "deadline_mip"])
def test_a_time_limit_leaves_a_plan(solver):
    found = ra.solve(link(1, 6, 60, selective=True), solver, time_limit=1e-6)
    assert found.value is not None and found.bound <= found.objective


def test_densities_turn_a_link_into_constants():
    form = link(4, 3, 6, selective=True)
    psd = np.full(6, form.total_power_w / form.width_hz.sum())
    fixed = form.at_density(psd)
    assert isinstance(fixed, FixedDensityLink) and isinstance(form, OfdmaLink)
    snr = psd * form.gain / form.noise_w_per_hz
    assert fixed.rate_bps == pytest.approx(form.width_hz * np.log2(1 + snr))
    assert fixed.power_w.sum() == pytest.approx(form.total_power_w)
    assert ra.solve(fixed, "deadline_mip", gap=1e-6).objective >= best_link(form) * (1 - WITHIN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rate_bps": -np.ones((3, 6))}, "FixedDensityLink.rate_bps must be 0 or from 1e-60 to 1e\\+60"),
        ({"power_w": np.ones(5)}, r"FixedDensityLink.rate_bps has shape \[3, 6\], needs \[3, 5\]"),
        ({"client_power_w": np.zeros(3)}, "FixedDensityLink.client_power_w must be from 1e-60 to 1e\\+60"),
        ({"offset_s": [-1.0, 0, 0]}, "FixedDensityLink.offset_s must be finite and at least 0"),
        ({"payload_bits": [1.0, 2.0]}, r"FixedDensityLink.payload_bits has shape \[2\], needs \[3\]"),
    ],
)
def test_bad_links_are_refused(change, says):
    with pytest.raises(InputError, match=says):
        FixedDensityLink(**{**vars(density_link(0)), **change})


def test_a_descent_ends_where_savings_are_lost_in_rounding():
    gain = np.repeat([[4.49119358e-11], [4.33237021e-11]], 4, axis=1)
    payload = np.array([2.80261158e-09, 2.79332994e-09])
    form = OfdmaLink(np.array([0.19826217, 0.32084656]), payload, gain, np.ones(4), 1.0, np.full(2, 0.3), 1.0)
    solution = ra.solve(form, "lagrangian")
    assert solution.objective == pytest.approx(149.29155, rel=1e-6)


def test_a_bound_one_rounding_below_the_optimum_is_settled():
    gain = np.array([[404.05067711, 354.56033663, 506.02865141]])
    one = [np.array([value]) for value in (29.43804392, 0.05200851, 75.3654707)]
    form = OfdmaLink(one[0], one[1], gain, np.ones(3), 1.0, one[2], 52.4703949666415)
    solution = ra.solve(form, "lagrangian", gap=0.0, max_iterations=50)
    assert solution.iterations < 50


def test_a_subchannel_that_nobody_owns_goes_dark_or_to_its_best_client():
    form = OfdmaLink(np.zeros(2), np.ones(2), np.array([[1.0, 2, 3], [2, 1, 1]]), np.ones(3), 1.0, np.ones(2), 1.0)
    spectrum, deadline = form.served(np.array([0, 1, -1]))
    assert spectrum.owner.tolist() == [0, 1, 0]
    assert form.judge(spectrum) == deadline
    assert form.served(np.array([-1, 0, 0]))[1] < np.inf
    assert form.served(np.array([0, -1, -1]))[1] == np.inf
