from dataclasses import replace

import numpy as np
import pytest

from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import ClosedSet, Precedence, Termination
from rasolve.forms.precedence import closed_sets
from rasolve.solvers import solve_form, solvers, solvers_for
from rasolve.solvers.cuts import interiors as interiors_module
from rasolve.solvers.cuts.interiors import interiors
from rasolve.testing import check_solver
from tests.splits import small_split


def form_of(seed: int, **sizes) -> ClosedSet:
    return small_split(seed, **sizes).formulate(ClosedSet).form


def batch_of(seed: int, instances: int = 4, **sizes) -> ClosedSet:
    """Return one precedence with several random costs."""
    form, rng = form_of(seed, **sizes), np.random.default_rng(seed)
    n = form.precedence.vertices
    return replace(
        form,
        inside=rng.lognormal(0, 1, (instances, n)),
        outside=rng.lognormal(0, 1, (instances, n)),
        toll=rng.lognormal(0, 1, (instances, n)),
    )


def test_waists_are_the_vertices_comparable_with_all():
    for seed in range(300):
        precedence = form_of(seed).precedence
        n = precedence.vertices
        below = np.eye(n, dtype=bool)
        for v in precedence.order:
            for parent in precedence.requires[precedence.requires[:, 1] == v, 0]:
                below[:, v] |= below[:, parent]
        comparable = (below | below.T).all(axis=1)
        expected = [int(p) for p in range(1, n) if comparable[precedence.order[p]]]
        assert precedence.waists[1:].tolist() == expected and precedence.waists[0] == 0


def test_enumeration_lists_every_closed_set_once():
    for seed in range(100):
        precedence = form_of(seed).precedence
        sets = closed_sets(precedence, 10**6)
        assert len({s.tobytes() for s in sets}) == len(sets)
        parent, child = precedence.requires.T
        assert not (sets[:, child] & ~sets[:, parent]).any() and sets[:, precedence.held].all()
        counted = 0
        for bits in range(2**precedence.vertices):
            chosen = np.array([bits >> v & 1 for v in range(precedence.vertices)], dtype=bool)
            counted += chosen[precedence.held].all() and not (chosen[child] & ~chosen[parent]).any()
        assert counted == len(sets)
    assert closed_sets(form_of(0, least=10).precedence, 20) is None


def test_batches_give_what_single_instances_give():
    for seed in range(80):
        form = batch_of(seed)
        together = solve_form(form, "block_wise")
        assert together.termination is Termination.OPTIMAL
        one_by_one = [solve_form(form.instance(i), "closed_sets").objective for i in range(4)]
        np.testing.assert_allclose(form.objectives(together.value), one_by_one, rtol=1e-12)
        np.testing.assert_allclose(form.objectives(solve_form(form, "closed_sets").value), one_by_one, rtol=1e-12)
        assert together.objective == pytest.approx(max(one_by_one))


def test_blocks_too_large_for_a_table_are_cut(monkeypatch):
    monkeypatch.setattr(interiors_module, "MOST_CELLS", 1)
    entered = 0
    for seed in range(60):
        form = batch_of(seed, least=7)
        assert all(block.sets is None for block in interiors(form.precedence))
        solution = solve_form(form, "block_wise")
        reference = solve_form(form, "closed_sets")
        np.testing.assert_allclose(form.objectives(solution.value), form.objectives(reference.value), rtol=1e-9)
        entered += solution.iterations
    assert entered > 30


def test_least_size_of_a_block_is_the_same_by_table_and_by_cuts(monkeypatch):
    for seed in range(60):
        tabulated = interiors(form_of(seed).precedence)
        with monkeypatch.context() as patched:
            patched.setattr(interiors_module, "MOST_CELLS", 1)
            same = small_split(seed, local_steps=9).replace(output_bits=small_split(seed).output_bits * 2)
            cut = interiors(same.formulate(ClosedSet).form.precedence)
        assert [2 * b.least_size for b in tabulated] == pytest.approx([b.least_size for b in cut], rel=1e-9)


def chain(length: int = 6, instances: int | None = None, **budget) -> ClosedSet:
    """Return a linear order in which some outputs skip vertices."""
    rng = np.random.default_rng(length)
    edges = [(v, v + 1) for v in range(length - 1)] + [(0, 3), (1, 4)]
    shape = (length,) if instances is None else (instances, length)
    costs = (rng.lognormal(0, 1, shape) for _ in range(3))
    return ClosedSet(Precedence(length, np.array(edges), np.array([0]), np.ones(length)), *costs, **budget)


def test_chains_are_scanned_with_skips_batches_and_budgets():
    for length in range(5, 12):
        form = chain(length, 5)
        scanned = form.objectives(solve_form(form, "chain").value)
        np.testing.assert_allclose(scanned, form.objectives(solve_form(form, "closed_sets").value), rtol=1e-12)
        limited = replace(form, use=np.arange(1.0, length + 1), budget=8.0)
        kept = solve_form(limited, "chain").value
        assert (limited.spent(kept) <= 8).all()
        np.testing.assert_allclose(
            form.objectives(kept), form.objectives(solve_form(limited, "closed_sets").value), rtol=1e-12
        )
    nothing = chain(6, use=np.full(6, 2.0), budget=1.0)
    for solver in ("chain", "closed_sets", "budgeted_cut"):
        assert solve_form(nothing, solver).termination is Termination.INFEASIBLE


