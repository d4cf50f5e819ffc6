from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from rasolve.errors import InputError
from rasolve.forms import SmoothProgram, check_derivatives
from rasolve.forms.differences import jacobian_by_differences


def program(**fields) -> SmoothProgram:
    """Return min x0² + x1 with one inequality and one equality, every derivative given."""
    data = {
        "objective": lambda x: x[0] ** 2 + x[1],
        "start": [1.0, 2.0],
        "gradient": lambda x: np.array([2 * x[0], 1.0]),
        "inequalities": lambda x: np.array([x[0] * x[1] - 3]),
        "inequality_jacobian": lambda x: np.array([[x[1], x[0]]]),
        "equalities": lambda x: np.array([x[0] - np.sin(x[1])]),
        "equality_jacobian": lambda x: csr_array([[1.0, -np.cos(x[1])]]),
        "hessian": lambda x, s, g, h: np.array([[2 * s, g[0]], [g[0], h[0] * np.sin(x[1])]]),
    }
    return SmoothProgram(**{**data, **fields})


def test_says_which_derivatives_are_given():
    assert program().derivatives == {
        "gradient": "given",
        "inequality_jacobian": "given",
        "equality_jacobian": "given",
        "hessian": "given",
    }
    bare = SmoothProgram(lambda x: x[0], [0.0], equalities=lambda x: x)
    assert bare.derivatives == {"gradient": "differences", "equality_jacobian": "differences", "hessian": "none"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"objective": 3}, "SmoothProgram.objective must be a function"),
        ({"hessian": "yes"}, "SmoothProgram.hessian must be a function"),
        ({"equalities": None}, "SmoothProgram.equality_jacobian is given without SmoothProgram.equalities"),
        ({"start": [[1.0, 2.0]]}, "SmoothProgram.start must be one row of finite numbers"),
        ({"start": [1.0, np.inf]}, "SmoothProgram.start must be one row of finite numbers"),
        ({"lower": [0.0, 0.0, 0.0]}, "SmoothProgram.lower has shape [3], needs [2]"),
        ({"lower": [0.0, 3.0], "upper": 2.0}, "SmoothProgram: no x[1] from lower = 3 to upper = 2"),
        ({"lower": np.nan}, "SmoothProgram: no x[0] from lower = nan to upper = inf"),
        ({"tolerance": 0.0}, "SmoothProgram.tolerance = 0.0: must be above 0"),
        ({"inequality_names": ("a", "b")}, "SmoothProgram.inequality_names holds 2 names, needs 1"),
        ({"inequality_names": "a"}, "SmoothProgram.inequality_names must be a list of words"),
        ({"equality_names": (1,)}, "SmoothProgram.equality_names must be a list of words"),
        ({"convex": "yes"}, "SmoothProgram.convex = 'yes': must be True or False"),
        ({"gradient": lambda _: [[1.0], [1.0, 2.0]]}, "SmoothProgram.gradient must return numbers"),
        ({"objective": lambda x: x}, "SmoothProgram.objective must return one number"),
        ({"objective": lambda _: "low"}, "SmoothProgram.objective must return one number"),
        ({"inequalities": lambda x: [[x]]}, "SmoothProgram.inequalities must return one row of numbers"),
        ({"inequalities": lambda _: [1 / 0]}, "SmoothProgram.inequalities cannot be computed at the start: division"),
        ({"gradient": lambda _: np.ones(3)}, "SmoothProgram.gradient has shape [3], needs [2]"),
        ({"gradient": lambda _: ["a", "b"]}, "SmoothProgram.gradient must return numbers"),
        ({"inequality_jacobian": lambda _: np.ones((2, 1))}, "SmoothProgram.inequality_jacobian has shape [2, 1], n"),
        ({"hessian": lambda *_: np.eye(3)}, "SmoothProgram.hessian has shape [3, 3], needs [2, 2]"),
        ({"hessian": lambda *_: [1 / 0]}, "SmoothProgram.hessian fails where the functions are defined: division"),
    ],
)  # fmt: skip
def test_rejects_what_does_not_fit(fields, message):
    with pytest.raises(InputError) as caught:
        program(**fields)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_judges_by_objective_tolerance_and_bounds():
    form = program(equalities=None, equality_jacobian=None, hessian=None, lower=[0.0, -np.inf], tolerance=1e-3)
    assert form.judge([1.0, 2.0]) == 3.0
    assert form.judge([1.0, 3.0005]) == pytest.approx(4.0005) and form.judge([1.0, 3.002]) == np.inf
    assert form.judge([-1e-3, 0.0]) == np.inf, "bounds are kept, whatever the tolerance"
    assert form.judge([1.0]) == np.inf and form.judge([np.nan, 0.0]) == np.inf


