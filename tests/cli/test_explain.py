import pytest

from tests.cli.conftest import SMALL


def test_a_feasible_problem_tells_its_solver_and_bound(cli):
    outcome = cli("explain", *SMALL)
    assert outcome.code == 0 and "no limits clash" in outcome.out and "enumeration: ends with a proved" in outcome.out
    told = cli("explain", *SMALL, "--json").json
    assert told["feasible"] and told["reasons"] == [] and told["solver"] == "enumeration"
    assert 0 < told["lower_bound"] <= cli("solve", *SMALL, "--json").json["objective"]


def test_without_a_promise_of_a_proof_it_says_so(cli):
    told = cli("explain", *SMALL, "--set", "selective=true").out
    assert "ends by itself, with a proved gap that is mostly 0" in told and "deadline_mip" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("subchannels=2", "the main link has 2 subchannels for 3 clients; each client needs one"),
        ("client_memory_bytes=1e6", "client 1 needs"),
    ],
)
def test_clashing_limits_in_words(cli, change, words):
    outcome = cli("explain", "fedsllm", "--set", "clients=3", "--set", change)
    assert outcome.code == 3 and "nothing is feasible" in outcome.out and words in outcome.out
    told = cli("explain", "fedsllm", "--set", "clients=3", "--set", change, "--json")
    assert told.code == 3 and words in told.json["reasons"][0]
