"""FedsLLM with selective gains or unequal widths: the default solver against exhaustion and the published one."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.forms import BoundKind, Termination
from rasolve.problems.fedsllm.choice import alternatives
from tests.brute_force import best_link


@pytest.mark.parametrize("seed", range(4))
def test_equals_exhaustion_over_pairs_and_owners(seed):
    regime = ("wideband", "midband", "narrowband")[seed % 3]
    problem = ra.FedsLLM.sample(
        seed=seed, clients=2, subchannels=4, regime=regime, selective=True, cuts=(1, 3), ranks=(2, 8)
    )
    if seed % 2:
        problem = problem.replace(main_subchannel_hz=problem.main_subchannel_hz * np.asarray([0.5, 1.0, 1.5, 1.0]))
    fed, best = None, np.inf
    for alternative in alternatives(problem):
        main, upload = alternative.form.terms
        fed = best_link(upload.form) if fed is None else fed
        best = min(best, alternative.form.constant + main.weight * best_link(main.form) + upload.weight * fed)
    result = ra.solve(problem)
    assert result.termination is Termination.OPTIMAL and result.objective == pytest.approx(best, rel=1e-8)
    assert result.check.feasible and result.bound <= best * (1 + 1e-9)


@pytest.mark.parametrize(("seed", "regime"), [(0, "wideband"), (1, "midband"), (0, "narrowband")])
def test_default_sizes_end_with_a_proof_and_beat_the_published_scheme(seed, regime):
    problem = ra.FedsLLM.sample(seed=seed, regime=regime, selective=True)
    result, published = ra.solve(problem), ra.solve(problem, "alternating")
    assert result.termination is Termination.OPTIMAL and result.bound_kind is BoundKind.PROVED and result.gap <= 1e-9
    assert published.objective > result.objective and published.bound <= result.objective
    assert ra.solve(problem).objective == result.objective
    assert result.multipliers["main_total_power_w"] >= 0 and "fed_total_power_w" in result.multipliers


def test_the_choice_is_said():
    said = str(ra.choose_solver(ra.FedsLLM.sample(seed=0, selective=True)))
    assert said.startswith("enumeration: ends by itself, with a proved gap") and "deadline_mip" in said


def test_bound_gives_the_published_scheme_the_tight_bound():
    problem = ra.FedsLLM.sample(seed=0, selective=True)
    optimum = ra.solve(problem)
    without, with_ = ra.solve(problem, "alternating"), ra.solve(problem, "alternating", bound=True)
    assert with_.objective == without.objective and without.gap > 0.3 > 0.05 > with_.gap > 0
    assert with_.bound == pytest.approx(optimum.objective, rel=1e-8)


@pytest.mark.parametrize("limit", [1e-9, 0.3])
def test_a_time_limit_leaves_a_plan_and_a_bound(limit):
    problem = ra.FedsLLM.sample(seed=0, clients=20, subchannels=60, selective=True)
    result = ra.solve(problem, time_limit=limit)
    assert result.feasible and result.bound <= result.objective
    assert result.termination in (Termination.TIME_LIMIT, Termination.OPTIMAL)


def test_a_start_is_never_made_worse():
    problem = ra.FedsLLM.sample(seed=1, selective=True)
    best = ra.solve(problem)
    assert ra.solve(problem, start=best, time_limit=1e-9).objective <= best.objective