def test_names_the_violated_worst_first():
    form = program(inequality_names=("power of client 2",))
    assert form.violated(np.array([2.0, 3.0])) == (
        "inequality 0 ('power of client 2') is off by 3",
        "equality 0 is off by 1.86",
    )
    assert form.violated(np.zeros(2)) == ()


def test_undefined_is_nan_whatever_the_way():
    for undefined in (lambda _: np.nan, lambda _: 1 / 0, lambda _: np.log(np.float64(-1)), lambda _: 10.0**400):
        form = SmoothProgram(lambda x, u=undefined: u(x) if x[0] > 1 else x[0], [0.0])
        assert not form.values(np.array([2.0])).defined and form.judge([2.0]) == np.inf
    with pytest.raises(ValueError, match="read-only"):
        SmoothProgram(lambda x: x.sort(), [0.0, 1.0])


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2))
def test_differences_are_the_derivatives(x):
    form = program(gradient=None, inequality_jacobian=None, equality_jacobian=None, hessian=None)
    exact, differences = program().slopes(np.array(x)), form.slopes(np.array(x))
    assert differences.gradient == pytest.approx(exact.gradient, abs=1e-8)
    assert differences.inequality_jacobian == pytest.approx(exact.inequality_jacobian, abs=1e-8)
    assert differences.equality_jacobian == pytest.approx(exact.equality_jacobian.toarray(), abs=1e-8)


def test_differences_stay_within_bounds_and_where_functions_are_defined():
    asked = []

    def curve(x):
        asked.append(x[0])
        return np.where(x < 0, np.nan, x + x**2)

    def slope(x, low, high):
        return jacobian_by_differences(curve, np.array([x]), np.array([low]), np.array([high]))[0, 0]

    assert slope(1.0, 1.0, 2.0) == pytest.approx(3.0, abs=1e-8) and min(asked) == 1.0
    assert slope(1.0, 0.0, 1.0) == pytest.approx(3.0, abs=1e-8)
    assert slope(1.0, 1.0 - 1e-7, 1.0 + 1e-7) == pytest.approx(3.0, abs=1e-6), "less room than a step"
    assert slope(1.0, 1.0, 1.0) == 0.0, "no room at all"
    assert slope(1e-7, -1.0, 1.0) == pytest.approx(1.0, abs=1e-6), "undefined below: three points above"
    assert np.isnan(slope(-0.5, -1.0, 1.0))


def test_the_derivative_check_finds_nothing_wrong_with_right_ones():
    assert check_derivatives(program()) == ()
    assert check_derivatives(program(lower=[1.0, 2.0], upper=[1.0, 2.0 + 1e-3])) == (), "a fixed and a narrow variable"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"gradient": lambda x: np.array([2 * x[0], 1.2])},
            "gradient by variable 1: given 1.2, differences say 1",
        ),
        (
            {"inequality_jacobian": lambda x: np.array([[x[1], 0.0]])},
            "jacobian of inequality 0 ('power of client 2') by variable 1: given 0, differences say 1.00027",
        ),
        (
            {"equality_jacobian": lambda x: csr_array([[-1.0, -np.cos(x[1])]])},
            "jacobian of equality 0 by variable 0: given -1, differences say 1",
        ),
        (
            {"hessian": lambda x, s, g, h: np.array([[3 * s, g[0]], [g[0], h[0] * np.sin(x[1])]])},
            "hessian of the Lagrangian, entry [0, 0]: given 3, differences say 2",
        ),
    ],
)
def test_the_derivative_check_names_the_wrong_component(fields, complaint):
    (found,) = check_derivatives(program(inequality_names=("power of client 2",), **fields))
    assert found == complaint


def test_the_derivative_check_needs_a_point_where_functions_are_defined():
    form = SmoothProgram(lambda x: np.log(x[0]), [1.0], gradient=lambda x: 1 / x)
    with pytest.raises(InputError, match="check_derivatives: the functions are undefined there; give another x"):
        check_derivatives(form, np.array([-1.0]))
    with pytest.raises(InputError, match="check_derivatives: x: 1 finite numbers are needed"):
        check_derivatives(form, np.array([1.0, 2.0]))
    assert check_derivatives(replace(form, gradient=lambda x: 2 / x), np.array([2.0])) == (
        "gradient by variable 0: given 0.999726, differences say 0.499863",
    )
