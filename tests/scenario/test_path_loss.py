import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.scenario.path_loss import MODELS, mean_gain, path_loss_db, rayleigh
from rasolve.scenario.units import from_db, from_dbm, quantity, to_db


def test_macro_at_one_kilometre_and_two_hundred_metres():
    assert path_loss_db("macro", np.asarray([1000.0, 200.0])) == pytest.approx([128.1, 128.1 + 37.6 * np.log10(0.2)])


def test_log_distance_exponents():
    ten = {name: float(path_loss_db(name, np.asarray(10.0))) for name in ("good", "normal", "poor")}
    assert ten == {"good": 60.0, "normal": 80.0, "poor": 100.0}


def test_umi_line_of_sight_by_hand():
    slant = np.hypot(100.0, 8.5)
    assert path_loss_db("umi-los", np.asarray(100.0)) == pytest.approx(32.4 + 21 * np.log10(slant) + 20 * np.log10(3.5))


@pytest.mark.parametrize("name", ["umi-los", "uma-los"])
def test_two_slopes_meet_at_the_breakpoint(name):
    heights = {"umi-los": 10, "uma-los": 25}
    at = 4 * (heights[name] - 1) * 0.5 * 3.5e9 / 299_792_458
    before, after = path_loss_db(name, np.asarray([at * (1 - 1e-9), at * (1 + 1e-9)]))
    assert before == pytest.approx(after, abs=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_loss_grows_with_distance(name):
    loss = path_loss_db(name, np.linspace(12, 3000, 400))
    assert (np.diff(loss) >= 0).all()


@pytest.mark.parametrize("name", ["umi", "uma"])
def test_no_line_of_sight_is_never_better(name):
    d = np.linspace(10, 2000, 100)
    assert (path_loss_db(name, d) >= path_loss_db(f"{name}-los", d)).all()


def test_random_parts_have_the_stated_spread_and_seed():
    d = np.full(20000, 100.0)
    gain = mean_gain(np.random.default_rng(1), d)
    assert np.std(to_db(gain)) == pytest.approx(8.0, rel=0.03)
    assert rayleigh(np.random.default_rng(2), (20000,)).mean() == pytest.approx(1.0, rel=0.03)
    assert (mean_gain(np.random.default_rng(1), d) == gain).all()


def test_unknown_model_and_bad_distance():
    with pytest.raises(InputError, match="unknown path-loss model 'macrro'; did you mean macro"):
        path_loss_db("macrro", np.ones(1))
    with pytest.raises(InputError, match="distance_m must be above 0"):
        path_loss_db("macro", np.zeros(1))


def test_units():
    assert from_dbm(30) == pytest.approx(1.0)
    assert from_db(3.0103) == pytest.approx(2.0, rel=1e-5)
    assert quantity(4.1e8, "B") == "410 MB"
    assert quantity(0.00123, "s") == "1.23 ms"
    assert quantity(0, "W") == "0 W"
