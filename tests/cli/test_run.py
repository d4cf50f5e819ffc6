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


def test_bad_arguments(refused, stored, tmp_path):
    assert "steps = 0: must be at least 1" in refused("run", stored[1], "--steps", 0)
    assert "none.csv" in refused("run", stored[1], "--data", tmp_path / "none.csv")


def test_an_interrupt_before_the_first_step_leaves_nothing(cli, stored, monkeypatch):
    def interrupted(*_arguments, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("rasolve.executor.run.run", interrupted)
    outcome = cli("run", stored[1])
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == "error: interrupted before anything was found\n"
