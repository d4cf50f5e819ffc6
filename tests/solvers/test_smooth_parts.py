"""The parts of the smooth solvers, each against an independent reference."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, diags_array

from rasolve.forms import SmoothProgram
from rasolve.solvers.smooth.bounds import lagrangian_bound, proves_infeasible
from rasolve.solvers.smooth.convex import NoCurvature, convexified
from rasolve.solvers.smooth.curvature import MEMORY, Bfgs, Curvature, LimitedBfgs, plain
from rasolve.solvers.smooth.elastic_qp import ElasticQp
from rasolve.solvers.smooth.kkt import elimination_order, factorised
from rasolve.solvers.smooth.merit import bound_pulls, lagrangian_slope, optimality_error
from rasolve.solvers.smooth.penalties import lowered
from rasolve.solvers.smooth.scaling import reweighed, view_of
from rasolve.solvers.smooth.subproblem import solve_qp
from rasolve.solvers.smooth.view import View


def random_qp(seed: int, soft: float = 0.0) -> ElasticQp:
    """Return a small subproblem: singular curvature, dependent rows, walls at 0, penalties of all sizes."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 9)), int(rng.integers(0, 8))
    root = rng.normal(size=(n, rng.integers(0, n + 1)))
    rows = rng.normal(size=(m, n))
    if m > 2 and rng.random() < 0.5:
        rows[-1] = 2 * rows[-2]
    low, high = -rng.uniform(0, 1, n) * 10 ** rng.uniform(-2, 2), rng.uniform(0.1, 1, n) * 10 ** rng.uniform(-2, 2)
    low[rng.random(n) < 0.3] = 0.0
    penalty = np.full(m, 1e9) if soft else 10 ** rng.uniform(-1, 4, m)
    inequalities = int(rng.integers(0, m + 1))
    return ElasticQp(
        plain(root @ root.T), rng.normal(size=n), rows, rng.normal(size=m), inequalities, low, high, penalty, soft
    )


def by_cvxpy(qp: ElasticQp) -> float:
    d = cp.Variable(len(qp.gradient))
    value = 0.5 * cp.quad_form(d, cp.psd_wrap(qp.curvature.matrix)) + qp.gradient @ d
    if len(qp.constants):
        r, p = qp.rows @ d + qp.constants, qp.inequalities
        parts = [cp.pos(r[:p])] * bool(p) + [r[p:]] * (p < len(qp.constants))
        of = [qp.penalty[:p]] * bool(p) + [qp.penalty[p:]] * (p < len(qp.constants))
        for part, penalty in zip(parts, of, strict=True):
            value += cp.sum_squares(part) / (2 * qp.soft) if qp.soft else penalty @ cp.abs(part)
    return float(cp.Problem(cp.Minimize(value), [d >= qp.low, d <= qp.high]).solve(solver=cp.CLARABEL))


@pytest.mark.parametrize("soft", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(25))
def test_subproblems_have_the_optimum_that_cvxpy_finds(seed, soft):
    qp = random_qp(seed, soft)
    answer = solve_qp(qp, np.zeros(len(qp.constants)), None)
    assert (answer.step >= qp.low).all() and (answer.step <= qp.high).all()
    missed = qp.violations(answer.step)
    penalised = (missed @ missed) / (2 * soft) if soft else qp.penalty @ missed
    value = qp.gradient @ answer.step + 0.5 * answer.step @ qp.curvature.times(answer.step) + penalised
    assert value == pytest.approx(by_cvxpy(qp), rel=1e-6, abs=1e-6)
    assert qp.error(answer) <= 1e-9 * (1 + np.abs(qp.gradient).max())


def test_a_subproblem_is_exact_where_multipliers_vanish_on_active_rows():
    """min ½(d - 1)² with d <= 1: active with multiplier 0, which an interior point alone only approaches."""
    qp = ElasticQp(
        plain(np.eye(1)), -np.ones(1), np.eye(1), -np.ones(1), 1, np.full(1, -9.0), np.full(1, 9.0), np.ones(1)
    )
    answer = solve_qp(qp, np.zeros(1), None)
    assert answer.step[0] == pytest.approx(1.0, abs=1e-13) and abs(answer.multipliers[0]) < 1e-13


