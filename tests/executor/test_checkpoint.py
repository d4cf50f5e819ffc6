"""A run that died continues as if nothing had happened, and with nothing but its own checkpoint."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from executor_plans import plan
from safetensors.torch import load_file, save_file
from unequal_plans import CLIENTS, unequal_plan

from rasolve.errors import InputError
from rasolve.executor.checkpoint import FILE, UNFINISHED, _digest, read, write
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.run import run

STEPS = 7
PLAN = unequal_plan(**CLIENTS[3], local_steps=3)


@pytest.fixture(scope="module")
def whole():
    return run(PLAN, STEPS)


@pytest.fixture
def stored(tmp_path):
    """Return the directory of a run stopped in the middle of its second round."""
    run(PLAN, 4, checkpoint=tmp_path / "made" / "on the way")
    return tmp_path / "made" / "on the way"


def same(report, other):
    """Return whether two reports tell the same in all but wall-clock time."""
    one, two = (each.replace(wall_seconds=0, wall=[]) for each in (report, other))
    clocked = [[(row.party, row.stage, row.flops, row.bytes) for row in each.wall] for each in (report, other)]
    return one.to_json() == two.to_json() and clocked[0] == clocked[1]


@pytest.mark.parametrize("done", range(1, STEPS + 1))
def test_resumed_after_any_step_the_losses_and_meters_are_the_same(whole, tmp_path, done):
    run(PLAN, done, checkpoint=tmp_path)
    heard = []
    report = run(PLAN, STEPS, checkpoint=tmp_path, resume=True, callback=heard.append)
    assert same(report, whole)
    assert [step.number for step in heard] == list(range(done + 1, STEPS + 1))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("changes", [{"cut": 0}, {"cut": 3, "parameter_bits": 32}, {"data_sizes": (1.0,)}])
def test_resumed_step_by_step_without_a_reference(tmp_path, changes):
    p = plan(**changes)
    for steps in range(1, 6):
        report = run(p, steps, checkpoint=tmp_path, resume=steps > 1, reference=False)
    assert same(report, run(p, 5, reference=False))


def test_the_continuation_is_that_of_the_state_and_not_a_new_start(whole, stored):
    """Moments, step counts and adapters each matter: a checkpoint with any of them changed goes elsewhere."""
    saved, tensors = read(stored)
    for name in ("client 2/0", "client 2/5/step", "client 2/5/exp_avg", "server/0/exp_avg_sq", "server/3"):
        write(stored, saved, {**tensors, name: 1.01 * tensors[name]})
        report = run(PLAN, STEPS, checkpoint=stored, resume=True)
        assert report.loss[:4].tolist() == whole.loss[:4].tolist()
        assert report.loss[-1] != whole.loss[-1], name
        assert np.array_equal(report.reference_loss, whole.reference_loss)
    write(stored, saved, tensors)
    assert same(run(PLAN, STEPS, checkpoint=stored, resume=True), whole)


CHILD = """
import os, signal, sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from test_checkpoint import PLAN, STEPS
from rasolve.executor import checkpoint
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.run import run

where, directory = sys.argv[2:]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if where == "step":
    serve = SplitFederated._serve
    SplitFederated._serve = lambda self, arrived: die() if self.steps == 5 else serve(self, arrived)
