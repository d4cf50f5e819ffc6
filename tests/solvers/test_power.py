from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from rasolve.forms import OfdmaLink
from rasolve.forms.power import owned
from rasolve.solvers import solve_form
from tests.instances import link


def moderate_link(seed: int) -> OfdmaLink:
    """Return a selective link on which the total power decides, conditioned well enough for a general cone solver."""
    rng = np.random.default_rng(seed)
    return OfdmaLink(
        offset_s=rng.uniform(0, 0.5, 3),
        payload_bits=rng.uniform(1e6, 3e6, 3),
        gain=10 ** -rng.uniform(10, 11, (3, 1)) * rng.exponential(1.0, (3, 8)),
        width_hz=rng.uniform(1e5, 3e5, 8),
        noise_w_per_hz=4e-21,
        client_power_w=np.full(3, 9.0),
        total_power_w=1e-3,
    )


def least_power_by_cvxpy(form, owner, deadline):
    """Return the least total power over total_power_w for a deadline, in the rate variables of the published step."""
    snr = form.gain[owner, np.arange(form.subchannels)] / form.noise_w_per_hz
    cost = np.log(form.width_hz / snr / form.total_power_w)
    theta = cp.Variable(form.subchannels, nonneg=True)
    rates = []
    for k in range(form.clients):
        share = np.where(owner == k, form.width_hz, 0.0) / form.width_hz[owner == k].sum()
        nats = form.payload_bits[k] * np.log(2) / (deadline - form.offset_s[k]) / form.width_hz[owner == k].sum()
        rates.append(share @ theta >= nats)
    problem = cp.Problem(cp.Minimize(cp.sum(cp.exp(theta + cost)) - np.exp(cost).sum()), rates)
    return problem.solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("seed", range(12))
def test_water_filling_needs_the_power_that_cvxpy_finds(seed):
    form = moderate_link(seed)
    owner = np.random.default_rng(seed).permutation(np.arange(8) % 3)
    step = owned(form, owner)
    solution = solve_form(step.shares, "deadline")
    assert least_power_by_cvxpy(form, owner, solution.objective) == pytest.approx(1.0, rel=1e-6)
    spectrum = step.spectrum(solution.objective)
    assert form.objective(spectrum) == pytest.approx(solution.objective, rel=1e-11)
    assert form.powers(spectrum).sum() == pytest.approx(form.total_power_w, rel=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_caps_alone_give_each_client_its_own_time(seed):
    form = link(seed, 3, 8, selective=True, tight="caps")
    step = owned(form, np.arange(8) % 3)
    solution = solve_form(step.shares, "deadline")
    powers = form.powers(step.spectrum(solution.objective))
    assert (powers / form.client_power_w).max() == pytest.approx(1.0, rel=1e-10)


def test_flat_gain_needs_one_column_and_gives_the_same():
    flat = link(3, 3, 7)
    owner = np.arange(7) % 3
    spread = replace(flat, gain=flat.gain * (1 + 1e-15 * np.arange(7)))
    assert owned(flat, owner).width_hz.shape == (3, 1) and owned(spread, owner).width_hz.shape == (3, 3)
    ours, theirs = (solve_form(owned(f, owner).shares).objective for f in (flat, spread))
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_weak_subchannels_stay_dark():
    gain = np.full((2, 4), 1e-9)
    gain[:, 3] = 1e-17
    dark = OfdmaLink(np.zeros(2), np.full(2, 1e5), gain, np.full(4, 1e5), 4e-21, np.ones(2), 2.0)
    step = owned(dark, np.asarray([0, 0, 1, 1]))
    psd = step.spectrum(solve_form(step.shares).objective).psd_w_per_hz
    assert psd[3] == 0 and (psd[:3] > 0).all()


def test_multiplier_is_the_worth_of_a_watt():
    form = link(2, 3, 6, tight="total")
    step = owned(form, np.arange(6) % 3)
    solution = solve_form(step.shares)
    more = replace(form, total_power_w=form.total_power_w * (1 + 1e-6))
    gained = solution.objective - solve_form(owned(more, step.owner).shares).objective
    assert gained == pytest.approx(float(solution.multipliers["budget"]) * form.total_power_w * 1e-6, rel=1e-3)


@pytest.mark.parametrize("gain", [1e-18, 1e-22, 1e-24])
def test_nothing_cancels_at_low_snr(gain):
    """Far below the noise a rate is linear in power, so the deadline is known in closed form."""
    form = replace(link(0, 2, 4), gain=np.full((2, 4), gain), offset_s=np.zeros(2), client_power_w=np.full(2, 1e-6))
    form = replace(form, total_power_w=2e-6)
    solution = solve_form(owned(form, np.asarray([0, 0, 1, 1])).shares)
    linear = (form.payload_bits * np.log(2) * form.noise_w_per_hz / (gain * 1e-6)).max()
    snr = gain * 1e-6 / (form.noise_w_per_hz * 2 * form.width_hz[0])
    assert solution.objective == pytest.approx(linear, rel=max(snr, 1e-12))
