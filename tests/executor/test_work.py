"""Work is counted as it is done, and the time model is calibrated through the executor's own layers."""

import pytest
import torch
from executor_plans import TINY, plan

from rasolve.errors import InputError
from rasolve.executor import calibrate
from rasolve.executor.run import run
from rasolve.executor.work import Work, counted, run_work, there_and_back
from rasolve.scenario.workload import VisionTransformer
from rasolve.surrogate_models.time import TimeModel, time_model_of


def test_calls_flops_and_bytes_by_hand():
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    work, out = counted(lambda: (a @ b).relu())
    product, relu = 4 * (3 * 5 + 5 * 7 + 3 * 7), 4 * 2 * 3 * 7
    assert work == Work(flops=2 * 3 * 5 * 7, bytes=product + relu, calls=2) and out.shape == (3, 7)


def test_views_move_no_bytes_and_updates_in_place_do():
    a = torch.ones(4, 4)
    assert counted(lambda: a.view(16).unsqueeze(0))[0] == Work(bytes=0, calls=2)
    assert counted(lambda: a.mul_(2.0))[0].bytes == 2 * a.nbytes


def test_forward_and_backward():
    linear = torch.nn.Linear(6, 6, bias=False).requires_grad_(False)
    forward, backward = there_and_back(linear, torch.ones(2, 6))
    assert forward.flops == backward.flops == 2 * 2 * 6 * 6


VIT = VisionTransformer(name="tiny-vit", blocks=2, width=16, heads=2, image=8, patch=4, channels=1, classes=10)


@pytest.mark.parametrize(
    "instructions",
    [
        *(plan(cut=cut, parameter_bits=32) for cut in (0, 1, 3)),
        plan(model=VIT),
        plan().replace(cut=[0, 1, 3], rank=[1, 4, 2]),
    ],
)
def test_the_flops_of_a_run_are_those_that_it_measures(instructions):
    """All but the lowest block's input gradient, which a pass by itself takes and the run does not."""
    measured = sum(row.measured for row in run(instructions, steps=3, reference=False).rows if row.quantity == "flops")
    found = run_work(instructions, 3)
    assert measured <= found.flops <= 1.25 * measured
    assert found.calls > 0 and found.bytes > 0


def test_work_grows_with_steps_and_rounds():
    one, two, three = (run_work(plan(local_steps=2), steps) for steps in (1, 2, 3))
    step, end = one, two + one * -2
    assert end.flops == 0 and end.bytes > 0
    assert three.calls == pytest.approx(3 * step.calls + end.calls)


@pytest.fixture(scope="module")
def calibrated():
    found = calibrate.timings(2)
    return time_model_of(found.names, found.calls, found.flops, found.bytes, found.seconds, calibrate.machine())


def test_calibration_through_the_layers(calibrated, tmp_path):
    assert len(calibrated.names) == len(calibrate.WIDTHS) * len(calibrate.BATCHES)
    assert calibrated.typical_error < 0.5, "pieces a thousandfold apart in size are predicted within a factor"
    assert calibrated.machine.threads == 1 and TimeModel.load(calibrated.save(tmp_path / "t.json"))(1, 1, 1) > 0


def test_a_report_lays_wall_clock_beside_prediction(calibrated):
    report = run(plan(), steps=5, reference=False, time_model=calibrated)
    wall = report.wall_clock
    assert wall.steps == 4 and 0 < wall.measured < report.wall_seconds and wall.low < wall.predicted < wall.high
    assert type(report).from_json(report.to_json()).wall_clock.to_json() == wall.to_json()
    assert f"wall-clock of the last 4 steps: {wall.measured:.3g} s, predicted" in str(report)
    assert wall.within == (wall.low <= wall.measured <= wall.high)


def test_without_a_model_or_with_one_step_nothing_is_said(calibrated):
    assert run(plan(), steps=2, reference=False).wall_clock is None
    assert run(plan(), steps=1, reference=False, time_model=calibrated).wall_clock is None


def test_too_few_repeats():
    with pytest.raises(InputError, match="repeats = 1: must be at least 2"):
        calibrate.timings(1)


def test_a_callback_may_stop_the_run():
    report = run(plan(), steps=9, reference=False, callback=lambda step: step.number == 2)
    assert report.steps == 2 and not report.interrupted and report.model == TINY.name
