"""Running a plan: arguments, interrupts, the report."""

import math
import subprocess
import sys

import numpy as np
import pytest
from executor_plans import TINY, plan

from rasolve.errors import InputError
from rasolve.executor.need import needed_bytes
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.report import Report, Row
from rasolve.executor.run import run
from rasolve.scenario.workload import Transformer, VisionTransformer


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "the plan names no model which can be built"),
        ({"parameter_bits": 16}, "parameter_bits = 16: must be one of 32, 64 to run"),
        ({"cut": [1, 4, 1]}, "cut = 4: must be at most the 3 blocks of tiny"),
        ({"cut": [1, -1, 1]}, r"cut\[1\] = -1 must be at least 0"),
        ({"rank": [1, 0, 1]}, r"rank\[1\] = 0 must be at least 1"),
    ],
)
def test_plans_that_cannot_be_run(changes, message):
    with pytest.raises(InputError, match=message):
        run(plan().replace(**changes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps = 0: must be a whole number of at least 1"),
        ({"steps": 1.5}, "steps = 1.5: must be a whole number of at least 1"),
        ({"steps": True}, "steps = True: must be a whole number of at least 1"),
        ({"seed": -1}, "seed = -1: must be a whole number of at least 0"),
        ({"seed": "x"}, "seed = 'x': must be a whole number of at least 0"),
        ({"checkpoint_every": None}, "checkpoint_every = None: must be a whole number of at least 1"),
        ({"learning_rate": 1e300}, r"learning_rate = 1e\+300: must be at most 10"),
        ({"learning_rate": "x"}, "learning_rate = 'x': must be finite and above 0"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0: must be finite and above 0"),
        ({"learning_rate": math.nan}, "learning_rate = nan: must be finite and above 0"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(InputError, match=message):
        run(plan(), **arguments)


@pytest.mark.parametrize("given", ["plan.json", None, {}, TINY])
def test_only_plans_are_run(given):
    with pytest.raises(InputError, match=r"a plan is needed: ra.Plan.load\(...\) or result.plan\(\)"):
        run(given)


def test_numpy_integers_are_whole_numbers():
    assert run(plan(), steps=np.int64(1), seed=np.int32(0), reference=False).seed == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 10**7),
        ("batch_size", 10**30),
        ("rank", 10**9),
        ("model.width", 10**6),
        ("model.width", 10**400),
        ("model.vocabulary", 10**12),
        ("model.tokens", 10**9),
        ("model.blocks", 10**9),
        ("model.heads", 10**9),
    ],
)
def test_more_than_the_machine_has_is_refused_before_anything_is_built(field, value):
    named = field.removeprefix("model.")
    if field == "rank":
        large = plan().replace(rank=[value])
    elif field == "batch_size":
        large = plan().replace(batch_size=value)
    else:
        wide = {"width": value} if named == "heads" else {}
        large = plan().replace(model=TINY.replace(**wide, **{named: value}))
    with pytest.raises(InputError, match=r"the run needs .*B, this machine has") as caught:
        run(large)
    blamed = "model.width" if named == "heads" else field
    assert str(caught.value).startswith(f"{blamed} = {value}: ")


def test_large_images_are_refused():
    large = VisionTransformer(name="v", blocks=1, width=16, heads=2, image=10**6, patch=10**6, channels=1, classes=10)
    with pytest.raises(InputError, match=r"model.image = 1000000: the run needs"):
        run(plan().replace(model=large, cut=[1]))


@pytest.mark.parametrize("reference", [False, True])
def test_the_need_is_about_what_the_parties_hold(reference):
    spec = Transformer(name="t", blocks=2, width=64, heads=4, tokens=128, vocabulary=512)
    large = plan(model=spec, batch_size=32)
    report = run(large, 1, reference=False)
    peak = sum(row.measured for row in report.rows if row.quantity == "memory_bytes")
    assert 0.8 * peak < needed_bytes(large, False, reference) < 1.6 * peak


def interrupt_in_step(monkeypatch, number):
    """Interrupt after the activations of step `number` have crossed: the middle of a step."""
    serve = SplitFederated._serve

    def interrupted(self, arrived):
        if self.steps == number - 1:
            raise KeyboardInterrupt
        return serve(self, arrived)

    monkeypatch.setattr(SplitFederated, "_serve", interrupted)


def test_an_interrupt_returns_the_steps_done(monkeypatch):
    whole = run(plan(), steps=3)
    interrupt_in_step(monkeypatch, 4)
    report = run(plan(), steps=10)
    assert report.interrupted and not whole.interrupted
    assert report.steps == 3 and report.rounds == 1
    assert np.array_equal(report.loss, whole.loss)
    assert [row.measured for row in report.rows] == [row.measured for row in whole.rows]
    assert report.bits_agree
    assert "interrupted after 3 steps" in str(report)


def test_an_interrupt_before_the_first_step_is_done_passes_on(monkeypatch):
    interrupt_in_step(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        run(plan())


def test_the_callback_hears_of_every_step_and_may_interrupt():
    heard = []

    def callback(step):
        heard.append(step)
        if step.number == 3:
            raise KeyboardInterrupt

    report = run(plan(local_steps=2), steps=5, callback=callback)
    assert [(step.number, step.of, step.rounds) for step in heard] == [(1, 5, 0), (2, 5, 1), (3, 5, 1)]
    assert [step.loss for step in heard] == report.loss.tolist()
    assert [step.reference_loss for step in heard] == report.reference_loss.tolist()


def test_without_reference():
    report = run(plan(), steps=2, reference=False)
    assert report.reference_loss is None and report.worst_loss_difference is None
    assert Report.from_json(report.to_json()).reference_loss is None
    assert "unsplit" not in str(report)


def test_the_report_round_trips_and_reads(tmp_path):
    report = run(plan(), steps=3)
    again = Report.load(report.save(tmp_path / "report.json"))
    assert again.to_json() == report.to_json()
    assert str(again) == str(report)
    assert again.dtype == "float64" and again.data == "generated text, seed 0" and again.model == TINY.name
    text = str(report)
    assert "client 3  adapters down" in text and "equal" in text and "DIFFERS" not in text


def test_many_clients_are_added_up_in_print():
    report = run(plan(data_sizes=(1.0,) * 5), steps=2)
    lines = [line.split() for line in str(report).splitlines() if "activations  " in line]
    bits = 2 * 2 * 12 * 16 * 64
    assert lines == [
        ["clients", "activations", "bits", *2 * [f"{5 * bits:,}"], "equal"],
        ["slowest", "client", "activations", "seconds", *2 * [f"{bits / 1e7:.6g}"], "equal"],
    ]
    assert "largest client  peak" in str(report)


def test_a_report_of_unequal_losses_is_refused():
    with pytest.raises(InputError, match=r"reference_loss has shape \[2\], but \[S\] is \[3\] elsewhere"):
        run(plan(), steps=3).replace(reference_loss=[1.0, 2.0])


def test_agreement_is_judged_per_row():
    report = run(plan(), steps=1)
    row = Row(party="server", stage="server", quantity="flops", predicted=100, measured=103)
    changed = report.replace(rows=[row])
    assert changed.bits_agree and changed.worst_flops_difference == pytest.approx(0.03)


def test_without_torch_the_error_says_what_to_install():
    code = """
import sys
sys.modules["torch"] = None
import rasolve.executor, rasolve.executor.report
from rasolve.errors import SolverUnavailable
for module in ("run", "count"):
    try:
        __import__(f"rasolve.executor.{module}")
    except SolverUnavailable as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "running a plan needs torch: install rasolve[executor]",
        "counting a model needs torch: install rasolve[executor]",
    ]
