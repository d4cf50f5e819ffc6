import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasolve.scenario import radio

N0 = radio.THERMAL_NOISE_W_PER_HZ
bandwidths, powers, gains = st.floats(1e3, 1e9), st.floats(1e-6, 1e2), st.floats(1e-18, 1e-3)


def test_rate_of_a_textbook_link():
    # SNR = 1e-3 * 1e-10 / (4e-21 * 1e6) = 25, R = 1e6 * log2(26)
    assert radio.rate(1e6, 1e-3, 1e-10, 4e-21) == pytest.approx(1e6 * np.log2(26), rel=1e-14)


def test_both_limits():
    limit = 0.5 * 1e-9 / (N0 * np.log(2))
    assert radio.rate(0.0, 0.5, 1e-9, N0) == 0
    assert radio.rate(np.inf, 0.5, 1e-9, N0) == pytest.approx(limit, rel=1e-15)
    assert radio.rate(1e30, 0.5, 1e-9, N0) == pytest.approx(limit, rel=1e-12)
    assert radio.rate(1e-280, 0.5, 1e-9, N0) < 1e-270


@given(bandwidths, powers, gains)
def test_density_form_is_the_same_rate(w, p, g):
    assert radio.density_rate(w, p / w, g, N0) == pytest.approx(radio.rate(w, p, g, N0), rel=1e-12)


@given(bandwidths, powers, gains)
def test_inverse_in_bandwidth_and_power_to_1e_12(w, p, g):
    r = float(radio.rate(w, p, g, N0))
    assert radio.rate(radio.bandwidth_for_rate(r, p, g, N0), p, g, N0) == pytest.approx(r, rel=1e-12)
    assert radio.rate(w, radio.power_for_rate(r, w, g, N0), g, N0) == pytest.approx(r, rel=1e-12)


@given(st.floats(1e-9, 1 - 1e-9), powers, gains)
def test_inverse_covers_every_reachable_rate(share, p, g):
    target = share * float(radio.rate_limit(p, g, N0))
    assert radio.rate(radio.bandwidth_for_rate(target, p, g, N0), p, g, N0) == pytest.approx(target, rel=1e-12)


def test_unreachable_rates_need_infinite_bandwidth_or_power():
    limit = radio.rate_limit(0.5, 1e-9, N0)
    assert radio.bandwidth_for_rate(limit, 0.5, 1e-9, N0) == np.inf
    assert radio.bandwidth_for_rate(2 * limit, 0.5, 1e-9, N0) == np.inf
    assert radio.bandwidth_for_rate(0.0, 0.5, 1e-9, N0) == 0
    assert radio.power_for_rate(1e12, 1e3, 1e-9, N0) == np.inf


def test_rate_is_increasing_and_concave_in_bandwidth():
    w = np.linspace(1e4, 1e7, 500)
    r = radio.rate(w, 0.1, 1e-10, N0)
    assert (np.diff(r) > 0).all() and (np.diff(r, 2) < 0).all()