elif where == "half written":
    save, written = checkpoint.save, []
    def save_half(tensors, metadata):
        octets = save(tensors, metadata)
        written.append(octets)
        return octets if len(written) < 5 else octets[: len(octets) // 2]
    checkpoint.save = save_half
    flush = os.fsync
    os.fsync = lambda file: die() if len(written) == 5 else flush(file)
elif where == "not renamed":
    replace, renamed = os.replace, []
    def replace_or_die(source, target):
        renamed.append(target)
        die() if len(renamed) == 5 else replace(source, target)
    os.replace = replace_or_die
run(PLAN, STEPS, checkpoint=directory, callback=lambda step: print(step.number, flush=True))
"""


@pytest.mark.parametrize(("where", "steps"), [("step", 5), ("half written", 4), ("not renamed", 4)])
def test_killed_in_a_step_or_in_writing_a_checkpoint(whole, tmp_path, where, steps):
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), where, str(tmp_path)]
    died = subprocess.run(command, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert died.stdout.split() == [str(number) for number in range(1, steps + 1)]
    assert (tmp_path / UNFINISHED).exists() == (where != "step")
    assert read(tmp_path)[0].steps == steps
    assert same(run(PLAN, STEPS, checkpoint=tmp_path, resume=True), whole)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_checkpoints_come_every_so_many_steps_and_at_the_end(tmp_path):
    steps = []

    def note(_):
        steps.append(read(tmp_path)[0].steps if (tmp_path / FILE).exists() else 0)

    run(PLAN, 5, checkpoint=tmp_path, checkpoint_every=2, callback=note)
    assert steps == [0, 2, 2, 4, 5]


def test_an_interrupt_leaves_the_last_checkpoint(whole, tmp_path, monkeypatch):
    serve = SplitFederated._serve

    def interrupted(self, arrived):
        if self.steps == 5:
            raise KeyboardInterrupt
        return serve(self, arrived)

    monkeypatch.setattr(SplitFederated, "_serve", interrupted)
    assert run(PLAN, STEPS, checkpoint=tmp_path, checkpoint_every=2).steps == 5
    again = run(PLAN, STEPS, checkpoint=tmp_path, resume=True)
    assert again.interrupted and again.steps == 5
    monkeypatch.undo()
    assert same(run(PLAN, STEPS, checkpoint=tmp_path, resume=True), whole)


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({"cut": [1, 3, 3]}, {}, r"is of another run: plan\.cut was \[1, 3, 2\] and is \[1, 3, 3\]$"),
        ({"rank": [1, 4, 4]}, {}, r"plan\.rank was \[1, 4, 2\] and is \[1, 4, 4\]$"),
        ({"data_sizes": [1, 1, 1]}, {}, r"plan\.data_sizes was .*; data was sha256:"),
        ({"parameter_bits": 32}, {}, r"plan\.parameter_bits was 64 and is 32; frozen weights was sha256:"),
        ({"local_steps": 4}, {}, r"plan\.local_steps was 3 and is 4$"),
        ({}, {"seed": 1}, r"seed was 0 and is 1; data was .*the data were generated text, seed 0 and are .* seed 1$"),
        ({}, {"learning_rate": 1e-3}, r"learning_rate was 0\.01 and is 0\.001$"),
        ({}, {"reference": False}, "reference was true and is false$"),
        ({}, {"steps": 3}, r"steps = 3: must be at least the 4 of .*checkpoint\.safetensors"),
    ],
)
def test_another_run_is_refused_and_what_differs_is_named(stored, changes, arguments, message):
    before = (stored / FILE).read_bytes()
    with pytest.raises(InputError, match=message):
        run(PLAN.replace(**changes), **{"steps": STEPS, **arguments}, checkpoint=stored, resume=True)
    assert (stored / FILE).read_bytes() == before


def test_other_data_are_refused_and_the_same_data_elsewhere_are_not(tmp_path):
    rows = [f'"name[Place {i}], food[Italian]","Place {i} serves Italian food by the river."' for i in range(60)]
    files = [tmp_path / name for name in ("one.csv", "copy.csv", "other.csv")]
    for file, text in zip(files, (rows, rows, rows[::-1]), strict=True):
        file.write_text("\n".join(["mr,ref", *text]) + "\n")
    one, copy, other = files
    run(PLAN, 2, data=one, checkpoint=tmp_path / "ckpt")
    with pytest.raises(InputError, match=r"data was .*; the data were .*one\.csv and are .*other\.csv$"):
        run(PLAN, 3, data=other, checkpoint=tmp_path / "ckpt", resume=True)
    moved = run(PLAN, 3, data=copy, checkpoint=tmp_path / "ckpt", resume=True)
    assert moved.loss.tolist() == run(PLAN, 3, data=one).loss.tolist()


def refused(directory):
    with pytest.raises(InputError) as error:
        run(PLAN, STEPS, checkpoint=directory, resume=True)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_truncated_checkpoint(stored):
    octets = (stored / FILE).read_bytes()
    for size in (0, 4, 200, len(octets) // 2, len(octets) - 1):
        (stored / FILE).write_bytes(octets[:size])
        assert f"{FILE}: not a whole checkpoint: " in refused(stored)


def test_a_corrupt_checkpoint(stored):
    octets = bytearray((stored / FILE).read_bytes())
    octets[-100] ^= 1
    (stored / FILE).write_bytes(octets)
    assert refused(stored).endswith("corrupt: the contents do not have the SHA-256 in its header")
    octets[-100] ^= 1
    at = octets.index(b"server/0")
    octets[at : at + 8] = b"server/Z"
    (stored / FILE).write_bytes(octets)
    assert "corrupt" in refused(stored)
    (stored / FILE).write_text("no checkpoint at all, but long enough to be one")
    assert "not a whole checkpoint" in refused(stored)
    save_file({"a": torch.zeros(1)}, stored / FILE)
    assert refused(stored).endswith("this is a safetensors file, not a checkpoint")


def rewrite(directory, **changes):
    """Change the JSON of a checkpoint and sign it anew."""
    tensors = load_file(directory / FILE)
    text = json.dumps({**json.loads(read(directory)[0].to_json()), **changes})
    save_file(tensors, directory / FILE, {"checkpoint": text, "sha256": _digest(text, tensors)})


def test_a_checkpoint_of_a_newer_version(stored):
    rewrite(stored, version=2)
    assert refused(stored).endswith("checkpoint version = 2 is newer than 1, the newest that this rasolve reads")


def test_checkpoints_that_do_not_add_up(stored):
    rewrite(stored, loss=[1.0])
    assert refused(stored).endswith("reference_loss has 4 steps, loss has 1")


@pytest.mark.parametrize("lacking", ["server/0", "client 2/3/exp_avg", "reference/1/step"])
def test_a_checkpoint_that_lacks_a_tensor(stored, lacking):
    saved, tensors = read(stored)
    write(stored, saved, {name: tensor for name, tensor in tensors.items() if name != lacking})
    assert f"{FILE}: lacks tensor {lacking}" in refused(stored)


def test_a_checkpoint_that_lacks_a_meter(stored):
    text = read(stored)[0].to_json()
    meters = json.loads(text)["meters"]
    assert set(meters) == {"bits", "flops", "seconds", "memory"}
    for name in meters:
        rewrite(stored, meters={other: tally for other, tally in meters.items() if other != name})
        assert refused(stored).endswith(f"{FILE}: lacks the meter of {name}")
    rewrite(stored, meters={**meters, "memory": meters["memory"][1:]})
    assert refused(stored).endswith(f"{FILE}: lacks the memory of server")
    rewrite(stored, meters=meters, first_step={"bits": []})
    assert "first_step = {'bits': []}: must " in refused(stored)


def test_directories_that_will_not_do(stored, tmp_path):
    assert refused(tmp_path / "none").endswith("none holds no checkpoint")
    with pytest.raises(InputError, match="holds a checkpoint already: resume it or name another directory"):
        run(PLAN, STEPS, checkpoint=stored)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file: File exists"):
        run(PLAN, STEPS, checkpoint=tmp_path / "file")
    (tmp_path / "taken" / UNFINISHED).mkdir(parents=True)
    with pytest.raises(InputError, match=rf"cannot write .*{FILE}: Is a directory"):
        run(PLAN, STEPS, checkpoint=tmp_path / "taken")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"checkpoint_every": 0}, "checkpoint_every = 0: must be a whole number of at least 1"),
        ({"checkpoint_every": 2}, "checkpoint_every needs checkpoint, the directory of the checkpoints"),
        ({"resume": True}, "resume needs checkpoint, the directory of the checkpoints"),
    ],
)
def test_arguments_out_of_place(arguments, message):
    with pytest.raises(InputError, match=message):
        run(PLAN, **arguments)


def test_without_safetensors_the_error_says_what_to_install():
    code = """
import sys
sys.modules["safetensors"] = None
import rasolve.executor.run
from rasolve.errors import SolverUnavailable
try:
    import rasolve.executor.checkpoint
except SolverUnavailable as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "checkpoints need safetensors: install rasolve[executor]\n"
