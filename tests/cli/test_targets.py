"""Problems from names, scenario files and stored problems, with changes from the command line."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.cli.values import settings
from rasolve.errors import InputError

SCENARIO = """
problem = "fedsllm"
[sample]
seed = 3
clients = 3
subchannels = 7
model = "gpt-mini"
[data]
main_gain = "gain.npy"
"""


@pytest.fixture
def scenario(tmp_path):
    np.save(tmp_path / "gain.npy", np.full((3, 1), 1e-9))
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO)
    return path


def test_a_scenario_with_an_array_beside_it(cli, scenario):
    expected = ra.FedsLLM.sample(seed=3, clients=3, subchannels=7, model="gpt-mini", main_gain=np.full((3, 1), 1e-9))
    assert cli("solve", scenario, "--json").json["objective"] == ra.solve(expected).objective


def test_changes_come_before_the_file(cli, scenario):
    told = cli("check", scenario, "--set", "subchannels=9", "--json").json
    assert told["sizes"] == {"K": 3, "M": 9, "N": 9}
    expected = ra.FedsLLM.sample(seed=5, clients=3, subchannels=7, model="gpt-mini", main_gain=np.full((3, 1), 1e-9))
    assert cli("solve", scenario, "--seed", 5, "--json").json["objective"] == ra.solve(expected).objective


def test_a_stored_problem_is_a_target(cli, tmp_path):
    problem = ra.FedsLLM.sample(seed=1, clients=3, subchannels=7, model="gpt-mini")
    path = problem.save(tmp_path / "problem.json")
    assert cli("solve", path, "--json").json["objective"] == ra.solve(problem).objective
    changed = cli("solve", path, "--set", "ranks=[1, 2]", "--set", "local_steps=3", "--json").json
    assert changed["objective"] == ra.solve(problem.replace(ranks=(1, 2), local_steps=3)).objective


def test_other_documents_are_no_problems(refused, stored):
    result, plan = stored
    assert f"{result} is a result, not a problem" in refused("solve", result)
    assert f"{plan} is a plan, not a problem" in refused("compare", plan)
    plan.write_text("{}")
    assert f"{plan} names no kind: is this a plan, a result or a problem?" in refused("solve", plan)


def test_an_array_file_on_the_command_line(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("gain.npy", np.full((5, 1), 1e-9))
    expected = ra.FedsLLM.sample(main_gain=np.full((5, 1), 1e-9))
    assert cli("solve", "fedsllm", "--set", "main_gain=gain.npy", "--json").json["objective"] == (
        ra.solve(expected).objective
    )


def test_values_are_toml_literals_and_words():
    read = settings(
        ["a=8", "b=1e-3", "c=true", "d=[1, 2]", "e=narrowband", 'f="x y"', "g=../gain.npy", "h={1 = 130}", "i-j=-2"]
    )
    assert read == {
        "a": 8,
        "b": 1e-3,
        "c": True,
        "d": [1, 2],
        "e": "narrowband",
        "f": "x y",
        "g": "../gain.npy",
        "h": {"1": 130},
        "i_j": -2,
    }


@pytest.mark.parametrize("pair", ["clients", "=8", "clients=", "a=[1, 2", "a=1 2", "a=2026-01-01", "a=1\nb=2", "a=.5"])
def test_other_values_are_refused(pair):
    with pytest.raises(InputError, match="must "):
        settings([pair])


def test_a_key_twice_is_refused():
    with pytest.raises(InputError, match="'clients' is set twice"):
        settings(["clients=3", "clients=4"])
