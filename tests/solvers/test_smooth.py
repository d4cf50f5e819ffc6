"""`sqp` and `augmented_lagrangian` on published problems and on degenerate ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from benchmarks.hock_schittkowski import EXAMPLES, Example
from benchmarks.kkt import kkt_residual
from benchmarks.smooth_forms import epigraph, sampled_band
from rasolve.errors import InputError
from rasolve.forms import BoundKind, SmoothProgram, Termination, check_derivatives
from rasolve.solvers import Limits, solver_named, solvers_for

SOLVERS = ("sqp", "augmented_lagrangian")
BY_NUMBER = {example.number: example for example in EXAMPLES}
REGULAR = [example for example in EXAMPLES if example.number != 13]
"""All but problem 13, where no multipliers exist."""


def test_the_collection_is_large_and_its_derivatives_are_right():
    assert len(EXAMPLES) >= 40 and len({example.number for example in EXAMPLES}) == len(EXAMPLES)
    for example in EXAMPLES[::7]:
        assert check_derivatives(example.form()) == ()


@pytest.mark.parametrize("second", [True, False], ids=["exact", "quasi-Newton"])
def test_sqp_solves_every_published_problem_with_a_kkt_point(second):
    failed = {}
    for example in REGULAR:
        solution = ra.solve(example.form(second), "sqp", max_iterations=100)
        good = solution.termination is Termination.CONVERGED and example.solved_by(solution.objective)
        if not good or not kkt_residual(example.form(second), solution.value, solution.multipliers) <= 1e-6:
            failed[example.number] = (solution.termination.value, solution.objective, example.optimum)
    assert failed == {}


def test_the_published_optima_are_those_of_independent_methods():
    """The method of multipliers shares no step rule with sqp; each optimum is attained by it and never undercut."""
    for example in REGULAR:
        solution = ra.solve(example.form(), "augmented_lagrangian", max_iterations=100)
        assert solution.termination is Termination.CONVERGED and example.solved_by(solution.objective), example.number
        assert kkt_residual(example.form(), solution.value, solution.multipliers) <= 1e-6, example.number
        assert solution.objective >= example.optimum - 1e-6 * max(1.0, abs(example.optimum)), example.number


def test_no_rival_solves_more():
    def solved_by(solver, **options) -> set[int]:
        found = {e: ra.solve(e.form(False), solver, **options).objective for e in EXAMPLES}
        return {e.number for e, objective in found.items() if e.solved_by(objective)}

    assert solved_by("scipy") <= {example.number for example in REGULAR}
    unsolved = ra.solve(BY_NUMBER[13].form(), "scipy", method="trust_constr", iterations=300)
    assert not BY_NUMBER[13].solved_by(unsolved.objective)


@pytest.mark.parametrize("name", SOLVERS)
def test_derivatives_by_differences_do(name):
    for number in (5, 12, 14, 43, 65, 71, 77, 100):
        form = BY_NUMBER[number].form(second=False)
        bare = replace(form, gradient=None, inequality_jacobian=None, equality_jacobian=None)
        solution = ra.solve(bare, name, max_iterations=200)
        assert BY_NUMBER[number].solved_by(solution.objective), number


# Conventions


def test_multipliers_are_minus_the_worth_of_moving_a_limit():
    def form(cap=1.0, line=0.2, low=0.3, high=0.6):
        return SmoothProgram(
            lambda x: (x[0] - 2) ** 2 + (x[1] - 3) ** 2 + (x[2] + 1) ** 2 + (x[3] - 4) ** 2,
            np.zeros(4),
            inequalities=lambda x: [x[0] ** 2 + x[1] ** 2 - cap],
            equalities=lambda x: [x[0] - x[1] - line],
            lower=[-9, -9, low, -9],
            upper=[9, 9, 9, high],
        )

    solution = ra.solve(form(), "sqp")
    m, step = solution.multipliers, 1e-4
    changes = {
        "cap": -m["inequalities"][0],
        "line": -m["equalities"][0],
        "low": m["lower"][2],
        "high": -m["upper"][3],
    }
    at = {"cap": 1.0, "line": 0.2, "low": 0.3, "high": 0.6}
    for field, worth in changes.items():
        up = ra.solve(form(**{field: at[field] + step}), "sqp").objective
        down = ra.solve(form(**{field: at[field] - step}), "sqp").objective
        assert worth == pytest.approx((up - down) / (2 * step), rel=1e-4), field
    assert (m["inequalities"] > 0).all() and m["lower"][2] > 0 and m["upper"][3] > 0
    again = ra.solve(form(), "augmented_lagrangian").multipliers
    for name, values in m.items():
        assert again[name] == pytest.approx(values, abs=1e-6), name


@pytest.mark.parametrize("name", SOLVERS)
def test_multipliers_of_fixed_variables_balance_the_slope(name):
    form = SmoothProgram(lambda x: x @ x, [1.0, 2.0], equalities=lambda x: [x[0] + x[1]], lower=[1, -9], upper=[1, 9])
    solution = ra.solve(form, name)
    assert (
        solution.value == pytest.approx([1.0, -1.0])
        and kkt_residual(form, solution.value, solution.multipliers) <= 1e-6
    )


def test_sqp_is_the_automatic_choice_and_the_design_call_works():
    form = BY_NUMBER[71].form()
    assert [solver.name for solver in solvers_for(form)] == ["sqp", "augmented_lagrangian", "scipy"]
    assert ra.solve(form).solver == "sqp"
    assert ra.solve(form, "augmented_lagrangian", penalty=10.0).objective == pytest.approx(17.0140173)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sqp", {"toleranec": 1e-6}, "unknown option of solver sqp 'toleranec'; did you mean tolerance"),
        ("sqp", {"tolerance": 0}, "sqp.tolerance = 0: must be above 0"),
        ("sqp", {"penalty": "high"}, "sqp.penalty = 'high': must be above 0"),
        ("augmented_lagrangian", {"penalty": -1.0}, "augmented_lagrangian.penalty = -1.0: must be above 0"),
        ("scipy", {"method": "slsp"}, "unknown method of solver scipy 'slsp'; did you mean slsqp"),
        ("scipy", {"iterations": 0}, "scipy.iterations = 0: must be a whole number of at least 1"),
        ("sqp", {"start": [1.0]}, "start: value has shape [1], needs [4]"),
        ("augmented_lagrangian", {"start": "here"}, "start: value must be an array of numbers"),
        ("scipy", {"start": [1.0, np.nan, 1.0, 1.0]}, "start: value must be 4 finite numbers"),
        ("sqp", {"scaling": "no"}, "sqp.scaling = 'no': must be True or False"),
        ("augmented_lagrangian", {"scaling": 1}, "augmented_lagrangian.scaling = 1: must be True or False"),
        ("scipy", {"keep_bounds": 0}, "scipy.keep_bounds = 0: must be True or False"),
        ("sqp", {"known": [1.0]}, "known: multipliers by name are needed, as a solution has them"),
        ("sqp", {"known": {"inequality": [1.0]}}, "unknown multipliers in known 'inequality'; did you mean inequalit"),
        ("sqp", {"known": {"equalities": ["a"]}}, "known['equalities']: 1 finite numbers are needed"),
        ("sqp", {"known": {"inequalities": [1.0, 2.0]}}, "known['inequalities']: 1 finite numbers are needed"),
    ],
)
def test_mistyped_options_are_rejected(name, options, message):
    with pytest.raises(InputError) as caught:
        ra.solve(BY_NUMBER[71].form(), name, **options)
    assert message in str(caught.value)


def test_a_start_where_nothing_can_be_computed_is_an_error():
    form = SmoothProgram(lambda x: x[0] + np.log(x[0]), [1.0])
    with pytest.raises(InputError, match="start: a function of the program is undefined there"):
        ra.solve(form, start=[-1.0])
    with pytest.raises(InputError, match="start: a derivative of the program is undefined there"):
        ra.solve(SmoothProgram(lambda x: np.sqrt(x[0]), [1.0], gradient=lambda x: 0.5 / np.sqrt(x)), start=[0.0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gradient": lambda x: 2 * x if x[0] == 1 else np.ones(3)}, "gradient has shape [3], needs [2]"),
        ({"inequalities": lambda x: np.full(1 if x[0] == 1 else 2, -1.0)}, "inequalities must return one number"),
        (
            {"hessian": lambda x, *_: 2 * np.eye(2) if x[0] == 1 else np.eye(3), "objective": lambda x: (x**4).sum()},
            "hessian has shape [3, 3], needs [2, 2]",
        ),
    ],
)
def test_functions_that_change_their_shape_amid_a_solve_are_named(fields, message):
    with pytest.raises(InputError) as caught:
        ra.solve(SmoothProgram(**{"objective": lambda x: x @ x, "start": [1.0, 2.0], **fields}))
    assert str(caught.value) == f"SmoothProgram.{message}"


# Starts, limits, steps


@pytest.mark.parametrize("name", SOLVERS)
def test_a_warm_start_with_multipliers_is_faster(name):
    form = BY_NUMBER[100].form()
    cold = ra.solve(form, name)
    warm = ra.solve(form, name, start=cold.value, known=cold.multipliers)
    assert warm.iterations <= 1 < cold.iterations and warm.objective <= cold.objective
    near = ra.solve(form, name, start=cold.value + 1e-3, known=cold.multipliers)
    assert near.iterations <= cold.iterations and near.objective == pytest.approx(cold.objective, rel=1e-9)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_limit_leaves_a_feasible_point(name):
    """After one step on curved equalities no iterate is feasible; the nearest feasible point is offered."""
    form = BY_NUMBER[77].form()
    stopped = ra.solve(form, name, max_iterations=1)
    assert stopped.termination is Termination.ITERATION_LIMIT and stopped.value is not None
    assert form.judge(stopped.value) == stopped.objective >= BY_NUMBER[77].optimum
    assert form.values(stopped.value).violation <= 1e-10


@pytest.mark.parametrize("name", SOLVERS)
def test_steps_by_hand_end_where_the_loop_ends(name):
    form, limits = BY_NUMBER[43].form(), Limits()
    solver = solver_named(name)
    state = solver.init(form, limits)
    errors = []
    while not solver.done(form, state, limits):
        state = solver.step(form, state, limits)
        errors.append(state.error)
    assert state.x == pytest.approx([0, 1, 2, -1], abs=1e-7) and state.objective == ra.solve(form, name).objective
    assert errors[-1] <= 1e-8 < errors[0]


def test_exact_curvature_converges_quadratically_through_negative_curvature():
    """min -x0·x1 on the unit circle: the Lagrangian's Hessian is indefinite, the reduced one is not."""
    form = SmoothProgram(
        lambda x: -x[0] * x[1],
        [0.9, 0.3],
        gradient=lambda x: np.array([-x[1], -x[0]]),
        equalities=lambda x: [x @ x - 1],
        equality_jacobian=lambda x: 2 * x[None, :],
        hessian=lambda _x, s, _g, h: np.array([[2 * h[0], -s], [-s, 2 * h[0]]]),
    )
    limits = Limits()
    solver = solver_named("sqp", {"tolerance": 1e-14})
    state, errors = solver.init(form, limits), []
    while not solver.done(form, state, limits) and len(errors) < 12:
        state = solver.step(form, state, limits)
        errors.append(float(np.abs(state.x - np.sqrt(0.5)).max()))
    last = [e for e in errors if 1e-14 < e < 1e-1]
    assert len(errors) <= 8 and len(last) >= 2
    assert all(later <= 10 * earlier**2 for earlier, later in pairwise(last))