def sparse_system(seed: int) -> tuple[Curvature, csr_array, np.ndarray]:
    """Return H with wings, rows with one dense one, and slacks, too large to be dense."""
    rng = np.random.default_rng(seed)
    n, m = 300, 200
    rows = csr_array(np.where(rng.random((m, n)) < 0.01, rng.normal(size=(m, n)), 0.0))
    rows = csr_array(rows + csr_array((np.ones(n), (np.zeros(n, dtype=int), np.arange(n))), shape=(m, n)))
    wings = rng.normal(size=(4, n)) / 20
    curvature = Curvature(csr_array(diags_array(rng.uniform(0.5, 2.0, n))), wings, np.array([-1.0, 1.0, -1.0, 1.0]))
    return curvature, rows, rng.uniform(1e-8, 2.0, m)


def test_sparse_systems_are_solved_as_dense_ones():
    curvature, rows, slack = sparse_system(0)
    order = elimination_order(curvature, rows)
    assert order is not None and sorted(order) == list(range(504)) and (order[-4:] >= 500).all()
    whole = curvature.matrix.toarray() + curvature.wings.T @ np.diag(curvature.signs) @ curvature.wings
    matrix = np.block([[whole, rows.toarray().T], [rows.toarray(), -np.diag(slack)]])
    rng = np.random.default_rng(1)
    top, bottom = rng.normal(size=300), rng.normal(size=200)
    factors = factorised(curvature, np.zeros(300), rows, slack, order)
    u, v = factors.solve(top, bottom)
    assert np.concatenate([u, v]) == pytest.approx(np.linalg.solve(matrix, np.r_[top, bottom]), abs=1e-7)
    assert factors.minimises


@pytest.mark.parametrize("sparse", [False, True])
def test_the_inertia_tells_minimisers_from_saddles(sparse):
    curvature, rows, _ = sparse_system(2)
    if not sparse:
        curvature, rows = (
            Curvature(curvature.matrix[:30, :30], curvature.wings[:, :30], curvature.signs),
            rows[:20, :30],
        )
    n, m = rows.shape[1], rows.shape[0]
    order = elimination_order(curvature, rows)
    assert (order is not None) == sparse
    slack = np.full(m, 1e-6)
    for shift in (0.0, -0.7, -2.5):
        shifted = curvature.matrix.toarray() + shift * np.eye(n)
        whole = shifted + curvature.wings.T @ np.diag(curvature.signs) @ curvature.wings
        schur = whole + rows.toarray().T @ rows.toarray() / 1e-6
        expected = bool(np.linalg.eigvalsh(schur)[0] > 0)
        assert factorised(curvature, np.full(n, shift), rows, slack, order).minimises == expected


def test_singular_and_undefined_systems_are_errors():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        factorised(plain(np.zeros((2, 2))), np.zeros(2), np.zeros((1, 2)), np.ones(1), None)
    with pytest.raises(np.linalg.LinAlgError, match="nan or inf"):
        factorised(plain(np.full((2, 2), np.nan)), np.zeros(2), np.zeros((1, 2)), np.ones(1), None)


@pytest.mark.parametrize("sparse", [False, True])
def test_convexified_hessians_have_no_negative_curvature(sparse):
    rng = np.random.default_rng(3)
    n = 450 if sparse else 8
    diagonal = rng.uniform(-1, 5, n)
    matrix = csr_array(diags_array([diagonal, np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1, -1]))
    matrix = matrix if sparse else matrix.toarray()
    rows = csr_array((0, n)) if sparse else np.zeros((0, n))
    order = elimination_order(plain(matrix), rows)
    convex, changed = convexified(matrix, rows, order)
    dense = convex.toarray() if sparse else convex
    assert changed and np.linalg.eigvalsh(dense)[0] > 0
    kept, changed = convexified(convex, rows, order)
    assert not changed and abs(kept - convex).max() < 1e-6


