"""Multiple choices against enumeration, bounds against the picks that they must stay below, the pieces one by one."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rasolve.errors import InputError
from rasolve.forms import Load, Menu, MultipleChoice, OfdmaLink, Picked, Spectrum, Tail, Termination
from rasolve.forms.power import owned
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.multiple_choice.boxes import CountedMenu
from rasolve.solvers.multiple_choice.cutting_planes import Summit, climb
from rasolve.solvers.multiple_choice.priced_box import PricedBox
from rasolve.solvers.multiple_choice.priced_load import PricedLoad, counted
from tests.brute_force import best_flat_link, owners
from tests.instances import link, multiple_choice


def picks_of(menu: Menu):
    return (np.array(option) for option in product(*(np.flatnonzero(row) for row in menu.allowed)))


def enumerated(form: MultipleChoice, deadline=lambda link: solve_form(link).objective) -> float:
    """Return the optimum by looking at every pick of every menu, each link solved by `deadline`."""
    best = float("inf")
    for menu in form.menus:
        for option in picks_of(menu):
            k = range(len(option))
            total = menu.constant + sum(menu.cost[i, option[i]] for i in k)
            total += sum(tail.weight * max(tail.value[i, option[i]] for i in k) for tail in menu.tails)
            if total < best:
                total += sum(load.weight * deadline(load.at(option)) for load in menu.loads)
            best = min(best, total)
    return best


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 100, 20)])
def test_equals_enumeration(seeds):
    for seed in seeds:
        form = multiple_choice(seed)
        solution, optimum = solve_form(form), enumerated(form)
        assert solution.termination is Termination.OPTIMAL, seed
        assert solution.objective == pytest.approx(optimum, rel=1e-9), seed
        assert solution.bound <= optimum * (1 + 1e-12) and form.judge(solution.value) == pytest.approx(optimum), seed


@pytest.mark.parametrize("seed", range(6))
def test_equals_an_enumeration_that_shares_no_code(seed):
    form = multiple_choice(seed + 500, clients=2, options=3, loads=1 + seed % 2)
    assert solve_form(form).objective == pytest.approx(enumerated(form, best_flat_link), rel=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_order_of_clients_does_not_matter(seed):
    form = multiple_choice(seed, clients=4)
    order = np.random.default_rng(seed).permutation(4)

    def shuffled(load: Load) -> Load:
        shared = replace(load.link, gain=load.link.gain[order], client_power_w=load.link.client_power_w[order])
        return Load(load.weight, shared, load.offset_s[order], load.payload_bits[order])

    menus = tuple(
        replace(
            menu,
            cost=menu.cost[order],
            allowed=menu.allowed[order],
            tails=tuple(Tail(tail.weight, tail.value[order]) for tail in menu.tails),
            loads=tuple(map(shuffled, menu.loads)),
        )
        for menu in form.menus
    )
    assert solve_form(MultipleChoice(menus)).objective == pytest.approx(solve_form(form).objective, rel=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_stopped_early_it_has_an_incumbent_and_a_bound_on_the_optimum(seed, steps):
    form = multiple_choice(seed)
    optimum = solve_form(form).objective
    stopped = solve_form(form, limits=Limits(max_iterations=steps))
    assert stopped.value is not None
    assert stopped.bound <= optimum * (1 + 1e-12) and optimum <= stopped.objective * (1 + 1e-9)
    rough = solve_form(form, limits=Limits(gap=0.05))
    assert rough.gap <= 0.05 and rough.bound <= optimum * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_cutoff_above_the_optimum_finds_it_and_one_below_is_proved_out_of_reach(seed):
    form = multiple_choice(seed, clients=4, options=3)
    optimum = solve_form(form)
    found = solve_form(form, limits=Limits(cutoff=optimum.objective * 1.0001))
    assert found.objective == pytest.approx(optimum.objective, rel=1e-9)
    refuted = solve_form(form, limits=Limits(cutoff=optimum.objective * 0.9999))
    assert refuted.value is None and refuted.termination is Termination.CUTOFF
    assert optimum.objective * 0.9999 <= refuted.bound <= optimum.objective


def test_a_start_is_where_it_starts():
    form = multiple_choice(3, clients=4, options=3)
    best = solve_form(form)
    begun = solve_form(form, limits=Limits(max_iterations=1))
    started = solve_form(form, limits=Limits(max_iterations=1, start=best.value))
    assert started.objective == best.objective < begun.objective
    nonsense = replace(best.value, label="no such menu")
    assert solve_form(form, limits=Limits(start=nonsense)).objective == best.objective


def test_nothing_is_feasible_where_a_client_has_no_option_or_no_subchannel():
    menu = multiple_choice(0, clients=2, options=2, loads=1).menus[0]
    hopeless = replace(menu, allowed=np.array([[True, True], [False, False]]))
    crowded = replace(menu, loads=(replace(menu.loads[0], link=link(0, clients=2, subchannels=1)),))
    for one in (hopeless, crowded):
        solution = solve_form(MultipleChoice((one,)))
        assert solution.termination is Termination.INFEASIBLE and solution.value is None
        assert solve_form(MultipleChoice((one, menu))).objective == solve_form(MultipleChoice((menu,))).objective
    assert solve_form(MultipleChoice(())).termination is Termination.INFEASIBLE


def test_without_maxima_everybody_takes_what_costs_least():
    cost = np.array([[3.0, 1.0, 2.0], [5.0, 4.0, 0.0]])
    allowed = np.array([[True, True, True], [True, True, False]])
    solution = solve_form(MultipleChoice((Menu("only", cost, allowed, constant=10.0),)))
    assert solution.objective == solution.bound == 15.0 and solution.value.option.tolist() == [1, 1]


@pytest.mark.parametrize("seeds", [range(40), range(40, 80)])
def test_many_maxima_share_the_picks(seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        tails = tuple(Tail(float(rng.uniform(0.2, 2)), rng.integers(0, 6, (4, 4)).astype(float)) for _ in range(4))
        menu = Menu("one", rng.uniform(0, 3, (4, 4)), rng.random((4, 4)) < 0.9, tails)
        form = MultipleChoice((replace(menu, allowed=menu.allowed | (np.arange(4) == seed % 4)),))
        assert solve_form(form).objective == pytest.approx(enumerated(form), rel=1e-12)


def test_maxima_alone_need_no_links():
    """By hand: all may wait for 2 at no cost, or client 2 pays 3 to let it be 1."""
    tail = Tail(2.0, np.array([[1.0, 1.0], [2.0, 1.0]]))
    for price, expected in ((3.0, 4.0), (1.0, 3.0)):
        menu = Menu("a", np.array([[0.0, 0.5], [0.0, price]]), np.ones((2, 2), dtype=bool), (tail,))
        assert solve_form(MultipleChoice((menu,))).objective == expected


def optimum_of(link: OfdmaLink) -> float:
    """Return the optimum of a small link of any kind by trying all owners."""
    return min(solve_form(owned(link, owner).shares).objective for owner in owners(link))


def uneven(seed: int) -> OfdmaLink:
    flat = link(seed, 2, 4)
    return replace(flat, width_hz=flat.width_hz * np.random.default_rng(seed).uniform(0.5, 2.0, 4))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [lambda seed: link(seed, 2, 4, selective=True), uneven])
def test_bounds_hold_where_a_link_is_relaxed_and_solved_by_a_heuristic(seed, make):
    rng, shared = np.random.default_rng(seed), make(seed)
    assert solve_form(counted(shared)).bound <= optimum_of(shared)
    shape = 2, 3
    offset, cost = np.sort(rng.uniform(0, 2, shape)), -np.sort(-rng.uniform(0, 3, shape))
    load = Load(1.0, shared, offset, shared.payload_bits[:, None] * np.sort(rng.uniform(0.5, 2, shape)))
    form = MultipleChoice((Menu("one", cost, np.ones(shape, dtype=bool), loads=(load,)),))
    solution, optimum = solve_form(form), enumerated(form, optimum_of)
    assert solution.bound <= optimum * (1 + 1e-9) and optimum <= solution.objective * (1 + 1e-9)
    assert solution.termination in (Termination.CONVERGED, Termination.OPTIMAL) and solution.gap < 0.5


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_cheapest_counts_are_those_of_a_table_and_tangents_stay_below(seed):
    rng = np.random.default_rng(seed)
    load = multiple_choice(seed, loads=1).menus[0].loads[0]
    priced, clients, subchannels = PricedLoad.of(load), load.link.clients, load.link.subchannels
    high = float(priced.alone_s.max() * rng.uniform(1.0, 3.0))
    low, band, watts = high * float(rng.uniform(0.5, 1.0)), *rng.uniform(0, 5, 2)
    cost, _ = priced.cheapest(priced.need(high), low, band, watts)

    def table(level: float) -> np.ndarray:
        best = np.full(load.offset_s.shape, np.inf)
        for k, j in np.ndindex(best.shape):
            spare = level - load.offset_s[k, j]
            for n in range(1, subchannels - clients + 2):
                width = n * load.link.width_hz[0]
                bits_per_hz = load.payload_bits[k, j] / width / spare if spare > 0 else np.inf
                snr = 2**bits_per_hz - 1 if bits_per_hz < 900 else np.inf
                watt = width * load.link.noise_w_per_hz / load.link.gain[k, 0] * snr
                if watt <= load.link.client_power_w[k] and watt <= load.link.total_power_w:
                    best[k, j] = min(best[k, j], band * n / subchannels + watts * watt / load.link.total_power_w)
        return best

    np.testing.assert_allclose(cost[0], table(high), rtol=1e-9)
    for share in (0.0, 0.5, 1.0):
        between = (1 - share) * cost[0] + share * cost[1]
        assert (between <= table(high + share * (low - high)) * (1 + 1e-9)).all()


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 1e3, 1e8, 1e16]))
@example(444, 1e16)  # planes too steep for HiGHS
def test_a_box_is_bounded_below_every_pick_in_it(seed, scale):
    rng = np.random.default_rng(seed)
    menu = multiple_choice(seed, loads=1 + seed % 2).menus[0]
    counted, option = CountedMenu.of(menu), next(picks_of(menu))
    solved = solve_form(menu.at(option))
    deadlines = [load.at(option).objective(s) for load, s in zip(menu.loads, solved.value, strict=True)]
    tails = [tail.value[np.arange(len(option)), option].max() for tail in menu.tails]
    level = np.asarray(tails + deadlines)
    box = replace(
        counted.whole(), low=level * rng.uniform(0.3, 1.0, len(level)), high=level * rng.uniform(1.0, 2.0, len(level))
    )
    priced = PricedBox(counted, box)
    summit = climb(
        priced.picks,
        (),
        start=scale * rng.uniform(0, 1, 2 * len(menu.loads)),
        least=np.ones(2 * len(menu.loads)),
        most=np.full(2 * len(menu.loads), max(scale, 100.0)),
        goal=solved.objective,
    )
    assert priced.proved(summit) <= solved.objective * (1 + 1e-12)
    kept = priced.kept(summit.point, solved.objective * (1 + 1e-9))
    assert kept[np.arange(len(option)), option].all()
    inside = counted.narrowed(box, solved.objective * (1 + 1e-9), lambda *_: 0.0)
    assert inside.bound <= solved.objective * (1 + 1e-12) and inside.allowed[np.arange(len(option)), option].all()
    assert (inside.low <= level * (1 + 1e-12)).all() and (level <= inside.high * (1 + 1e-12)).all()


def test_huge_prices_do_not_raise_a_bound_by_rounding():
    """As many subchannels as clients: the band's price cancels, and beside it costs are lost."""
    shared = link(0, clients=3, subchannels=3)
    load = Load(1.0, shared, np.zeros((3, 2)), np.broadcast_to(shared.payload_bits[:, None], (3, 2)))
    menu = Menu("one", np.tile([5.0, 0.0], (3, 1)), np.ones((3, 2), dtype=bool), loads=(load,))
    counted, optimum = CountedMenu.of(menu), solve_form(MultipleChoice((menu,))).objective
    level = np.array([optimum])
    priced = PricedBox(counted, replace(counted.whole(), low=level, high=level))
    for band in (1.0, 1e6, 1e15, 1e18, 1e25):
        prices = np.array([band, 1e-3])
        summit = Summit(prices, priced.picks(prices))
        assert priced.proved(summit) <= optimum
        assert priced.kept(prices, optimum * (1 + 1e-9))[:, 1].all()


