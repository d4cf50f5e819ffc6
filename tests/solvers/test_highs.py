import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.forms import MixedIntegerProgram, Termination
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.highs import lagrangian


def program(seed: int, integral: bool = True) -> MixedIntegerProgram:
    """Return a small packing program: max value under two rows, written as a minimum, three variables free or whole."""
    rng = np.random.default_rng(seed)
    n = 8
    weights = rng.uniform(1, 9, (2, n))
    return MixedIntegerProgram(
        cost=-rng.uniform(1, 10, n),
        lower=np.zeros(n),
        upper=rng.integers(1, 4, n).astype(float),
        integral=np.full(n, integral),
        starts=np.array([0, n, 2 * n]),
        columns=np.tile(np.arange(n), 2),
        values=weights.ravel(),
        row_lower=np.full(2, -np.inf),
        row_upper=0.4 * weights.sum(axis=1),
        constant=100.0,
    )


def best_by_hand(form: MixedIntegerProgram) -> float:
    grids = np.meshgrid(*(np.arange(u + 1) for u in form.upper), indexing="ij")
    x = np.stack([grid.ravel() for grid in grids], axis=1)
    rows = form.values.reshape(2, -1)
    return 100.0 + float((x @ form.cost)[((x @ rows.T) <= form.row_upper).all(axis=1)].min())


def test_whole_optima_equal_brute_force_and_the_bound_lies_below():
    for seed in range(5):
        form = program(seed)
        solution = solve_form(form)
        assert solution.solver == "highs" and solution.objective == pytest.approx(best_by_hand(form), rel=1e-9)
        assert solution.bound <= solution.objective and form.judge(solution.value) == solution.objective
        assert solution.multipliers["claimed_bound"] == pytest.approx(solution.objective, rel=1e-6)


def test_a_linear_program_is_proved_by_its_own_prices():
    for seed in range(5):
        solution = solve_form(program(seed, integral=False))
        assert solution.termination is Termination.OPTIMAL and solution.gap <= 1e-9


def test_any_prices_bound_the_program():
    form, rng = program(3, integral=False), np.random.default_rng(0)
    best = solve_form(form).objective
    for _ in range(50):
        assert lagrangian(form, rng.normal(0, 1, 2)) <= best * (1 + 1e-12)
    assert lagrangian(form, np.ones(2)) == pytest.approx(100 + np.minimum(form.cost, 0) @ form.upper, rel=1e-12)


def test_infeasible_and_starts():
    form = program(1)
    no = MixedIntegerProgram(**{**vars(form), "row_upper": np.array([-1.0, -1.0])})
    assert solve_form(no).termination is Termination.INFEASIBLE
    best = solve_form(form)
    assert solve_form(form, limits=Limits(start=best.value, deadline=0.0)).objective <= best.objective


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": np.zeros(3)}, "MixedIntegerProgram.lower has 3 entries, needs 8"),
        ({"row_upper": np.zeros(3)}, "MixedIntegerProgram.row_upper has 3 entries, needs 2"),
        ({"cost": np.full(8, np.nan)}, "MixedIntegerProgram.cost must be finite"),
        ({"starts": np.array([0, 9, 8])}, "MixedIntegerProgram.starts must rise from 0 to the number of values"),
        ({"columns": np.full(16, 8)}, "MixedIntegerProgram.columns must lie in 0 to 7"),
    ],
)
def test_bad_programs_are_named(change, message):
    with pytest.raises(InputError) as caught:
        MixedIntegerProgram(**{**vars(program(0)), **change})
    assert message in str(caught.value)
