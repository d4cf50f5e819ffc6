"""When a noisy loss reaches a target."""

import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.surrogate_models.crossing import WINDOW_ROUNDS, loss_curve
from tests.surrogate_models.made_up import TARGET, straight


def decaying(rng, local_steps, rounds, noise):
    at = np.arange(rounds * local_steps) / local_steps
    return 3 + 2 * np.exp(-at / 10) + noise * rng.normal(size=len(at))


@pytest.mark.parametrize("rounds", [3.0, 4.3, 9.9])
def test_a_straight_line_crosses_where_it_does(rounds):
    found = straight(rounds, 12).crossing(2, TARGET)
    assert found.reached and found.rounds == pytest.approx(rounds, abs=1e-9)


def test_noise_brings_hardly_any_bias_and_one_lucky_batch_none():
    true = 10 * np.log(2 / 0.6)  # where 3 + 2·exp(-t/10) is 3.6
    found = []
    for seed in range(200):
        crossing = loss_curve(decaying(np.random.default_rng(seed), 4, 30, 0.1), 4).crossing(3.6)
        assert crossing.reached
        found.append(crossing.rounds)
    assert np.mean(found) == pytest.approx(true, abs=0.15) and np.std(found) < 0.6
    lucky = decaying(np.random.default_rng(0), 4, 30, 0.0)
    plain = loss_curve(lucky, 4).crossing(3.6).rounds
    lucky[10] = 3.5  # below the target ten rounds before its time
    assert loss_curve(lucky, 4).crossing(3.6).rounds == pytest.approx(plain, abs=0.01)


def test_stopping_when_confirmed_hardly_moves_the_crossing():
    moved = []
    for seed in range(50):
        loss = decaying(np.random.default_rng(seed), 4, 40, 0.05)
        stop = next(n for n in range(8, len(loss), 4) if loss_curve(loss[:n], 4).confirms(3.6))
        assert stop / 4 >= loss_curve(loss[:stop], 4).crossing(3.6).rounds + WINDOW_ROUNDS
        moved.append(loss_curve(loss[:stop], 4).crossing(3.6).rounds - loss_curve(loss, 4).crossing(3.6).rounds)
    assert abs(np.mean(moved)) < 0.1 and np.abs(moved).max() < 1.5


def test_what_is_not_reached_is_censored_at_the_last_window():
    run = straight(20, 10)
    found = run.crossing(2, TARGET)
    assert not found.reached and found.rounds == (20 - 1 - 1.5) / 2
    assert not run.curve(2).confirms(TARGET)


def test_the_confirmed_loss_is_confirmed():
    curve = straight(20, 10).curve(2)
    assert curve.confirms(curve.confirmed()) and not curve.confirms(curve.confirmed() - 0.01)


def test_a_start_below_the_target_is_reached_at_the_first_window():
    curve = straight(10, 10).curve(2)
    assert curve.starts_below(6.0) and curve.crossing(6.0).rounds == curve.rounds[0] == 0.75
    assert not curve.starts_below(TARGET) and curve.confirms(6.0)


def test_messages_name_the_run():
    with pytest.raises(InputError, match="rank 1, seed 0: loss has 2 steps, needs at least 4: 2 rounds"):
        straight(10, 1).crossing(2, TARGET)
