"""A DagSplit plan on the command line: solved, checked, run and drawn."""

import pytest

PROBLEM = ("dag-split", "--set", "model=densenet-mini", "--set", "batch_size=4", "--set", "local_steps=2")


@pytest.fixture
def files(cli, tmp_path):
    """Return the paths of a stored result and its plan."""
    result, plan = tmp_path / "result.json", tmp_path / "plan.json"
    assert cli("solve", *PROBLEM, "--result", result, "--out", plan).code == 0
    return result, plan


def test_it_is_checked(cli, refused, files):
    outcome = cli("check", files[1])
    assert "valid plan: dag-split by " in outcome.out and "can be run yes" in outcome.out
    assert "densenet-mini, of 24 layers 1 on the device, 23 on the server, batch 4" in outcome.out
    told = cli("check", *PROBLEM[:1], files[1], *PROBLEM[1:], "--json").json
    assert told["tier"] == [0] + 23 * [1] and told["model"] == "densenet-mini" and "cut" not in told
    assert "the plan has 24 layers, the problem 32" in refused("check", "dag-split", files[1])
    assert "this is a plan of dag-split, not of fedsllm" in refused("check", "fedsllm", files[1])


@pytest.mark.usefixtures("one_thread")
def test_it_is_run(cli, refused, files, tmp_path):
    picture = tmp_path / "timeline.png"
    report = cli("run", files[1], "--steps", 2, "--json", "--timeline", picture).json
    assert all(row["predicted"] == row["measured"] for row in report["rows"] if row["quantity"] in ("bits", "flops"))
    assert report["loss"] == pytest.approx(report["reference_loss"]) and picture.exists()
    assert "densenet-mini trains on digits" in refused("run", files[1], "--data", "text.csv")


def test_it_is_drawn(cli, refused, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = ("--problem", *PROBLEM)
    assert cli("plot", files[0], *target, "--json").json == {"picture": "graph.png", "kind": "graph"}
    assert (tmp_path / "graph.png").stat().st_size > 10_000
    assert "dag-split has no stages of split training to draw" in refused("plot", files[0], *target, "--kind", "delay")
