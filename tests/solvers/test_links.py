"""Links with selective gains, unequal widths or given densities: solvers against exhaustion, and what they rest on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import FixedDensityLink, Link, OfdmaLink, Spectrum, Termination
from rasolve.forms.link import NOBODY
from rasolve.forms.power import owned
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.lagrangian import gain, prices_at
from rasolve.solvers.links.auction import MARGIN, Auction
from rasolve.solvers.links.exchange import polish
from tests.brute_force import best_link, best_owners
from tests.instances import density_link, link, wide_link

HEURISTICS = ("lagrangian", "local_search", "greedy")

LINKS = {
    "selective": lambda seed: link(seed, 3, 5, selective=True),
    "caps": lambda seed: link(seed, 3, 5, selective=True, tight="caps"),
    "total": lambda seed: link(seed, 3, 5, selective=True, tight="total"),
    "widths": lambda seed: wide_link(seed, 3, 5),
    "densities": lambda seed: density_link(seed, 3, 6),
}


def sampled(clients: int, subchannels: int, seed: int = 0, regime: str = "wideband") -> OfdmaLink:
    problem = ra.FedsLLM.sample(clients=clients, subchannels=subchannels, seed=seed, regime=regime, selective=True)
    return main_link(problem, 1, 8)


def uniform(form: OfdmaLink) -> FixedDensityLink:
    return form.at_density(form.total_power_w / form.width_hz.sum())


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("seed", range(5))
def test_equals_exhaustion_and_heuristics_are_honest(kind, seed):
    form = LINKS[kind](seed)
    best = best_owners(form) if isinstance(form, FixedDensityLink) else best_link(form)
    exact = solve_form(form, "deadline_mip")
    if best == np.inf:
        assert all(solve_form(form, name).termination is Termination.INFEASIBLE for name in HEURISTICS)
        assert exact.termination is Termination.INFEASIBLE
        return
    assert exact.termination is Termination.OPTIMAL and exact.objective == pytest.approx(best, rel=1e-9)
    for solution in (exact, *(solve_form(form, name) for name in HEURISTICS)):
        assert solution.bound <= best * (1 + 1e-9) and solution.objective >= best * (1 - 1e-9)
        assert form.judge(solution.value) == pytest.approx(solution.objective, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_flat_links_have_the_optimum_of_counts(seed):
    form = link(seed, 3, 8)
    assert solve_form(form, "deadline_mip").objective == pytest.approx(solve_form(form, "counts").objective, rel=1e-8)


@pytest.mark.parametrize(("regime", "seed"), [("wideband", 0), ("wideband", 3), ("midband", 1), ("narrowband", 0)])
def test_no_bound_is_above_the_proved_optimum_at_a_usual_size(regime, seed):
    for form in (sampled(5, 20, seed, regime), uniform(sampled(5, 20, seed, regime))):
        exact, priced = solve_form(form, "deadline_mip"), solve_form(form, "lagrangian")
        assert exact.termination is Termination.OPTIMAL
        assert priced.bound <= exact.objective * (1 + 1e-9) and priced.objective >= exact.bound
        assert priced.gap <= 0.01 and exact.objective <= solve_form(form, "greedy").objective


def test_a_cutoff_below_the_optimum_is_refuted_without_a_plan():
    form = sampled(5, 20)
    best = solve_form(form, "deadline_mip").objective
    for name in ("deadline_mip", "lagrangian"):
        refuted = solve_form(form, name, Limits(cutoff=best * 0.98))
        assert refuted.termination is Termination.CUTOFF and refuted.value is None and refuted.iterations == 0
        assert refuted.bound <= best
    found = solve_form(form, "deadline_mip", Limits(cutoff=best * 1.001))
    assert found.objective == pytest.approx(best, rel=1e-8)


def plan_of(form: Link, owner) -> tuple[float, np.ndarray]:
    """Return an earliest deadline and (fills, loads, counts) of a plan there."""
    deadline = form.served(owner)[1]
    demand = form.demand(deadline)
    sets = owner == np.arange(form.clients)[:, None]
    if isinstance(form, FixedDensityLink):
        fills, loads = (demand.useful * sets).sum(axis=1), (demand.load * sets).sum(axis=1)
    else:
        fills, loads = np.ones(form.clients), demand.powers(np.arange(form.clients), sets)
    return deadline, np.concatenate([fills, loads, sets.sum(axis=1)])


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(["selective", "caps", "widths", "densities"]))
def test_every_plan_keeps_the_rows_and_no_multipliers_refute_its_deadline(seed, kind):
    form, rng = LINKS[kind](seed), np.random.default_rng(seed)
    if isinstance(form, FixedDensityLink) and form.serving is None:
        return
    owner = polish(form, ra.solvers.solve_form(form, "greedy").value if isinstance(form, FixedDensityLink) else
                   rng.permutation(np.arange(form.subchannels) % form.clients))[0]  # fmt: skip
    deadline, plan = plan_of(form, owner)
    demand = form.demand(deadline)
    assert (demand.fewest <= np.bincount(owner[owner != NOBODY], minlength=form.clients)).all() and not demand.short
    for counts in (demand.fewest, rng.integers(1, form.subchannels, form.clients)):
        rows = demand.rows(counts)
        assert (rows.matrix @ plan >= rows.least - 1e-8).all()
        for _ in range(5):
            v = rng.exponential(1.0, len(rows.least)) ** 3
            assert Auction(demand, rows).gain(v / v.sum()) <= MARGIN


def test_multipliers_that_reward_load_say_nothing():
    form = sampled(5, 20)
    demand = form.demand(0.5)
    rows = demand.rows(demand.fewest)
    rewarding = np.where(rows.least > 0, 1.0, 1e-9)
    assert Auction(demand, rows).gain(rewarding / rewarding.sum()) == -np.inf


@pytest.mark.parametrize("seed", range(4))
def test_bids_are_the_best_a_client_can_do(seed):
    form, rng = sampled(5, 20, seed), np.random.default_rng(seed)
    demand = form.demand(1.0)
    rate_price, load_price = rng.uniform(0.1, 1, 5), rng.uniform(0.1, 1, 5)
    bids = demand.bids(rate_price, load_price)
    load = np.geomspace(1e-12, 10, 20001)
    for k, i in [(0, 0), (1, 7), (4, 19)]:
        snr = np.exp(demand.log_snr[k, i]) / demand.width_hz[i]
        fill = demand.width_hz[i] * np.log1p(load * snr) / demand.nats_per_s[k]
        worth = np.append(rate_price[k] * fill - load_price[k] * load, 0.0)
        assert worth.max() == pytest.approx(bids.value[k, i], rel=1e-4, abs=1e-12)
        assert worth.max() <= bids.value[k, i] * (1 + 1e-9) + 1e-15


def test_prices_close_most_of_the_gap_that_the_cheap_bound_leaves():
    form = sampled(5, 20)
    best = solve_form(form, "deadline_mip").objective
    early = best * 0.99
    assert form.lower_bound() < 0.6 * best
    assert gain(form, early, prices_at(form, early)) > MARGIN and gain(form, best, prices_at(form, best)) <= MARGIN


@pytest.mark.parametrize("make", [lambda: sampled(4, 12), lambda: uniform(sampled(4, 12)), lambda: wide_link(3, 4, 9)])
def test_the_ledger_is_the_cost_of_every_exchange_done_by_hand(make):
    form = make()
    demand = form.demand(form.served(np.arange(form.subchannels) % 4)[1] * 1.1)
    ledger, owner = demand.ledger(50.0), np.arange(form.subchannels) % 4
    everyone, everything = np.arange(4), np.arange(form.subchannels)

    def cost_of(changed, client):
        return ledger.of_clients(changed, np.asarray([client]))[0][0]

    now, joined = ledger.of_clients(owner, everyone)
    without, instead = ledger.of_subchannels(owner, everything)
    for i in everything:
        a = int(owner[i])
        left = np.where(everything == i, (a + 1) % 4, owner)
        assert without[i] == pytest.approx(cost_of(left, a), rel=1e-9)
        for j in everything[owner != a]:
            swapped = owner.copy()
            swapped[[i, j]] = owner[[j, i]]
            assert instead[i, j] == pytest.approx(cost_of(swapped, a), rel=1e-9)
            moved = np.where(everything == j, a, owner)
            assert joined[a, j] == pytest.approx(cost_of(moved, a), rel=1e-9)
    assert now == pytest.approx([cost_of(owner, k) for k in everyone])


@pytest.mark.parametrize("make", [lambda: sampled(5, 20, 1), lambda: uniform(sampled(5, 20, 1))])
def test_a_start_is_polished_and_a_useless_one_is_not_used(make):
    form = make()
    greedy = solve_form(form, "greedy")
    lonely = np.zeros(20, dtype=np.int64)
    useless = lonely if isinstance(form, FixedDensityLink) else Spectrum(lonely, np.full(20, 1e-9))
    for name in ("local_search", "lagrangian", "deadline_mip"):
        assert solve_form(form, name, Limits(start=greedy.value, max_iterations=2)).objective <= greedy.objective
        assert solve_form(form, name, Limits(start=useless, max_iterations=1)).objective == greedy.objective


def test_local_search_is_seeded_and_takes_its_options():
    form = sampled(5, 20, 2)
    one, two = (solve_form(form, "local_search", Limits(seed=s), patience=3, swaps=4) for s in (1, 1))
    assert one.objective == two.objective and one.iterations == two.iterations
    assert one.termination is Termination.CONVERGED
    assert one.objective <= solve_form(form, "greedy").objective


def test_multiplier_is_the_worth_of_a_watt():
    form = sampled(5, 20, 3)
    solution = solve_form(form, "deadline_mip")
    more = replace(form, total_power_w=form.total_power_w * (1 + 1e-6))
    gained = solution.objective - owned(more, solution.value.owner).earliest()
    assert gained == pytest.approx(solution.multipliers["total_power_w"] * form.total_power_w * 1e-6, rel=1e-2)
    assert gained > 0


def test_densities_given_keep_rates_powers_and_limits():
    form = wide_link(1, 3, 6)
    psd = np.full(6, 0.5 * form.total_power_w / form.width_hz.sum())
    fixed, owner = form.at_density(psd), np.asarray([0, 1, 2, NOBODY, 0, 1])
    spectrum = form.spectrum(owner, psd)
    assert fixed.delays(owner) == pytest.approx(form.delays(spectrum)) and spectrum.psd_w_per_hz[3] == 0
    assert fixed.power_w == pytest.approx(psd * form.width_hz)


@pytest.mark.parametrize(
    ("psd", "message"),
    [
        (-1e-9, "psd_w_per_hz = -1e-09 must be at least 0"),
        ([0.0] * 19 + [np.nan], "psd_w_per_hz[19] = nan must be at least 0"),
        ([1e-9, 1e-9], "psd_w_per_hz has shape [2], needs [20] or one number"),
        (1.0, "psd_w_per_hz adds up to "),
        ("loud", "psd_w_per_hz must be a non-empty array of numbers"),
    ],
)
def test_densities_that_cannot_be_are_refused(psd, message):
    with pytest.raises(InputError) as caught:
        sampled(5, 20).at_density(psd)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate_bps", [[1.0]], " has shape [1, 1], needs [3, 6]"),
        ("rate_bps", -np.ones((3, 6)), "[0, 0] = -1 must be 0 or from 1e-60 to 1e+60"),
        ("power_w", np.full(6, np.nan), "[0] = nan must be 0 or from 1e-60 to 1e+60"),
        ("client_power_w", np.zeros(3), "[0] = 0 must be from 1e-60 to 1e+60"),
        ("offset_s", [0.0, -1.0, 0.0], "[1] = -1 must be finite and at least 0"),
    ],
)
def test_fixed_density_links_reject_bad_numbers(field, value, message):
    with pytest.raises(InputError) as caught:
        replace(density_link(0), **{field: value})
    assert str(caught.value) == f"FixedDensityLink.{field}{message}"


def test_nobody_can_be_served_without_an_affordable_subchannel():
    form = replace(density_link(0), client_power_w=np.asarray([1e-3, 2.0, 2.0]), power_w=np.ones(6))
    for name in ("deadline_mip", *HEURISTICS):
        assert solve_form(form, name).termination is Termination.INFEASIBLE


def test_greedy_serves_all_where_choosing_in_turn_would_leave_somebody_out():
    rate = np.asarray([[5.0, 4.0], [3.0, 0.0]])
    form = FixedDensityLink(np.zeros(2), np.asarray([100.0, 1.0]), rate, np.ones(2), np.full(2, 5.0))
    assert solve_form(form, "greedy").objective == pytest.approx(25.0)


def test_only_links_are_taken():
    with pytest.raises(SolverUnavailable, match="solver 'deadline_mip' takes the form Link, not Sum"):
        solve_form(ra.forms.Sum(()), "deadline_mip")


@pytest.mark.parametrize("effort", [0, -1.0, float("inf"), float("nan"), "much"])
def test_bad_effort_is_refused(effort):
    with pytest.raises(InputError, match=r"effort = .*: must be finite and above 0"):
        solve_form(sampled(5, 20), "deadline_mip", effort=effort)


def test_little_effort_leaves_an_honest_gap_and_more_closes_it():
    form = sampled(5, 20)
    best = solve_form(form, "deadline_mip")
    little = solve_form(form, "deadline_mip", effort=1e-3)
    assert little.bound <= best.objective <= little.objective * (1 + 1e-12) and best.gap <= 1e-9
    assert little.termination is Termination.CONVERGED and 1e-9 < little.gap < 0.01


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


@pytest.mark.parametrize("solver", ["greedy", "local_search", "lagrangian", "deadline_mip"])
def test_fewer_subchannels_than_clients_is_infeasible(solver):
    assert ra.solve(link(0, 4, 3, selective=True), solver).termination is Termination.INFEASIBLE


@pytest.mark.parametrize("solver", ["local_search", "lagrangian", "deadline_mip"])
def test_a_time_limit_leaves_a_plan(solver):
    found = ra.solve(link(1, 6, 60, selective=True), solver, time_limit=1e-6)
    assert found.value is not None and found.bound <= found.objective


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
