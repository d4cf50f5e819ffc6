"""The time model: known coefficients are found among noise and outliers, and the interval holds what it says."""

import json

import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.surrogate_models.time import Machine, TimeModel, time_model_of

HERE = Machine(processors=2, threads=1, torch="2.13.0", dtype="float32")
TRUE = np.array([5e-6, 2e-11, 1e-10])


def pieces(rng, count=30):
    calls = np.round(np.exp(rng.uniform(np.log(10), np.log(1000), count)))
    flops, data = (np.exp(rng.uniform(np.log(1e6), np.log(1e10), count)) for _ in range(2))
    return calls, flops, data / 10


def model_of(rng, noise=0.0, repeats=3, count=30):
    calls, flops, data = pieces(rng, count)
    true = np.stack([calls, flops, data], axis=1) @ TRUE
    seconds = true[:, None] * np.exp(noise * rng.normal(size=(count, repeats)))
    names = tuple(f"piece {i}" for i in range(count))
    return names, calls, flops, data, seconds


def coefficients(model):
    return np.array([model.overhead_s, model.seconds_per_flop, model.seconds_per_byte])


def test_known_coefficients_are_found():
    model = time_model_of(*model_of(np.random.default_rng(0)), HERE)
    assert np.allclose(coefficients(model), TRUE, rtol=1e-6)
    assert (model.low_ratio, model.high_ratio) == pytest.approx((1, 1)) and model.typical_error < 1e-6
    assert model(100, 1e9, 1e6) == pytest.approx(100 * 5e-6 + 0.02 + 1e-4)


def test_outliers_pull_nothing():
    names, calls, flops, data, seconds = model_of(np.random.default_rng(1), noise=0.02, repeats=5)
    seconds[:, 0] *= 20
    model = time_model_of(names, calls, flops, data, seconds, HERE)
    assert np.allclose(coefficients(model), TRUE, rtol=0.05)


def test_coefficients_are_never_negative():
    names, calls, flops, data, _ = model_of(np.random.default_rng(2))
    falling = 1e-3 * np.ones((30, 2)) / (1 + data[:, None] / data.max())
    assert (coefficients(time_model_of(names, calls, flops, data, falling, HERE)) >= 0).all()


@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_coverage_of_the_interval(noise):
    """A further piece falls into the 90 % interval about nine times in ten."""
    held = []
    for experiment in range(40):
        rng = np.random.default_rng(experiment)
        model = time_model_of(*model_of(rng, noise), HERE)
        calls, flops, data = pieces(rng, 25)
        for work in zip(calls, flops, data, strict=True):
            low, high = model.interval(*work)
            held.append(low <= np.dot(work, TRUE) * np.exp(noise * rng.normal()) <= high)
    assert 0.87 <= np.mean(held) <= 0.96


def test_the_file_round_trips_and_names_the_machine(tmp_path):
    model = time_model_of(*model_of(np.random.default_rng(0), 0.1), HERE)
    again = TimeModel.load(model.save(tmp_path / "time.json"))
    assert again.to_json() == model.to_json() and again.machine.threads == 1
    assert "1 of 2 processors, torch 2.13.0, float32" in str(model) and "GFLOP/s" in str(model)
    assert time_model_of(model.names, model.calls, model.flops, model.bytes, model.seconds, HERE).to_json() == (
        model.to_json()
    )


def test_what_limits_nothing_is_said_so():
    model = time_model_of(*model_of(np.random.default_rng(0), 0.1), HERE)
    assert "no limit by B" in str(model.replace(seconds_per_byte=0.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overhead_s": -1}, "overhead_s = -1: must be at least 0"),
        ({"low_ratio": 3.0}, "low_ratio = 3: must be at most high_ratio"),
        ({"names": ["one"]}, r"names has 1 entries, but \[P\] is 30 elsewhere"),
        ({"flops": [1.0, 2.0]}, r"flops has shape \[2\], but \[P\] is \[30\] elsewhere"),
        ({"level": 1}, "level = 1: must be"),
        ({"version": 9}, "time version = 9 is newer than 1"),
        ({"kind": "rounds"}, "this is a rounds document, not a time"),
    ],
)
def test_files_that_are_refused(tmp_path, change, message):
    model = time_model_of(*model_of(np.random.default_rng(0), 0.1), HERE)
    path = tmp_path / "time.json"
    path.write_text(json.dumps({**json.loads(model.to_json()), **change}))
    with pytest.raises(InputError, match=message):
        TimeModel.load(path)


def test_a_truncated_file_and_too_few_pieces(tmp_path):
    model = time_model_of(*model_of(np.random.default_rng(0), 0.1), HERE)
    path = tmp_path / "time.json"
    path.write_text(model.to_json()[:-50])
    with pytest.raises(InputError, match=r"time\.json: not a whole time document"):
        TimeModel.load(path)
    with pytest.raises(InputError, match="5 pieces were timed: at least 20 are needed"):
        time_model_of(*model_of(np.random.default_rng(0), count=5), HERE)
