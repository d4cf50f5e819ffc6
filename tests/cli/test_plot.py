import sys
from pathlib import Path

import pytest

import rasolve as ra
from tests.cli.conftest import SMALL

PNG = b"\x89PNG\r\n"
PROBLEM = ("--problem", *SMALL, "--seed", 1)


@pytest.mark.parametrize("kind", ["delay", "convergence"])
def test_pictures_of_a_stored_result(cli, stored, tmp_path, kind):
    picture = tmp_path / "picture.png"
    outcome = cli("plot", stored[0], *PROBLEM, "--kind", kind, "--out", picture)
    assert (outcome.code, outcome.out) == (0, f"saved {picture}\n")
    assert picture.read_bytes().startswith(PNG)


@pytest.mark.parametrize(("name", "begins"), [("x", PNG), ("x.svg", b"<?xml"), ("x.pdf", b"%PDF")])
def test_a_picture_is_written_exactly_where_told(cli, stored, tmp_path, name, begins):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = folder / name
    assert cli("plot", stored[0], *PROBLEM, "--out", picture).out == f"saved {picture}\n"
    assert list(folder.iterdir()) == [picture] and picture.read_bytes().startswith(begins)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(refused, stored):
    assert "cannot write /dev/full: No space left on device" in refused(
        "plot", stored[0], *PROBLEM, "--out", "/dev/full"
    )


def test_json_names_the_picture(cli, stored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("plot", stored[0], *PROBLEM, "--json").json == {"picture": "delay.png", "kind": "delay"}
    assert (tmp_path / "delay.png").exists()


def test_pictures_that_cannot_be_written(refused, stored, tmp_path):
    assert "No such file or directory" in refused("plot", stored[0], *PROBLEM, "--out", tmp_path / "none" / "x.png")
    assert "'xyz' is not supported" in refused("plot", stored[0], *PROBLEM, "--out", tmp_path / "picture.xyz")


def test_a_result_without_a_decision_has_no_picture(cli, tmp_path):
    result = tmp_path / "result.json"
    many = ("--set", "clients=30")
    cli("solve", "fedsllm", *many, "--result", result)
    assert cli("plot", result, "--problem", "fedsllm", *many).code == 3
    convergence = cli("plot", result, "--problem", "fedsllm", *many, "--kind", "convergence")
    assert convergence.code == 2 and "no history to draw" in convergence.err


def test_without_matplotlib_it_says_what_to_install(refused, stored, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "install rasolve[plot]" in refused("plot", stored[0], *PROBLEM)
    assert ra.Result.load(stored[0]).feasible