# Degenerate programs


DEGENERATE = {
    "no constraints, one variable": (SmoothProgram(lambda x: (x[0] - 3) ** 2, [0.0], upper=2.0), 1.0),
    "empty constraints": (
        SmoothProgram(lambda x: x @ x + 1, [1.0, 2.0], inequalities=lambda _: np.zeros(0), equalities=lambda _: []), 1.0
    ),
    "a constant objective": (SmoothProgram(lambda _: 5.0, [1.0, 2.0], equalities=lambda x: [x[0] * x[1] - 3]), 5.0),
    "dependent equalities": (
        SmoothProgram(
            lambda x: x @ x,
            [1.0, 2.0, 3.0],
            equalities=lambda x: [x.sum() - 1, 2 * x.sum() - 2, x[0] - x[1], x.sum() - 1 + x[0] - x[1]],
        ),
        1 / 3,
    ),
    "one inequality five times": (
        SmoothProgram(lambda x: x @ x, [1.0, 2.0, 3.0], inequalities=lambda x: np.full(5, 1 - x.sum())), 1 / 3
    ),
    "a start where f is 1e304 times as steep as later": (
        SmoothProgram(lambda x: np.exp(x).sum() - x.sum(), [700.0, -700.0]), 2.0
    ),
    "complementarity: no interior": (
        SmoothProgram(lambda x: (x[0] - 1) ** 2 + (x[1] - 0.5) ** 2, [1.0, 1.0],
                      inequalities=lambda x: [x[0] * x[1]], lower=0.0), 0.25,
    ),
    "opposite inequalities": (
        SmoothProgram(lambda x: (x[0] - 2) ** 2 + x[1] ** 2, [5.0, -3.0],
                      inequalities=lambda x: [x @ x - 1, 1 - x @ x]), 1.0,
    ),
    "a start far outside": (
        SmoothProgram(lambda x: ((x - 1) ** 4).sum(), [1e4, -1e4], inequalities=lambda x: [x.sum() - 1]), 0.125
    ),
    "stationary violation at the start": (
        SmoothProgram(lambda x: x[0] ** 2, [0.0], equalities=lambda x: x**2 - 1), 1.0
    ),
    "undefined on one side": (SmoothProgram(lambda x: x[0] - np.log(x[0]), [1e-3]), 1.0),
    "undefined by an exception": (SmoothProgram(lambda x: 1 / float(x[0]) + x[0] if x[0] > 0 else 1 / 0, [1e-2]), 2.0),
    "undefined outside the constraint": (
        SmoothProgram(lambda x: x[0] - np.sqrt(1 - x @ x), [0.9, 0.1]), -np.sqrt(2)
    ),
    "an infinite slope at the bound": (
        SmoothProgram(lambda x: 1 + np.sqrt(x[0]) + x[1] ** 2, [1.0, 1.0], lower=0.0), 1.0
    ),
    "SI units of very different size": (
        SmoothProgram(lambda x: 1e-5 * (x[0] - 1e7) ** 2 / 1e7 + 1e-6 * x[1], [2e6, 1.0],
                      inequalities=lambda x: [2e7 - x[0] - x[1]]), 9.75,
    ),
    "all variables fixed": (SmoothProgram(lambda x: x.sum(), [1.0, 2.0], lower=[1, 2], upper=[1, 2]), 3.0),
}  # fmt: skip


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", SOLVERS)
def test_degenerate_programs_are_solved(name, case):
    form, optimum = DEGENERATE[case]
    solution = ra.solve(form, name, max_iterations=200)
    assert solution.objective == pytest.approx(optimum, rel=1e-6), solution
    assert solution.termination in (Termination.CONVERGED, Termination.OPTIMAL)


