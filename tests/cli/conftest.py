"""Runs the command line in this process, and keeps small problems at hand."""

import json
from dataclasses import dataclass

import pytest

from rasolve.cli import main

SMALL = ("fedsllm", "--set", "clients=3", "--set", "subchannels=7", "--set", "model=gpt-mini")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(capsys):
    """Return a function that runs the command line and returns its outcome."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def refused(cli):
    """Return a function that runs a command which must end with one line on standard error, and returns that line."""

    def run(*arguments):
        outcome = cli(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("error: ") and outcome.err.count("\n") == 1
        return outcome.err

    return run


@pytest.fixture
def stored(cli, tmp_path):
    """Return the paths of a stored result and its plan, of the small problem with seed 1."""
    result, plan = tmp_path / "result.json", tmp_path / "plan.json"
    assert cli("solve", *SMALL, "--seed", 1, "--result", result, "--out", plan).code == 0
    return result, plan


@pytest.fixture(scope="session")
def one_thread():
    """Train on one thread, which is faster for tensors this small; skip without torch."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
