"""A plan in which FedsLLM chose a cut for every client runs, and what it predicts is what is measured."""

import numpy as np
import pytest

import rasolve as ra


@pytest.mark.parametrize("model", ["gpt-mini", "vit-mini"])
def test_a_solved_plan_with_unequal_cuts_trains_as_predicted(model):
    problem = ra.FedsLLM.sample(
        seed=1,
        model=model,
        clients=3,
        subchannels=12,
        per_client=True,
        downlink=True,
        batch_size=4,
        local_steps=2,
        server_flops_per_s=2e11,
        client_flops_per_s=np.array([1e11, 1e12, 5e12]),
        label_bits=64 * 8 if model == "gpt-mini" else 8,
    )
    result = ra.solve(problem)
    assert len(set(result.decision.cut.tolist())) > 1, result.decision.cut
    plan = ra.Plan.from_json(result.plan().to_json())
    report = ra.run(plan, steps=4)
    assert report.bits_agree and report.worst_flops_difference == 0
    assert report.worst_loss_difference <= 1e-4
    for row in report.rows:
        if row.quantity == "seconds":
            assert row.measured == pytest.approx(row.predicted, rel=1e-9), row
        elif row.quantity == "memory_bytes":
            assert row.measured == pytest.approx(row.predicted, rel=1e-2), row
    for delay in report.delays:
        assert delay.measured == pytest.approx(delay.predicted, rel=1e-9)
    round_s = next(delay.measured for delay in report.delays if delay.span == "round")
    assert plan.rounds * round_s == pytest.approx(result.objective, rel=1e-9)
