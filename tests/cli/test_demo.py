import json

import pytest

from rasolve.demo import LOCAL_STEPS, STEPS, instance

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_whole_way(cli, tmp_path):
    outcome = cli("demo", "--folder", tmp_path / "out", "--steps", 1)
    assert outcome.code == 0
    for words in ("baseline:equal", "enumeration", "predicted", "equal", "What to try next"):
        assert words in outcome.out
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"problem.json", "result.json", "plan.json", "delay-optimum.png", "convergence.png"}
    assert cli("check", tmp_path / "out" / "problem.json", tmp_path / "out" / "result.json").code == 0


def test_json_alone_on_standard_output(cli, tmp_path):
    outcome = cli("demo", "--folder", tmp_path, "--steps", 1, "--json")
    told = json.loads(outcome.out)
    assert {"comparison", "report", "files"} == set(told)
    assert all(row["predicted"] == row["measured"] for row in told["report"]["rows"] if row["quantity"] == "bits")


def test_two_rounds_complete_and_seeds_differ():
    assert STEPS >= 2 * LOCAL_STEPS and instance(0).local_steps == LOCAL_STEPS
    assert (instance(0).main_gain != instance(1).main_gain).any()


def test_a_folder_that_cannot_be_made(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot write" in refused("demo", "--folder", tmp_path / "file")
