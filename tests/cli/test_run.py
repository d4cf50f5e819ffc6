import json

import pytest

pytestmark = pytest.mark.usefixtures("one_thread")


def test_prediction_beside_measurement(cli, stored, tmp_path):
    report = tmp_path / "report.json"
    outcome = cli("run", stored[1], "--steps", 1, "--out", report, "--no-reference")
    assert outcome.code == 0 and "predicted" in outcome.out and "equal" in outcome.out
    assert json.loads(report.read_text())["kind"] == "report"
    told = cli("run", stored[1], "--steps", 1, "--seed", 3, "--json").json
    assert all(row["predicted"] == row["measured"] for row in told["rows"] if row["quantity"] == "bits")
    assert told["seed"] == 3 and len(told["reference_loss"]) == 1


def test_a_timeline_is_drawn(cli, refused, stored, tmp_path):
    picture = tmp_path / "timeline.png"
    assert cli("run", stored[1], "--steps", 1, "--no-reference", "--timeline", picture).code == 0
    assert picture.stat().st_size > 10_000
    unwritable = tmp_path / "absent" / "timeline.png"
    assert "cannot write" in refused("run", stored[1], "--steps", 1, "--no-reference", "--timeline", unwritable)


def test_bad_arguments(refused, stored, tmp_path):
    assert "steps = 0: must be a whole number of at least 1" in refused("run", stored[1], "--steps", 0)
    assert "none.csv" in refused("run", stored[1], "--data", tmp_path / "none.csv")


def test_an_interrupt_before_the_first_step_leaves_nothing(cli, stored, monkeypatch):
    def interrupted(*_arguments, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("rasolve.executor.run.run", interrupted)
    outcome = cli("run", stored[1])
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == "error: interrupted before anything was found\n"


def test_a_run_is_taken_up_again(cli, refused, stored, tmp_path):
    kept = ("--checkpoint", tmp_path / "kept", "--every", 2)
    whole = cli("run", stored[1], "--steps", 3, "--json").json
    assert cli("run", stored[1], "--steps", 2, *kept).code == 0
    again = cli("run", stored[1], "--steps", 3, *kept, "--resume", "--json").json
    clock = {"wall_seconds": 0, "wall": []}
    assert {**again, **clock} == {**whole, **clock}
    assert "holds a checkpoint already" in refused("run", stored[1], *kept)
    assert "seed was 0 and is 5" in refused("run", stored[1], *kept, "--resume", "--seed", 5)
    assert "holds no checkpoint" in refused("run", stored[1], "--checkpoint", tmp_path / "none", "--resume")
    assert "resume needs checkpoint" in refused("run", stored[1], "--resume")
    assert "checkpoint_every = 0: must be a whole number of at least 1" in refused(
        "run", stored[1], *kept[:2], "--every", 0
    )
