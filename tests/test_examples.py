"""Every example runs by itself, in seconds, and shows what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWS = {
    "alternating_optimization": "proved: nothing is below",
    "deadline_by_hand": "bandwidth per client",
    "drift_plus_penalty": "no path is below the bound at what it spent",
    "min_cut_by_hand": "all optimal splits as the uplink goes from nothing to infinity",
    "mip_and_bounds": "proved: no owners and powers end before",
    "power_and_deadline_by_hand": "one more millisecond would save 0.190 mJ of 59.961 mJ",
    "running_a_plan": "all bits as predicted: True",
    "two_prices": "the price of bandwidth in power",
    "subchannels_by_hand": "one more watt in total is worth",
}


def test_every_example_is_listed():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(SHOWS)


@pytest.mark.parametrize("name", SHOWS)
def test_example_runs(name, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment,
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert SHOWS[name] in out.stdout
