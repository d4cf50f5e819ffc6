from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import CutNetwork, Termination, Wiring
from rasolve.solvers import Limits, solve_form, solver_named
from rasolve.solvers.cuts.max_flow import ENGINES
from rasolve.testing import check_solver


def network(seed: int, kind: str = "real", forbidden: float = 0.0) -> CutNetwork:
    """Return a random network of 2 to 8 vertices, with parallel and opposite arcs."""
    rng = np.random.default_rng(seed)
    n, arcs = int(rng.integers(2, 9)), int(rng.integers(1, 30))
    tails, heads = rng.integers(0, n, (2, arcs))
    kept = tails != heads
    tails, heads = np.append(tails[kept], 0), np.append(heads[kept], n - 1)
    size = len(tails)
    capacities = {
        "real": rng.uniform(0, 1, size),
        "whole": rng.integers(0, 10 ** rng.integers(1, 13), size).astype(float),
        "orders": 10 ** rng.uniform(-6, 6, size),
        "ties": rng.integers(0, 3, size) * 10.0 ** rng.integers(-12, 12),
    }[kind]
    capacities[rng.random(size) < forbidden] = np.inf
    return CutNetwork(Wiring(tails, heads, 0, n - 1), capacities)


def exact_cuts(form: CutNetwork):
    """Return the cost of every finite cut as a fraction, by its mask."""
    wiring = form.wiring
    costs = {}
    for inner in product([False, True], repeat=wiring.vertices - 2):
        side = np.array([True, *inner, False])
        crossing = form.capacities[side[wiring.tails] & ~side[wiring.heads]]
        if np.isfinite(crossing).all():
            costs[side.tobytes()] = sum(map(Fraction, crossing.tolist()), Fraction(0))
    return costs


@pytest.mark.parametrize("kind", ["real", "whole", "orders", "ties"])
def test_cuts_are_optimal_among_all(kind):
    """Whole capacities to the last digit, others to the gap that is claimed, over twelve orders of magnitude."""
    for seed in range(400):
        form = network(seed, kind, forbidden=0.15 * (seed % 2))
        costs = exact_cuts(form)
        solution = solve_form(form, "min_cut", Limits(gap=1e-14))
        if not costs:
            assert solution.termination is Termination.INFEASIBLE and solution.value is None
            continue
        best, found = min(costs.values()), costs[solution.value.tobytes()]
        assert solution.termination is Termination.OPTIMAL
        if kind == "whole":
            assert found == best and solution.bound == solution.objective == float(best)
        assert Fraction(solution.bound) <= best * (1 + Fraction(1e-15)) and found <= best * (1 + Fraction(1e-13))
        assert solution.objective == pytest.approx(float(found), rel=1e-15)


def test_a_gap_that_is_asked_for_is_enough():
    for seed in range(50):
        form = network(seed, "orders")
        loose, tight = (solve_form(form, "min_cut", Limits(gap=gap)) for gap in (1e-3, 1e-13))
        assert loose.objective <= tight.objective * (1 + 1e-3) and loose.bound <= tight.objective * (1 + 1e-15)
        assert loose.iterations <= tight.iterations


