import pytest

from rasolve.problems import problems
from rasolve.scenario.models import SAYS
from rasolve.solvers import solvers


def test_everything_is_listed(cli):
    told = cli("list", "--json").json
    assert [line["name"] for line in told["problems"]] == list(problems())
    assert [line["name"] for line in told["solvers"]] == list(solvers())
    assert [line["name"] for line in told["models"]] == list(SAYS)
    assert "baseline:equal" in [line["name"] for line in told["baselines"]]
    assert "Choice" in [line["name"] for line in told["forms"]]
    assert all(line["says"] for lines in told.values() for line in lines)
    text = cli("list").out
    assert all(line["name"] in text and line["says"] in text for lines in told.values() for line in lines)


@pytest.mark.parametrize("kind", ["problems", "solvers", "baselines", "forms", "models"])
def test_one_kind(cli, kind):
    assert list(cli("list", kind, "--json").json) == [kind]
    assert cli("list", kind).out.startswith(f"{kind}\n")


def test_version_and_help(cli):
    assert cli("--version").out.startswith("rasolve ")
    for arguments in ((), ("--help",)):
        outcome = cli(*arguments)
        assert outcome.code == 0 and "compare" in outcome.out and "Exit codes" in outcome.out
    assert "--time-limit" in cli("solve", "--help").out
