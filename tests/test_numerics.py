import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasolve.numerics import bracket, decreasing_root, efficiency, narrow, snr_at


def test_efficiency_solves_its_equation_over_280_orders_of_magnitude():
    with mpmath.workdps(50):
        for price in np.logspace(-30, 250, 141):
            exact = 1 + mpmath.lambertw((mpmath.mpf(float(price)) - 1) / mpmath.e)
            assert abs(float(efficiency(price)) / exact - 1) < 1e-13
    assert efficiency(0.0) == 0.0


@given(st.floats(1e-30, 1 - 1e-9))
def test_snr_reproduces_its_ratio(ratio):
    snr = float(snr_at(ratio))
    assert np.log1p(snr) / snr == pytest.approx(ratio, rel=1e-12)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6), st.floats(-5, 5), st.floats(1e-6, 1e6))
def test_root_of_a_sum_of_exponentials_is_bracketed_to_rounding(loads, floor, budget):
    d = np.asarray(loads)

    def residual(x):
        with np.errstate(over="ignore", divide="ignore"):
            return np.log(np.expm1(d / (x[..., None] - floor)).sum(-1) / budget)

    b = decreasing_root(residual, np.asarray([floor]), np.asarray([floor + 1.0]))
    assert residual(b.feasible)[0] <= 0 < residual(b.infeasible)[0]
    assert np.log(b.feasible - floor) - np.log(b.infeasible - floor) < 1e-10
    assert b.closed.all()


def test_batch_equals_each_alone_in_a_dozen_evaluations():
    rng = np.random.default_rng(0)
    d, floor = rng.uniform(0.1, 50, (40, 4)), rng.uniform(0, 5, 40)
    calls = 0

    def residual_of(loads, start):
        def residual(x):
            nonlocal calls
            calls += 1
            with np.errstate(over="ignore", divide="ignore"):
                return np.log(np.expm1(loads / np.maximum(x[..., None] - start[..., None], 1e-300)).sum(-1) / 3)

        return residual

    together = decreasing_root(residual_of(d, floor), floor, floor + 1)
    assert calls <= 40, "bisection alone would need about 50 evaluations after bracketing"
    for i in range(40):
        alone = decreasing_root(residual_of(d[i : i + 1], floor[i : i + 1]), floor[i : i + 1], floor[i : i + 1] + 1)
        assert alone.feasible[0] == pytest.approx(together.feasible[i], rel=1e-13)


def test_function_that_never_turns_gives_the_end_of_the_range():
    always, never = bracket(lambda x: -np.ones_like(x), 2.0, 3.0), bracket(lambda x: np.ones_like(x), 2.0, 3.0)
    assert always.feasible == 2.0 and always.closed
    assert never.feasible == np.inf and never.closed


def test_narrow_leaves_a_closed_bracket_as_it_is():
    b = decreasing_root(lambda x: 1 - x, np.zeros(1), np.ones(1) * 7)
    again = narrow(b, lambda x: 1 - x)
    assert again.low == b.low and again.high == b.high
