"""Simulated seconds of stages, steps, rounds and the training; wall-clock beside them."""

import numpy as np
import pytest
from executor_plans import plan

import rasolve as ra
from rasolve.executor.run import run
from rasolve.plan import Stage

SLOW = {"client_flops_per_s": 2e10, "server_flops_per_s": 1e13}


def planned(**sizes):
    problem = ra.FedsLLM.sample(model="gpt-mini", seed=2, clients=4, local_steps=2, batch_size=2, **SLOW, **sizes)
    return problem, ra.solve(problem, "baseline:a", seed=1)


@pytest.mark.parametrize("downlink", [False, True])
@pytest.mark.parametrize("label_bits", [0, 512])
def test_a_run_takes_the_objective_s_time(downlink, label_bits):
    problem, result = planned(downlink=downlink, label_bits=label_bits)
    report = run(result.plan(), steps=5, reference=False)
    assert report.worst_seconds_difference < 1e-12
    delays = {each.span: each for each in report.delays}
    parts = result.evaluation.parts
    assert list(delays) == ["local step", "round", "training"]
    for span, expected in (
        ("local step", parts["local_step_s"]),
        ("round", parts["round_s"]),
        ("training", result.objective),
    ):
        assert delays[span].predicted == pytest.approx(float(expected), rel=1e-12)
        assert delays[span].measured == pytest.approx(float(expected), rel=1e-12)
    stages = {row.stage for row in report.rows if row.quantity == "seconds"}
    assert (Stage.LABELS in stages) == (label_bits > 0)
    assert (Stage.GRADIENTS in stages) == (Stage.ADAPTERS_DOWN in stages) == downlink
    assert problem.label_bits == label_bits


def test_seconds_by_hand():
    p = plan(cut=1, rank=2, data_sizes=(1.0, 1.0)).replace(
        client_flops_per_s=[1e9, 2e9], uplink_bps=[1e6, 4e6], fed_uplink_bps=[1e5, 1e6], fed_downlink_bps=[1e6, 2e5]
    )
    report = run(p, steps=3, reference=False)
    measured = {(row.party, row.stage, row.quantity): row.measured for row in report.rows}
    assert report.rounds == 1
    for k, speed, up, fed_up, down, fed_down in ((1, 1e9, 1e6, 1e5, 2e7, 1e6), (2, 2e9, 4e6, 1e6, 2e7, 2e5)):
        for stage, quantity, rate in (
            (Stage.CLIENT_FORWARD, "flops", speed),
            (Stage.CLIENT_BACKWARD, "flops", speed),
            (Stage.ACTIVATIONS, "bits", up),
            (Stage.GRADIENTS, "bits", down),
            (Stage.ADAPTERS_UP, "bits", fed_up),
            (Stage.ADAPTERS_DOWN, "bits", fed_down),
        ):
            party = f"client {k}"
            assert measured[party, stage, "seconds"] == pytest.approx(
                measured[party, stage, quantity] / rate, rel=1e-14
            )
    step, aggregation = report.delays[0].measured, report.delays[1].measured - 2 * report.delays[0].measured

    def most(*stages, times=3):
        return max(sum(measured[f"client {k}", stage, "seconds"] for stage in stages) for k in (1, 2)) / times

    before = most(Stage.CLIENT_FORWARD, Stage.ACTIVATIONS)
    after = most(Stage.GRADIENTS, Stage.CLIENT_BACKWARD)
    server = measured["server", Stage.SERVER, "seconds"] / 3
    assert step == pytest.approx(before + server + after, rel=1e-12)
    assert aggregation == pytest.approx(most(Stage.ADAPTERS_UP, times=1) + most(Stage.ADAPTERS_DOWN, times=1), rel=1e-9)


def test_a_wrong_rate_shows():
    p = plan()
    slower = p.replace(uplink_bps=np.asarray(p.uplink_bps) / 2)
    report = run(slower, steps=2, reference=False)
    assert report.worst_seconds_difference == pytest.approx(1.0)
    assert report.delays[0].measured > report.delays[0].predicted
    assert "DIFFERS by 100.00%" in str(report) and report.bits_agree


def test_labels_of_another_size_than_the_problem_counts_show():
    _, result = planned(label_bits=256)  # on the wire they have 512
    report = run(result.plan(), steps=1, reference=False)
    labels = [row for row in report.rows if row.stage == Stage.LABELS and row.quantity == "seconds"]
    assert all(row.measured == pytest.approx(2 * row.predicted) for row in labels) and len(labels) == 4


def test_without_a_round_there_is_only_the_local_step():
    report = run(plan(local_steps=4), steps=3, reference=False)
    assert [each.span for each in report.delays] == ["local step"]
    assert report.schedule("measured").aggregation_s == 0
    assert "simulated local step" in str(report) and "simulated round" not in str(report)


def test_an_objective_that_is_no_time_is_not_compared_with_one():
    report = run(plan().replace(unit="J"), steps=2, reference=False)
    assert [each.span for each in report.delays] == ["local step", "round"]


def test_wall_clock_covers_every_stage_of_all_steps_but_the_first():
    report = run(plan(local_steps=2), steps=5, reference=False)
    rows = {(row.party, row.stage): row for row in report.wall}
    measured = {(row.party, row.stage, row.quantity): row.measured for row in report.rows}
    stages = [stage for stage in Stage if stage not in (Stage.PEAK, Stage.WEIGHTS_UP, Stage.WEIGHTS_DOWN)]
    assert rows.keys() == {("server" if s == Stage.SERVER else f"client {k}", s) for s in stages for k in (1, 2, 3)}
    for (party, stage), row in rows.items():
        assert row.seconds > 0
        assert row.flops * 5 == measured.get((party, stage, "flops"), 0) * 4
        rounds = stage in (Stage.ADAPTERS_UP, Stage.ADAPTERS_DOWN)
        sent = measured.get((party, stage, "bits"), 0) / 8
        assert row.bytes == (sent if rounds else sent * 4 / 5), "the first step ends no round"
    assert sum(row.seconds for row in report.wall) < report.wall_seconds


def test_one_step_has_no_undisturbed_time():
    report = run(plan(), steps=1, reference=False)
    assert report.wall == () and "from the second step on" not in str(report)