@pytest.mark.parametrize("name", SOLVERS)
def test_without_multipliers_the_optimum_is_approached_and_nothing_false_is_said(name):
    """Problem 13: at (1, 0) the constraint's gradient is parallel to a bound's, and no multipliers balance f's."""
    solution = ra.solve(BY_NUMBER[13].form(), name, max_iterations=60)
    assert solution.bound_kind is BoundKind.NONE and solution.termination is not Termination.OPTIMAL
    assert 0.99 <= solution.objective <= 4.0, "at worst the projected start, which is feasible"


INFEASIBLE = {
    "lines": (
        lambda convex: SmoothProgram(
            lambda x: x[0], [0.5], gradient=np.ones_like, inequalities=lambda x: [1 - x[0], x[0]],
            inequality_jacobian=lambda _: np.array([[-1.0], [1.0]]), lower=-5.0, upper=5.0,
            inequality_names=("at least 1", "at most 0"), convex=convex,
        ),
        "inequality 0 ('at least 1')",
    ),
    "discs": (
        lambda convex: SmoothProgram(
            lambda x: x[1], [0.0, 5.0], gradient=lambda _: np.array([0.0, 1.0]),
            inequalities=lambda x: [(x[0] - s) ** 2 + x[1] ** 2 - 1 for s in (3, -3)],
            inequality_jacobian=lambda x: np.array([[2 * (x[0] - s), 2 * x[1]] for s in (3, -3)]),
            lower=-9.0, upper=9.0, inequality_names=("right disc", "left disc"), convex=convex,
        ),
        "inequality 0 ('right disc') is off by",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", INFEASIBLE)
@pytest.mark.parametrize("name", SOLVERS)
def test_infeasibility_is_proved_where_convex_and_local_otherwise(name, case):
    make, named = INFEASIBLE[case]
    proved, local = ra.solve(make(True), name), ra.solve(make(False), name)
    assert proved.termination is Termination.INFEASIBLE and proved.bound == np.inf and proved.value is None
    assert local.termination is Termination.LOCALLY_INFEASIBLE and local.bound_kind is BoundKind.NONE
    by_differences = ra.solve(replace(make(True), inequality_jacobian=None), name)
    assert by_differences.termination is Termination.LOCALLY_INFEASIBLE, "slopes that are only near prove nothing"
    for solution in (proved, local, by_differences):
        assert any(named in reason for reason in solution.reasons) and solution.value is None


@pytest.mark.parametrize("name", SOLVERS)
def test_a_fixed_point_that_is_infeasible_is_proved_so(name):
    form = SmoothProgram(lambda x: x[0], [1.0], equalities=lambda x: x, lower=1.0, upper=1.0, equality_names=("zero",))
    solution = ra.solve(form, name)
    assert solution.termination is Termination.INFEASIBLE and solution.reasons == ("equality 0 ('zero') is off by 1",)


@pytest.mark.parametrize("name", SOLVERS)
def test_unbounded_programs_are_called_so(name):
    for form in (
        SmoothProgram(lambda x: x[0], [0.0]),
        SmoothProgram(lambda x: -(x[0] ** 2), [1.0], inequalities=lambda x: [-x[0]]),
        SmoothProgram(lambda x: x.sum(), [0.0, 0.0], equalities=lambda x: [x[0] - x[1]]),
    ):
        solution = ra.solve(form, name)
        assert solution.termination is Termination.UNBOUNDED and solution.objective < -1e9
        assert form.judge(solution.value) == solution.objective and solution.reasons


@pytest.mark.parametrize("name", SOLVERS)
def test_an_undefined_hessian_is_an_error_with_the_incumbent(name):
    form = SmoothProgram(
        lambda x: x[0] ** 4,
        [1.0],
        gradient=lambda x: 4 * x**3,
        hessian=lambda x, *_: [[12 * x[0] ** 2 if x[0] > 0.5 else np.nan]],
    )
    solution = ra.solve(form, name)
    assert solution.termination is Termination.ERROR and solution.objective <= 1.0
    assert solution.reasons == ("the Hessian is not finite where the functions and their slopes are",)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_that_cannot_go_on_says_how_far_it_is(name):
    """f's slope is wrong by design, so that nothing falls along any direction."""
    form = SmoothProgram(lambda x: x @ x, [1.0, 1.0], gradient=lambda _: -np.ones(2))
    solution = ra.solve(form, name)
    assert solution.termination is Termination.STALLED and "the optimality error is 1" in solution.reasons[0]


def random_program(seed: int) -> SmoothProgram:
    """Return a quadratic of any curvature plus e^5x, curved constraints that may depend on each other, differences."""
    rng = np.random.default_rng(seed)
    n, q = int(rng.integers(2, 7)), int(rng.integers(1, 3))
    root, slope, inequality = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=(3, n))
    equality, height = rng.normal(size=(q, n)), 10.0 ** rng.integers(-3, 4)
    inside = rng.uniform(-1, 1, n)
    lower, upper = inside - rng.uniform(0, 3, n), inside + rng.uniform(0, 3, n)
    lower[0] = upper[0] = inside[0]

    def curved(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        return rows @ (x - inside) + 0.2 * rows @ (x - inside) ** 2

    return SmoothProgram(
        lambda x: height * (x @ (root + root.T) @ x / 2 + slope @ x + np.exp(5 * x[-1])),
        rng.normal(size=n),
        inequalities=lambda x: curved(inequality, x) - 0.1,
        equalities=lambda x: np.append(curved(equality, x), curved(equality, x)[0]),
        lower=lower,
        upper=upper,
    )


@pytest.mark.parametrize("name", SOLVERS)
def test_what_has_converged_is_a_feasible_kkt_point_of_any_program(name):
    converged = 0
    for seed in range(16):
        form = random_program(seed)
        solution = ra.solve(form, name, max_iterations=200)
        if solution.termination is Termination.CONVERGED:
            converged += 1
            assert form.judge(solution.value) == pytest.approx(solution.objective, rel=1e-9), seed
            assert kkt_residual(form, solution.value, solution.multipliers) <= 1e-5, seed
        else:
            assert solution.reasons, seed
    assert converged >= 12


# Scale and structure


@pytest.mark.parametrize("name", SOLVERS)
@settings(max_examples=25)
@given(st.integers(-6, 6), st.integers(-12, 12))
def test_units_do_not_matter(name, exponent, of_objective):
    unit, worth = 10.0**exponent, 10.0**of_objective
    form = SmoothProgram(
        lambda x: worth * ((x[0] / unit - 2) ** 2 + (x[1] - 1) ** 2),
        [1.5 * unit, 2.0],
        gradient=lambda x: worth * np.array([2 * (x[0] / unit - 2) / unit, 2 * (x[1] - 1)]),
        inequalities=lambda x: [(x[0] / unit) ** 2 + x[1] ** 2 - 4],
        inequality_jacobian=lambda x: np.array([[2 * x[0] / unit**2, 2 * x[1]]]),
    )
    solution = ra.solve(form, name)
    assert solution.termination is Termination.CONVERGED
    expected = np.array([2.0, 1.0]) * 2 / np.sqrt(5)
    assert solution.value / [unit, 1.0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", SOLVERS)
def test_residuals_that_have_almost_vanished_are_not_taken_for_a_small_unit(name):
    form = SmoothProgram(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [1 + 1e-6, 1 + 1e-6])
    solution = ra.solve(form, name)
    assert solution.termination is Termination.CONVERGED and solution.objective <= 1e-14


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("second", [True, False], ids=["exact", "quasi-Newton"])
def test_a_shared_band_in_epigraph_form_is_proved_optimal(name, second):
    """More than 400 variables and rows: sparse systems, and limited memory without second derivatives."""
    band = sampled_band(250, 0)
    form = band.program()
    exact = ra.solve(band.shares())
    solution = ra.solve(form if second else replace(form, hessian=None), name, gap=1e-6)
    assert solution.objective == pytest.approx(exact.objective, rel=1e-6)
    assert solution.bound_kind is BoundKind.PROVED and solution.gap <= 1e-6
    assert solution.bound <= exact.objective * (1 + 1e-9)


def test_the_sparse_form_agrees_with_its_derivatives_and_with_shares_by_epigraph():
    band = sampled_band(4, 1)
    exact = ra.solve(band.shares())
    form = epigraph(band.shares(), start=3 * exact.objective)
    assert check_derivatives(band.program()) == () and check_derivatives(form) == ()
    for name in SOLVERS:
        solution = ra.solve(form, name)
        assert solution.objective == pytest.approx(exact.objective, rel=1e-7)
        assert solution.value[:-1] * band.total_hz == pytest.approx(exact.value.share, rel=1e-5)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_start_at_a_vanishing_optimum_is_seen_to_be_one_without_a_gradient(name):
    """There the slope by differences is their error alone, which must not be raised to the size of an objective."""
    valley = SmoothProgram(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [-1.2, 1.0])
    again = ra.solve(valley, name, start=[1.0, 1.0])
    assert again.termination is Termination.CONVERGED and again.objective == 0.0


# The references


def test_scipy_gives_the_same_answers_and_multipliers():
    example: Example = BY_NUMBER[71]
    ours = ra.solve(example.form(), "sqp")
    found = {method: ra.solve(example.form(), "scipy", method=method) for method in ("slsqp", "trust_constr")}
    for theirs in found.values():
        assert theirs.termination is Termination.CONVERGED and theirs.bound_kind is BoundKind.NONE
        assert theirs.objective == pytest.approx(ours.objective, rel=1e-6)
    for name, values in ours.multipliers.items():
        assert found["slsqp"].multipliers[name] == pytest.approx(values, abs=1e-5), name


def test_scipy_takes_no_value_that_is_undefined_nor_a_program_without_freedom_amiss():
    line = SmoothProgram(lambda x: float(x[0]), [0.0], gradient=np.ones_like)
    unbounded = ra.solve(line, "scipy")
    assert unbounded.termination is not Termination.CONVERGED and np.isfinite(unbounded.objective)
    assert np.isfinite(unbounded.value).all()
    fixed = SmoothProgram(lambda x: float(x @ x), [0.0, 0.0], lower=0.5, upper=0.5)
    assert ra.solve(fixed, "scipy").objective == 0.5


def test_scipy_keeps_what_it_found_when_it_fails_or_is_late():
    band = sampled_band(60, 0)
    late = ra.solve(band.program(), "scipy", method="trust_constr", time_limit=0.05)
    assert late.termination is Termination.TIME_LIMIT and late.value is not None
    assert late.multipliers == {}, "they would take longer than the limit"
    for method in ("slsqp", "trust_constr"):
        at_once = ra.solve(BY_NUMBER[100].form(), "scipy", method=method, time_limit=1e-9)
        assert at_once.termination is Termination.TIME_LIMIT and at_once.objective <= 714.0
    stopped = ra.solve(BY_NUMBER[117].form(), "scipy", iterations=3)
    assert stopped.termination is Termination.ITERATION_LIMIT and "Iteration limit reached" in stopped.reasons[0]
    infeasible = ra.solve(INFEASIBLE["lines"][0](False), "scipy")
    assert infeasible.value is None and infeasible.termination is Termination.STALLED
    assert any("inequality 0 ('at least 1')" in reason for reason in infeasible.reasons)