@pytest.mark.parametrize(("seed", "most"), [(0, 110), (1, 150), (5, 70)])
def test_twelve_clients_with_twelve_options_need_few_boxes(seed, most):
    """12^12 picks; each client's cost falls and its delays rise along its options."""
    rng = np.random.default_rng(seed)
    shared, steps = link(seed, clients=12, subchannels=60), np.arange(1.0, 13.0)
    slowness = 10 ** rng.uniform(-1.5, 0, (12, 1))
    load = Load(1.0, shared, slowness * steps, np.broadcast_to(shared.payload_bits[:, None], (12, 12)))
    tail = Tail(2.0, slowness * steps)
    cost = 0.1 * (12 - np.broadcast_to(steps, (12, 12)))
    menu = Menu("one", cost, np.ones((12, 12), dtype=bool), (tail,), (load,))
    solution = solve_form(MultipleChoice((menu,)))
    assert solution.termination is Termination.OPTIMAL and solution.iterations <= most
    assert len(set(solution.value.option.tolist())) > 3


class Facet:
    """A plane given by numbers."""

    def __init__(self, at_zero, gradient):
        self.at_zero, self.gradient = at_zero, gradient


@pytest.mark.parametrize("seed", range(5))
def test_cutting_planes_reach_the_top_of_known_planes(seed):
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    gradients, at_zero = rng.normal(size=(40, 3)) - 0.5, rng.uniform(1, 2, 40)
    facets = [Facet(a, g) for a, g in zip(at_zero, gradients, strict=True)]

    def touching(point):
        return [min(facets, key=lambda f: f.at_zero + f.gradient @ point)]

    rows = np.c_[np.ones(40), -gradients]
    top = linprog([-1, 0, 0, 0], A_ub=rows, b_ub=at_zero, bounds=[(None, None), *[(0, 10)] * 3]).x[0]
    ends = {"start": np.ones(3), "least": np.ones(3), "most": np.full(3, 10.0)}
    found = climb(touching, (), goal=2 * top, **ends)
    assert top - 1e-3 * top <= found.value <= top * (1 + 1e-9)
    assert sum(weight for weight, _ in found.balance) == pytest.approx(1)
    assert climb(touching, (), goal=top - 1.0, **ends).value >= top - 1.0
    assert climb(touching, facets, goal=2 * top, **ends).value == pytest.approx(top)