def layered(seed: int, layers: int, width: int, spread: float) -> CutNetwork:
    """Return a layered network with arcs both ways and from source and to sink everywhere, as splits have them."""
    rng = np.random.default_rng(seed)
    n = layers * width
    child = np.arange(width, n)
    parents = (child // width - 1)[:, None] * width + rng.integers(0, width, (len(child), 2))
    pairs = np.unique(np.stack([parents.ravel(), np.repeat(child, 2)], axis=1), axis=0)
    every = np.arange(n)
    tails = np.concatenate([np.full(n, n), every, pairs[:, 0], pairs[:, 1]])
    heads = np.concatenate([every, np.full(n, n + 1), pairs[:, 1], pairs[:, 0]])
    costs = [rng.lognormal(0, spread, n), rng.lognormal(0, spread, n), rng.lognormal(0, spread, len(pairs))]
    return CutNetwork(Wiring(tails, heads, n, n + 1), np.concatenate([*costs, np.full(len(pairs), np.inf)]))


@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_large_cuts_agree_with_linear_programming(spread):
    """The dual linear program by HiGHS: heights between 0 and 1, an arc pays for what it drops."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    for seed in range(3):
        form = layered(seed, 12, 8, spread)
        wiring, n = form.wiring, form.wiring.vertices
        finite = np.flatnonzero(np.isfinite(form.capacities))
        arcs = np.concatenate([finite, np.flatnonzero(np.isinf(form.capacities))])
        row = np.arange(len(arcs))
        entries = [
            (row, wiring.tails[arcs], 1.0),
            (row, wiring.heads[arcs], -1.0),
            (row[: len(finite)], n + row[: len(finite)], -1.0),
        ]
        rows, columns, values = (
            np.concatenate(x) for x in zip(*((r, c, np.full(len(r), v)) for r, c, v in entries), strict=True)
        )
        matrix = coo_array((values, (rows, columns)), shape=(len(arcs), n + len(finite)))
        bounds = [(0, 1)] * (n + len(finite))
        bounds[wiring.source], bounds[wiring.sink] = (1, 1), (0, 0)
        cost = np.concatenate([np.zeros(n), form.capacities[finite]])
        reference = linprog(cost, A_ub=matrix, b_ub=np.zeros(len(arcs)), bounds=bounds).fun
        solution = solve_form(form, "min_cut")
        assert solution.objective == pytest.approx(reference, rel=1e-7) and solution.gap <= 1e-9


def test_rounds_by_hand_close_in_on_the_cut():
    form = layered(1, 30, 10, 3.0)
    solver, limits = solver_named("min_cut"), Limits(gap=0.0)
    state = solver.init(form, limits)
    least = state.objective
    while not solver.done(form, state, limits):
        state = solver.step(form, state, limits)
        assert state.objective <= least and form.constant + state.flow <= state.objective * (1 + 1e-12)
        assert state.bound <= state.objective
        least = state.objective
    assert state.bound == pytest.approx(state.objective, rel=1e-12)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(1e-9, 1e9), st.floats(-1e3, 1e3))
def test_scaling_and_a_constant_change_nothing_else(seed, factor, constant):
    form = network(seed)
    plain = solve_form(form, "min_cut")
    scaled = solve_form(CutNetwork(form.wiring, factor * form.capacities, factor * constant), "min_cut")
    shifted = plain.objective + constant
    assert scaled.objective == pytest.approx(factor * shifted, rel=1e-9, abs=factor * 1e-12)


def test_a_start_sets_the_scale_and_is_never_made_worse():
    form = layered(2, 20, 6, 2.0)
    best = solve_form(form, "min_cut")
    again = solve_form(form, "min_cut", Limits(start=best.value))
    assert again.objective <= best.objective and again.history[0].objective == pytest.approx(best.objective)
    stopped = solve_form(form, "min_cut", Limits(start=best.value, deadline=0.0))
    assert stopped.objective <= best.objective


def test_two_vertices_and_an_empty_cut():
    one = CutNetwork(Wiring([0], [1], 0, 1), [3.0], constant=-1.0)
    assert solve_form(one).objective == 2.0
    unreachable = CutNetwork(Wiring([1], [0], 0, 1), [3.0])
    solution = solve_form(unreachable)
    assert solution.objective == 0.0 == solution.bound and solution.termination is Termination.OPTIMAL


def test_the_solver_conforms():
    check_solver(
        solver_named("min_cut").__class__, [network(seed, kind) for seed in range(6) for kind in ("real", "whole")]
    )


def test_the_64_bit_engine_gives_the_same_cuts():
    pytest.importorskip("ortools")
    for seed in range(60):
        form = network(seed, "orders")
        one, other = solve_form(form, "min_cut"), solve_form(form, "min_cut", engine="ortools")
        assert one.objective == pytest.approx(other.objective, rel=1e-9)
    assert solve_form(layered(0, 30, 10, 2.0), "min_cut", engine="ortools").gap <= 1e-12


def test_engines_are_named():
    with pytest.raises(InputError, match="unknown engine of min_cut 'scpy'; did you mean scipy"):
        solve_form(network(0), "min_cut", engine="scpy")
    try:
        import ortools  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(SolverUnavailable, match='engine "ortools" needs ortools: install'):
            solve_form(network(0), "min_cut", engine="ortools")


def test_engines_send_whole_flows_within_their_limits():
    form = layered(3, 6, 4, 1.0)
    entries = form.wiring.entries
    whole = np.floor(np.minimum(form.wiring.on_entries(form.capacities), 50.0) * 1000)
    sent = ENGINES["scipy"].flow(entries, whole, form.wiring.source, form.wiring.sink)
    assert (sent <= whole).all() and (sent == -sent[entries.reverse]).all()
    kept = np.bincount(entries.tails, weights=sent, minlength=entries.vertices)
    inner = np.setdiff1d(np.arange(entries.vertices), [form.wiring.source, form.wiring.sink])
    assert (kept[inner] == 0).all() and kept[form.wiring.source] > 0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Wiring([0, 1], [1], 0, 1), "Wiring has 2 tails for 1 heads"),
        (lambda: Wiring([0, 2], [1, 2], 0, 1), "Wiring: arc 1 leads from vertex 2 to itself"),
        (lambda: Wiring([0.5], [1], 0, 1), "Wiring.tails must be a list of whole numbers of at least 0"),
        (lambda: Wiring([], [], 0, 1), "Wiring.tails must be a non-empty array of numbers"),
        (lambda: Wiring([0], [1], 0, 5), "Wiring.sink = 5: must be a vertex, 0 to 1"),
        (lambda: Wiring([0], [1], 1, 1), "Wiring.source and .sink are both 1: they must differ"),
        (lambda: CutNetwork(Wiring([0], [1], 0, 1), [1.0, 2.0]), "CutNetwork has 2 capacities for 1 arcs"),
        (lambda: CutNetwork(Wiring([0], [1], 0, 1), [-1.0]), "CutNetwork.capacities[0] = -1 must be at least 0"),
        (lambda: CutNetwork(Wiring([0], [1], 0, 1), [float("nan")]), "capacities[0] = nan must be at least 0"),
        (lambda: CutNetwork(Wiring([0], [1], 0, 1), [1.0], float("inf")), "CutNetwork.constant = inf: must be finite"),
    ],
)
def test_bad_networks_are_named(build, message):
    with pytest.raises(InputError) as caught:
        build()
    assert message in str(caught.value)


def test_a_network_is_solved_by_name():
    assert ra.solve(network(1)).solver == "min_cut"