def test_solvers_say_what_they_cannot_take():
    branching, limited = (
        form_of(0, least=8),
        replace(form_of(1), use=np.ones(form_of(1).precedence.vertices), budget=3.0),
    )
    with pytest.raises(SolverUnavailable, match=r"cannot take this ClosedSet: \d+ of \d+ vertices lie on branches"):
        solve_form(branching, "chain")
    with pytest.raises(SolverUnavailable, match="its budget makes a block worth entering"):
        solve_form(limited, "block_wise")
    with pytest.raises(SolverUnavailable, match="it is a batch: solve its instances one by one"):
        solve_form(batch_of(0), "budgeted_cut")
    star = ClosedSet(
        Precedence(40, np.array([(0, v) for v in range(1, 40)]), np.array([0]), np.ones(40)),
        np.ones(40),
        np.ones(40),
        np.ones(40),
    )
    with pytest.raises(SolverUnavailable, match="its closed sets are too many: more than 50000"):
        solve_form(star, "closed_sets")
    assert [s.name for s in solvers_for(chain())][:2] == ["chain", "block_wise"]
    assert solvers_for(limited)[0].name == "budgeted_cut"


@pytest.mark.parametrize("name", ["block_wise", "budgeted_cut", "closed_sets"])
def test_solvers_conform_on_branching_graphs(name):
    check_solver(solvers()[name], [form_of(seed) for seed in range(12)])


def test_budgeted_cuts_conform_and_price_the_budget():
    forms = []
    for seed in range(12):
        form = form_of(seed, least=7)
        use = np.random.default_rng(seed).uniform(1, 5, form.precedence.vertices)
        use[form.precedence.held] = 0.0
        forms.append(replace(form, use=use, budget=float(0.3 * use.sum())))
    check_solver(solvers()["budgeted_cut"], forms)
    worth = [solve_form(form, "budgeted_cut").multipliers["budget"] for form in forms]
    assert min(worth) >= 0 < max(worth)


def test_many_independent_branches_are_a_knapsack():
    """Worst for prices: all that is left is which items fill the budget; brute force over all."""
    rng = np.random.default_rng(5)
    n = 12
    use = np.append(0.0, rng.uniform(1, 10, n))
    gain = use * np.append(0.0, rng.uniform(0.8, 1.2, n))
    precedence = Precedence(n + 1, np.array([(0, v) for v in range(1, n + 1)]), np.array([0]), np.ones(n + 1))
    form = ClosedSet(precedence, np.zeros(n + 1), gain, np.zeros(n + 1), use=use, budget=float(0.5 * use.sum()))
    solution = solve_form(form, "budgeted_cut")
    assert solution.termination is Termination.OPTIMAL
    assert solution.objective == pytest.approx(solve_form(form, "closed_sets").objective, rel=1e-9)


PAIR = Precedence(2, np.array([[0, 1]]), np.array([0]), np.ones(2))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Precedence(2, np.array([[0, 5]]), np.array([0]), np.ones(2)),
            "Precedence.edges must name vertices 0 to 1",
        ),
        (
            lambda: Precedence(2, np.array([[0, 1], [1, 0]]), np.array([0]), np.ones(2)),
            "Precedence.edges make a cycle: ",
        ),
        (lambda: Precedence(2, np.array([[0, 1]]), np.array([1]), np.ones(2)), "Precedence.held needs vertex 0 too"),
        (lambda: ClosedSet(PAIR, np.ones(3), np.ones(3), np.ones(3)), "ClosedSet.inside has shape [3], needs [..., 2]"),
        (lambda: ClosedSet(PAIR, np.ones(2), np.ones(2), -np.ones(2)), "ClosedSet.toll[0] = -1 must be finite and"),
        (lambda: ClosedSet(PAIR, np.array([1, np.nan]), np.ones(2), np.ones(2)), "ClosedSet.inside[1] = nan must be"),
        (lambda: ClosedSet(PAIR, *np.ones((3, 2)), budget=1.0), "ClosedSet.use and .budget go together"),
        (
            lambda: ClosedSet(PAIR, *np.ones((3, 2)), use=-np.ones(2), budget=1.0),
            "ClosedSet.use must be 2 finite numbers",
        ),
        (lambda: ClosedSet(PAIR, *np.ones((3, 4, 2))).network(), "a batch of shape [4] has no one network"),
        (lambda: ClosedSet(PAIR, *np.ones((3, 4, 2))).program(), "a batch of shape [4] has no one program"),
    ],
)
def test_bad_forms_are_named(build, message):
    with pytest.raises(InputError) as caught:
        build()
    assert message in str(caught.value)


def test_judging_knows_what_is_no_closed_set():
    form = replace(form_of(0), use=np.ones(form_of(0).precedence.vertices), budget=2.0)
    n = form.precedence.vertices
    nothing, everything = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    assert form.judge(nothing) == form.judge(everything) == form.judge(np.ones(n)) == form.judge(None) == np.inf
    assert np.isfinite(form.judge(np.arange(n) == 0))
    cut = form.side(np.arange(n) == 0)
    assert form.network().judge(cut) == pytest.approx(form.judge(np.arange(n) == 0), rel=1e-12)
