"""Fitted rounds: recovery, coverage, censoring, order, and what is refused."""

import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.surrogate_models.fitting import median_target, refit, retarget, rounds_from_runs
from rasolve.surrogate_models.rounds import Rounds
from tests.surrogate_models.made_up import SETTINGS, START, TARGET, drawn, straight

MEDIANS = {1: 30.0, 2: 22.0, 4: 15.0, 8: 12.0}


def fitted(runs, target=TARGET):
    return rounds_from_runs(runs, "tiny", SETTINGS, target)


def test_without_spread_the_rounds_are_found_exactly():
    found = fitted(drawn(np.random.default_rng(0), MEDIANS, seeds=2, between=0.0, within=0.0))
    for rank, rounds in MEDIANS.items():
        assert found(rank) == pytest.approx(rounds, rel=1e-9)
        assert found.interval(rank) == pytest.approx((rounds, rounds), rel=1e-4)


def test_the_median_over_seeds_where_nothing_is_censored():
    runs = drawn(np.random.default_rng(3), MEDIANS, seeds=4, within=0.01)
    found = fitted(runs)
    for rank in MEDIANS:
        own = [np.log(run.crossing(2, TARGET).rounds) for run in runs if run.rank == rank]
        assert np.log(found(rank)) == pytest.approx(np.mean(own), abs=1e-6)


def test_coverage_of_both_intervals():
    """Of 200 experiments with three seeds, about 90 % hold the true median, and a further run."""
    held, runs_held = [], []
    for experiment in range(200):
        rng = np.random.default_rng(experiment)
        found = fitted(drawn(rng, {1: 30.0, 4: 15.0}, seeds=3))
        further = 15.0 * np.exp(0.2 * rng.normal() + 0.1 * rng.normal())
        (low, high), (run_low, run_high) = found.interval(4), found.run_interval(4)
        held.append(low <= 15.0 <= high)
        runs_held.append(run_low <= further <= run_high)
    assert 0.84 <= np.mean(held) <= 0.98
    assert 0.84 <= np.mean(runs_held) <= 0.98


def test_censored_runs_count_and_take_bias_away():
    """With a third of the slow runs censored the median is found; dropping them or taking the limit is too low."""
    ours, dropped, limits = [], [], []
    for experiment in range(60):
        runs = drawn(np.random.default_rng(experiment), {1: 30.0, 4: 15.0}, seeds=8, most_rounds=34)
        slow = [run.crossing(2, TARGET) for run in runs if run.rank == 1]
        if sum(each.reached for each in slow) < 2:
            continue
        ours.append(np.log(fitted(runs)(1)))
        dropped.append(np.mean([np.log(each.rounds) for each in slow if each.reached]))
        limits.append(np.mean([np.log(each.rounds) for each in slow]))
    true = np.log(30.0)
    assert abs(np.mean(ours) - true) < 0.04
    assert np.mean(dropped) < true - 0.08 and np.mean(limits) < true - 0.05


def test_a_further_run_with_a_lucky_seed_moves_all_ranks_alike():
    """Ranks are compared within seeds: a seed that is fast at one rank would have been fast at the others."""
    before = fitted(drawn(np.random.default_rng(1), MEDIANS, seeds=3, between=0.3, within=0.01))
    after = refit(before, [straight(0.6 * before(8), 60, rank=8, seed=3)])
    moved = np.array([np.log(after(rank) / before(rank)) for rank in MEDIANS])
    assert (moved < -0.05).all() and np.ptp(moved) < 0.02
    assert after.evidence.seeds == 4 and len(after.evidence.runs) == 13


def test_ranks_out_of_order_are_pooled():
    runs = [straight(rounds, 40, rank, seed) for seed in (0, 1) for rank, rounds in ((1, 20), (2, 10), (4, 14.4))]
    found = fitted(runs)
    assert found(1) == pytest.approx(20) and found(2) == found(4) == pytest.approx(12)


def test_a_rank_that_never_reaches_the_target_has_no_value_but_is_kept(tmp_path):
    runs = [straight(rounds, 20, rank, seed) for seed in (0, 1) for rank, rounds in ((1, 50), (2, 15), (4, 10))]
    found = fitted(runs)
    assert list(found.table) == [2, 4] and found.evidence.unreached == {1: 18.75}
    with pytest.raises(InputError, match=r"rank = 1 did not reach loss 3 in 18\.75 rounds"):
        found(1)
    assert Rounds.load(found.save(tmp_path / "rounds.json")).evidence.unreached == found.evidence.unreached


def test_a_censored_rank_between_others_is_held_by_them():
    runs = [straight(rounds, 20, rank, seed) for seed in (0, 1) for rank, rounds in ((1, 15), (2, 50), (4, 10))]
    found = fitted(runs)
    assert found(1) == pytest.approx(found(2)) and found(2) > 15 and found(4) == pytest.approx(10, rel=1e-3)


def test_another_target_from_the_same_runs():
    found = fitted(drawn(np.random.default_rng(0), MEDIANS, seeds=3))
    half = retarget(found, (START + TARGET) / 2)
    assert half(1) == pytest.approx(found(1) / 2, rel=1e-6) and half.evidence.target == 4.0


def test_the_target_is_what_half_of_the_runs_reach():
    runs = [straight(rounds, 20, 1, seed) for seed, rounds in enumerate((10, 20, 40))]
    target = median_target(runs, 2)
    reached = [run.crossing(2, target).reached for run in runs]
    assert reached == [True, True, False] and runs[1].curve(2).confirms(target)


@pytest.mark.parametrize(
    ("runs", "target", "message"),
    [
        ([straight(10, 20)], TARGET, "rank 1 has runs of 1 seed: at least 2 are needed"),
        ([straight(10, 12, seed=s) for s in (0, 1)], 1.0, "target = 1: no run reached it; train longer"),
        ([straight(10, 20, seed=s) for s in (0, 1)], 5.5, "target = 5.5: 2 of 2 runs start below it"),
    ],
)
def test_what_cannot_be_fitted(runs, target, message):
    with pytest.raises(InputError, match=message):
        fitted(runs, target)


def test_only_fitted_rounds_can_be_fitted_again():
    given = Rounds(table={1: 10.0}, model="tiny")
    with pytest.raises(InputError, match="given rounds for tiny cannot be refitted: they hold no runs"):
        refit(given, [])
    with pytest.raises(InputError, match="cannot be read at another target"):
        retarget(given, 3.0)
