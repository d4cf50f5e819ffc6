import json
import subprocess
import sys

import numpy as np
import pytest

from rasolve.scenario.graph import GraphProfile, graph_named

pytest.importorskip("torch")

OWN = """
from torch import nn

class Mine(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

def make(wide=8):
    return nn.Linear(4, wide)

ready = nn.Linear(4, 2)
number = 3

class Needy(nn.Linear):
    pass
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Work in a folder with modules of one's own, and forget them afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_models.py").write_text(OWN)
    (tmp_path / "broken_models.py").write_text("from torch import nn\nraise ValueError('on purpose')\n")
    (tmp_path / "unclosed_models.py").write_text("def f(:\n")
    yield
    for name in ("own_models", "broken_models", "unclosed_models"):
        sys.modules.pop(name, None)


def test_a_shipped_model_as_a_table(cli):
    outcome = cli("trace", "densenet-mini")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    profile = graph_named("densenet-mini")
    assert lines[0] == f"densenet-mini: 24 layers, {len(profile.edges)} edges, {profile.says}"
    assert lines[2].split() == ["layer", "reads", "forward", "backward", "output", "weights"]
    assert lines[3].split() == ["input", "-", "-", "8.192", "kbit", "-"]
    assert lines[-1] == "in all 409.9 kFLOP forward, 778.1 kFLOP backward, 149.6 kbit of weights"
    assert any("4 layers" in line for line in lines), "of many parents the number is said"
    rows = lines[3:-2]
    assert [row.split()[0] for row in rows] == list(profile.names)
    assert len({len(row.rstrip()) for row in rows}) == 1, "numbers are aligned at their ends"


def test_json_and_out_are_the_shipped_profile(cli, tmp_path):
    path = tmp_path / "profile.json"
    outcome = cli("trace", "resnet-mini", "--json", "--out", path)
    assert GraphProfile.from_fields(outcome.json).to_json() == graph_named("resnet-mini").to_json()
    assert GraphProfile.load(path).to_json() == graph_named("resnet-mini").to_json()


def test_other_shapes_and_unfused_layers(cli):
    wide = cli("trace", "resnet-mini", "--input", "2x1x32x32", "--json").json
    usual = json.loads(graph_named("resnet-mini").to_json())
    assert wide["output_bits"][1] == 4 * usual["output_bits"][1]
    apart = cli("trace", "resnet-mini", "--no-fuse", "--json").json
    assert len(apart["names"]) > len(usual["names"]) and "not fused" in apart["says"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["Mine", "make", "ready"])
def test_a_module_of_ones_own(cli, name):
    outcome = cli("trace", f"own_models:{name}", "--input", "3x4", "--label-bits", 16, "--json")
    assert outcome.json["model"] == f"own_models:{name}" and outcome.json["label_bits"] == 16
    assert outcome.json["forward_flops"][1] == 2 * 4 * {"Mine": 6, "make": 8, "ready": 2}[name]


@pytest.mark.usefixtures("own")
def test_its_profile_is_solved(cli):
    assert cli("trace", "own_models:Mine", "--input", "3x4", "--out", "mine.json").code == 0
    solved = cli("solve", "dag-split", "--set", "model=mine.json", "--json")
    assert solved.code == 0 and len(solved.json["decision"]["tier"]) == 3


@pytest.mark.usefixtures("own")
def test_layers_are_timed(cli):
    outcome = cli("trace", "own_models:Mine", "--input", "3x4", "--measure", "--repeats", 2, "--seconds", "times.npy")
    assert outcome.code == 0 and outcome.err == ""
    head = outcome.out.splitlines()[2].split()
    assert head[-1] == "measured" and "the medians of all layers added up" in outcome.out
    seconds = np.load("times.npy")
    assert seconds.shape == (3,) and seconds[0] == 0 and (seconds[1:] > 0).all()
    measured = cli("trace", "resnet-mini", "--seconds", "again.npy", "--repeats", 1, "--json").json["seconds"]
    assert measured == np.load("again.npy").tolist() and len(measured) == 12


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet81",), "unknown model 'resnet81'; did you mean resnet18"),
        ((), "missing MODEL, e.g. rasolve trace resnet18"),
        (("own_models:Mine",), "own_models:Mine: needs --input with the shape of its input"),
        (("own_models:Mine", "--input", "3x5"), "Mine cannot be traced: a and b must have same reduction dim"),
        (("own_models:Mine", "--input", "3x"), "input = 3x: must be sizes such as 1x3x224x224"),
        (("own_models:Mine", "--input", "3x4:int65"), "unknown type 'int65'; did you mean int64"),
        (("own_models:number", "--input", "3x4"), "own_models:number is no torch.nn.Module, nor does it make one"),
        (("own_models:Needy", "--input", "3x4"), "own_models:Needy() fails: TypeError: "),
        (("own_models:Absent", "--input", "3x4"), "own_models has no Absent"),
        (("absent_models:Mine", "--input", "3x4"), "cannot import absent_models: No module named 'absent_models'"),
        (("broken_models:Mine", "--input", "3x4"), "cannot import broken_models: on purpose"),
        (("unclosed_models:Mine", "--input", "3x4"), "cannot import unclosed_models: invalid syntax"),
        (("resnet-mini", "--label-bits", "-1"), "label_bits = -1.0: must be at least 0"),
        (("resnet-mini", "--measure", "--repeats", "0"), "repeats = 0: must be a whole number of at least 1"),
        (("resnet-mini", "--out", "none/x.json"), "cannot write none/x.json: No such file or directory"),
        (("resnet-mini", "--repeats", "1", "--seconds", "none/x.npy"), "cannot write none/x.npy: No such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refused, arguments, message):
    assert message in refused("trace", *arguments)


def test_without_torch_it_says_what_to_install():
    code = (
        "import sys; sys.modules['torch'] = None; from rasolve.cli import main; sys.exit(main(['trace', 'resnet18']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: tracing a model needs torch: install rasolve[executor]\n"