def test_values_are_judged():
    form = multiple_choice(2, clients=3, options=3, loads=1)
    best = solve_form(form)
    assert form.judge(best.value) == pytest.approx(best.objective)
    assert form.judge(replace(best.value, label=77)) == float("inf")
    loud = Spectrum(best.value.spectra[0].owner, best.value.spectra[0].psd_w_per_hz * 3)
    assert form.judge(replace(best.value, spectra=(loud,))) == float("inf")
    menu = form.menus[0]
    forbidden = replace(menu, allowed=np.zeros_like(menu.allowed))
    value = Picked(menu.label, np.zeros(3, dtype=np.int64), best.value.spectra)
    assert MultipleChoice((forbidden,)).judge(value) == float("inf")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost": np.zeros(3)}, "Menu.cost has shape [3], needs [K, J], the same for all"),
        ({"cost": [["a"]]}, "Menu.cost must be a non-empty array of numbers"),
        ({"allowed": np.ones((2, 3), dtype=bool)}, "Menu.allowed has shape [2, 3], needs [2, 2]"),
        ({"cost": np.full((2, 2), np.nan)}, "Menu.cost must be finite"),
        ({"tails": (Tail(1.0, np.full((2, 2), np.inf)),)}, "Menu.tails[0].value must be finite"),
        ({"tails": (Tail(0.0, np.zeros((2, 2))),)}, "Menu.tails[0].weight = 0.0: must be finite and above 0"),
        (
            {"loads": (Load(1.0, link(0, 3), np.zeros((2, 2)), np.ones((2, 2))),)},
            "loads[0].link has 3 clients, needs 2",
        ),
        ({"loads": (Load(1.0, link(0, 2), np.zeros((2, 1)), np.ones((2, 2))),)}, "loads[0].offset_s has shape [2, 1]"),
        (
            {"loads": (Load(1.0, link(0, 2), -np.ones((2, 2)), np.ones((2, 2))),)},
            "loads[0].offset_s must be at least 0",
        ),
        ({"loads": (Load(1.0, link(0, 2), np.ones((2, 2)), np.zeros((2, 2))),)}, "payload_bits must be from 1e-60 to"),
    ],
)
def test_bad_menus_are_one_line(change, message):
    good = {"cost": np.zeros((2, 2)), "allowed": np.ones((2, 2), dtype=bool)}
    with pytest.raises(InputError) as caught:
        Menu("menu", **{**good, **change})
    assert message in str(caught.value) and "\n" not in str(caught.value)