def test_a_hessian_that_no_finite_shift_makes_convex_is_refused():
    size = 450
    matrix = csr_array(diags_array([np.full(size - 1, 1e308)] * 2, offsets=[1, -1]))
    rows = csr_array((0, size))
    with pytest.raises(NoCurvature):
        convexified(matrix, rows, elimination_order(plain(matrix), rows))


def quadratic_pairs(seed: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    hessian = root @ root.T + np.eye(size)
    return [(s, hessian @ s) for s in rng.normal(size=(count, size))]


def test_bfgs_meets_the_last_secant_and_stays_positive():
    model = Bfgs(np.eye(6))
    for step, change in quadratic_pairs(0, 6, 12):
        model = model.updated(step, change)
        assert model.curvature.times(step) == pytest.approx(change, rel=1e-9)
    bad = -quadratic_pairs(0, 6, 1)[0][0]
    damped = model.updated(-bad, bad)
    assert np.linalg.eigvalsh(damped.matrix)[0] > 0, "negative curvature is damped away"


def test_limited_bfgs_is_bfgs_while_it_remembers_all():
    pairs = quadratic_pairs(1, 5, MEMORY)
    limited = LimitedBfgs(5)
    for step, change in pairs:
        limited = limited.updated(step, change)
    last_step, last_change = pairs[-1]
    matrix = np.eye(5) * (last_change @ last_change) / (last_step @ last_change)
    for step, change in pairs:
        bent = matrix @ step
        matrix = matrix - np.outer(bent, bent) / (step @ bent) + np.outer(change, change) / (step @ change)
    for x in np.eye(5):
        assert limited.curvature.times(x) == pytest.approx(matrix @ x, rel=1e-9, abs=1e-9)
    assert limited.updated(last_step, -last_change) is limited, "a pair without curvature is left out"
    more = limited.updated(*quadratic_pairs(2, 5, 1)[0])
    assert len(more.steps) == MEMORY and more.curvature.wings.shape == (2 * MEMORY, 5)


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3)), min_size=1, max_size=6))
def test_lowered_penalties_stay_above_the_multipliers_and_never_rise(pairs):
    penalty, multipliers = np.array(pairs).T
    new = lowered(penalty, multipliers)
    assert (new <= penalty).all() and (new >= np.minimum(penalty, np.abs(multipliers))).all()


def quadratic_program(seed: int, **fields) -> SmoothProgram:
    """Return a convex quadratic with a ball, a halfspace and an affine equality in a box of width 4."""
    rng = np.random.default_rng(seed)
    root, slope, normal, row = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)
    data = {
        "objective": lambda x: 0.5 * x @ root @ root.T @ x + slope @ x,
        "start": np.zeros(3),
        "gradient": lambda x: root @ root.T @ x + slope,
        "inequalities": lambda x: np.array([x @ x - 2, normal @ x - 0.5]),
        "inequality_jacobian": lambda x: np.stack([2 * x, normal]),
        "equalities": lambda x: np.array([row @ x - 0.1]),
        "equality_jacobian": lambda _: row[None, :],
        "lower": -2.0,
        "upper": 2.0,
        "convex": True,
    }
    return SmoothProgram(**{**data, **fields})


def seen(form: SmoothProgram) -> View:
    return view_of(form, form.first, form.values(form.first), form.slopes(form.first), scaling=True)


NUMBERS = st.lists(st.floats(-2, 2), min_size=3, max_size=3)


