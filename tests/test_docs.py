"""The Python, TOML and commands of README and docs work as they stand."""

import re
import shlex
from pathlib import Path

import pytest

import rasolve as ra
from rasolve.cli import main
from rasolve.solvers import registry
from rasolve.testing import check_solver
from tests.instances import link

ROOT = Path(__file__).parents[1]


def blocks(file: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text(), re.S)


def test_readme_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("README.md", "python")
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "optimal" in printed and "DIFFERS" not in printed and (tmp_path / "plan.json").exists()


def test_readme_scenario_and_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (scenario,) = blocks("README.md", "toml")
    (tmp_path / "scenario.toml").write_text(scenario)
    commands = re.findall(r"^    rasolve (.*)$", (ROOT / "README.md").read_text(), re.M)
    assert len(commands) >= 11
    for command in commands:
        words = shlex.split(command)
        if words[0] != "loop":  # a minute by itself; tested at its own size
            expected = 3 if words[0] == "explain" else 0
            assert main(words) == expected, command
    capsys.readouterr()


def test_the_python_of_the_lyapunov_page_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    space: dict = {}
    for code in blocks("docs/lyapunov.md", "python"):
        exec(compile(code, "docs/lyapunov.md", "exec"), space)
    assert space["policy"].queues.slots == 3 and ra.OnlinePolicy.resume("queues.json").queues.slots == 3
    assert space["solution"].gap <= 1e-9 and space["rough"].bound <= space["solution"].objective
    assert space["running"].queues.slots == 3 and "NOT PREDICTED" not in capsys.readouterr().out
    assert space["report"].bits_agree and space["report"].worst_loss_difference < 1e-6


def test_python_of_the_dag_split_page_runs(capsys):
    (code,) = blocks("docs/dag_split.md", "python")
    exec(compile(code, "docs/dag_split.md", "exec"), {})
    assert capsys.readouterr().out.count("optimal") >= 2


def test_python_and_commands_of_the_tracing_page_run(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/dag_tracing.md", "python")
    exec(compile(code, "docs/dag_tracing.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "2 of 6 layers on the device" in printed
    assert "unsplit training differs by at most" in printed and "NOT PREDICTED" not in printed
    commands = re.findall(r"^    rasolve (.*)$", (ROOT / "docs/dag_tracing.md").read_text(), re.M)
    assert len(commands) == 6
    for command in commands:
        assert main(shlex.split(command)) == 0, command
    capsys.readouterr()


def test_solver_of_the_docs_conforms(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry.solvers()))
    space: dict = {}
    exec(compile(blocks("docs/extending.md", "python")[0], "docs/extending.md", "exec"), space)
    check_solver(space["Shuffle"], [link(0, 3, 9, selective=True)])
    assert ra.solve(link(0), "shuffle", draws=5).objective >= ra.solve(link(0)).objective


def test_smooth_program_of_the_docs_runs(capsys):
    (code,) = blocks("docs/smooth.md", "python")
    exec(compile(code, "docs/smooth.md", "exec"), {})
    assert "converged" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_places_named_in_the_docs_exist(file):
    text = (ROOT / file).read_text()
    places = set(re.findall(r"`(rasolve/[\w/.]+|benchmarks/[\w/.]+)`", text)) | set(
        re.findall(r"\]\(([\w/.]+)\)", text)
    )
    for place in places:
        assert (ROOT / place).exists() or (ROOT / Path(file).parent / place).exists(), f"{file} names {place}"
