"""What only a process of its own shows: interrupts, closed pipes, full disks, entry points."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rasolve.cli
from rasolve.cli.exit_codes import ExitCode
from tests.cli.conftest import SMALL

SLEEPER = """
import sys, time
from dataclasses import dataclass
from rasolve.cli import main
from rasolve.forms import Choice
from rasolve.solvers import Solver, State, register, solve_form, solvers

solvers()

@register
@dataclass(frozen=True)
class Sleeper(Solver):
    name, form, purpose = "sleeper", Choice, "finds something, or nothing, and falls asleep"
    incumbent: bool = True

    def init(self, form, limits):
        return State(None, float("inf"), float("-inf"))

    def step(self, form, state, limits):
        if self.incumbent and state.value is None:
            found = solve_form(form, "enumeration", limits.inner())
            return State(found.value, found.objective, float("-inf"))
        print("asleep", file=sys.stderr, flush=True)
        time.sleep(60)

    def done(self, form, state, limits):
        return False

sys.exit(main())
"""


def heed_interrupts():
    """Let a process be interrupted even where the tests themselves run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments, script=None, stdout=subprocess.PIPE):
    command = ["-c", script] if script else ["-m", "rasolve"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=heed_interrupts,
    )


def interrupt(process):
    """Wait until the solver sleeps, interrupt it, and return what it wrote."""
    assert process.stderr.readline() == "asleep\n"
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)


def test_an_interrupt_returns_the_incumbent(tmp_path):
    plan = tmp_path / "plan.json"
    process = start("solve", *SMALL, "--solver", "sleeper", "--bound", "--out", plan, "--json", script=SLEEPER)
    out, err = interrupt(process)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert told["termination"] == "interrupted" and told["feasible"] and told["bound"] < told["objective"]
    assert plan.exists()


def test_an_interrupt_before_any_incumbent_is_nothing():
    process = start("solve", *SMALL, "--solver", "sleeper", "--option", "incumbent=false", script=SLEEPER)
    out, err = interrupt(process)
    assert (process.returncode, err) == (4, "")
    assert "fedsllm by sleeper: interrupted" in out and "none was found" in out


def test_an_interrupt_of_a_comparison_shows_what_there_is():
    process = start("compare", *SMALL, "--solvers", "auto,sleeper,baseline:a", "--json", script=SLEEPER)
    out, _ = interrupt(process)
    assert process.returncode == 0
    assert [row["termination"] for row in json.loads(out)["rows"]] == ["optimal", "interrupted"]


def test_a_closed_pipe_is_one_line():
    process = start("list")
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (2, "error: cannot write to standard output: Broken pipe\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w") as full:
        process = start("list", "--json", stdout=full)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (2, "error: cannot write to standard output: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [("--help",), ("solve", "-h"), ("--version",)])
def test_help_on_a_full_disk_is_one_line(command):
    with Path("/dev/full").open("w") as full:
        process = start(*command, stdout=full)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (2, "error: cannot write to standard output: No space left on device\n")


def test_an_interrupt_of_the_imports_is_one_line():
    script = """
import builtins, sys
imported = builtins.__import__

def interrupted(name, *rest, **named):
    if name == "numpy":
        raise KeyboardInterrupt
    return imported(name, *rest, **named)

builtins.__import__ = interrupted
from rasolve.cli import main
sys.exit(main())
"""
    process = start("solve", "fedsllm", script=script)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (4, "", "error: interrupted before anything was found\n")


def test_the_entry_point_imports_nothing_heavy():
    script = "import sys, rasolve.cli; print({'numpy', 'typer', 'rich', 'pydantic'} & set(sys.modules))"
    assert start(script=script).communicate(timeout=30)[0] == "set()\n"
    assert rasolve.cli.NOTHING == ExitCode.NOTHING


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_errors_without_standard_error_go_nowhere(closed):
    command = f"{shlex.quote(sys.executable)} -m rasolve solve fedslm {closed}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_errors_and_results_keep_to_their_streams():
    process = start("solve", "fedslm")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "") and len(err.splitlines()) == 1
    assert err.startswith("error: unknown problem 'fedslm'; did you mean fedsllm")