@given(st.integers(0, 30), NUMBERS, st.lists(st.floats(0, 5), min_size=2, max_size=2), st.floats(-5, 5))
def test_multipliers_of_any_kind_bound_a_convex_program(seed, x, inequality, equality):
    form = quadratic_program(seed)
    view = seen(form)
    at, slope = view.point(np.array(x)), view.slope(np.array(x))
    bound = lagrangian_bound(view, at, slope, np.array([*inequality, equality]))
    rng = np.random.default_rng(seed)
    row, start = form.slopes(form.start).equality_jacobian[0], form.values(form.start).equalities[0]
    for y in rng.uniform(-1.4, 1.4, (20, 3)):
        y -= row * (row @ y + start) / (row @ row)
        if form.judge(y) < np.inf:
            assert bound <= form.judge(y) + 1e-9


def test_infeasibility_is_proved_only_where_it_is_certain():
    apart = quadratic_program(0, inequalities=lambda x: np.array([x @ x - 2, 3 - x[0]]),
                              inequality_jacobian=lambda x: np.stack([2 * x, [-1.0, 0.0, 0.0]]))  # fmt: skip
    view = seen(apart)
    x = np.array([1.5, 0.0, 0.0])
    at, slope = view.point(x), view.slope(x)
    weights = 1 / view.weights
    assert proves_infeasible(view, at, slope, np.array([1.0, 2 * x[0], 0.0]) * weights)
    assert not proves_infeasible(view, at, slope, np.array([1.0, 0.0, 0.0]) * weights)
    assert not proves_infeasible(view, at, slope, np.zeros(3))


def test_the_view_scales_and_scales_back():
    form = quadratic_program(1, start=np.array([1e6, 0.0, 1.0]), lower=[-1e7, 1.0, -2.0], upper=[1e7, 1.0, 2.0])
    view = seen(form)
    assert view.size == 2 and view.unit.tolist() == [2.0**20, 1.0], "a large variable in its own unit, a fixed one gone"
    x = np.array([0.3, -0.7])
    assert view.part(view.whole(x)) == pytest.approx(x) and view.whole(x)[1] == 1.0
    slopes, whole = form.slopes(view.whole(x)), view.slope(x)
    assert whole.gradient == pytest.approx(view.weight * slopes.gradient[[0, 2]] * view.unit)
    own = np.array([0.5, 2.0, -3.0])
    assert np.concatenate(view.unscaled(view.scaled_multipliers(own))) == pytest.approx(own)
    left = slopes.gradient + slopes.inequality_jacobian.T @ own[:2] + slopes.equality_jacobian.T @ own[2:]
    assert lagrangian_slope(whole, view.scaled_multipliers(own)) == pytest.approx(
        view.weight * left[[0, 2]] * view.unit
    )
    new = reweighed(view, view.point(np.zeros(2)), view.slope(np.zeros(2)))
    assert new is not None and new.view.weight > view.weight, "flatter at 0 than at the start"
    again = new.view.slope(np.zeros(2))
    assert new.slope.gradient == pytest.approx(again.gradient) and new.at.constraints == pytest.approx(
        new.view.point(np.zeros(2)).constraints
    )


def test_the_optimality_error_vanishes_at_a_kkt_point_only():
    form = SmoothProgram(
        lambda x: x[0] + x[1] ** 2, [2.0, 2.0], inequalities=lambda x: [1 - x[0] * x[1]], lower=[0.0, 1.0], upper=2.0
    )
    view, x = seen(form), np.ones(2)
    slope = view.slope(x)
    assert optimality_error(view, view.point(x), slope, np.array([1.0])) <= 1e-9
    assert bound_pulls(view, x, lagrangian_slope(slope, np.array([1.0]))) == pytest.approx([0.0, -1.0], abs=1e-9)
    assert optimality_error(view, view.point(x), slope, np.array([0.5])) >= 0.49, "not stationary"
    assert optimality_error(view, view.point(x), slope, np.array([-1.0])) >= 1.0, "a multiplier below 0"
    x = np.array([1.5, 1.0])
    assert optimality_error(view, view.point(x), view.slope(x), np.array([1.0])) >= 0.49, "not complementary"
    x = np.array([0.5, 1.0])
    assert optimality_error(view, view.point(x), view.slope(x), np.array([1.0])) >= 0.49, "infeasible"
