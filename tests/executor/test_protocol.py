"""The protocol's own rules, checked by hand."""

import numpy as np
import pytest
import torch
from executor_plans import TINY, plan
from torch.nn import functional

from rasolve.executor.data import load
from rasolve.executor.models import build
from rasolve.executor.protocols.aggregation import weighted_mean
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.run import run
from rasolve.plan import Stage


def protocol(p, seed=0):
    return SplitFederated(p, build(TINY, torch.float64, seed), load(TINY, p.data_sizes, None, seed), seed, 1e-2)


def test_adapters_are_averaged_by_data_size_at_the_end_of_a_round_only():
    training = protocol(plan(cut=2, local_steps=2, data_sizes=(3.0, 1.0, 4.0)))
    training.step()
    apart = [client.adapters.factors for client in training.clients]
    assert any(not torch.equal(a, b) for a, b in zip(apart[0], apart[1], strict=True))

    before_averaging = []
    end_round = training._end_round
    training._end_round = lambda: before_averaging.extend(
        [f.detach().clone() for f in client.adapters.factors] for client in training.clients
    )
    training.step()
    training._end_round = end_round
    training._end_round()
    for client in training.clients:
        for i, factor in enumerate(client.adapters.factors):
            a, b, c = (factors[i] for factors in before_averaging)
            torch.testing.assert_close(factor.detach(), (3 * a + 1 * b + 4 * c) / 8, rtol=1e-14, atol=1e-16)


def test_weighted_mean():
    mean = weighted_mean([torch.tensor([1.0, 2.0]), torch.tensor([5.0, 10.0])], [0.75, 0.25])
    assert mean.tolist() == [2.0, 4.0]


def test_the_server_follows_the_weighted_mean_gradient_and_clients_their_own():
    """One step against gradients taken by hand, client by client, on whole models at the start."""
    p = plan(cut=1, data_sizes=(3.0, 1.0))
    training = protocol(p)
    found = {}

    def record(name, adapters):
        adapters.update = lambda: found.__setitem__(name, [g.clone() for g in adapters.gradients])

    record("server", training.server_adapters)
    for client in training.clients:
        record(client.link.party, client.adapters)
    training.step()

    server = [torch.zeros_like(f) for f in training.server_adapters.factors]
    for k, (client, weight) in enumerate(zip(training.clients, (0.75, 0.25), strict=True)):
        tokens, labels = training.data.batch(k, 0, p.batch_size)
        loss = functional.cross_entropy(client.served_by(client.half(tokens)).transpose(1, 2), labels)
        own = torch.autograd.grad(loss, client.adapters.factors, retain_graph=True)
        for a, b in zip(found[f"client {k + 1}"], own, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-15)
        for total, gradient in zip(server, torch.autograd.grad(loss, training.server_adapters.factors), strict=True):
            total += weight * gradient
    for a, b in zip(found["server"], server, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("cut", [0, 1, TINY.blocks])
@pytest.mark.parametrize("bits", [32, 64])
def test_bits_equal_the_formula_by_hand(cut, bits):
    batch, rank, steps, local_steps = 2, 3, 5, 2
    report = run(plan(cut=cut, rank=rank, parameter_bits=bits, local_steps=local_steps), steps, reference=False)
    measured = {(row.party, row.stage): row.measured for row in report.rows if row.quantity == "bits"}
    n, d = TINY.tokens, TINY.width
    for k in (1, 2, 3):
        party = f"client {k}"
        assert measured[party, Stage.ACTIVATIONS] == steps * batch * n * d * bits
        assert measured[party, Stage.LABELS] == steps * batch * n * 8
        assert measured.get((party, Stage.GRADIENTS), 0) == (steps * batch * n * d * bits if cut > 0 else 0)
        for stage in (Stage.ADAPTERS_UP, Stage.ADAPTERS_DOWN):
            assert measured[party, stage] == (steps // local_steps) * cut * 4 * d * rank * bits
    assert report.bits_agree


def test_a_round_that_is_not_full_is_not_aggregated():
    report = run(plan(local_steps=4), steps=3, reference=False)
    assert report.rounds == 0
    assert sum(row.measured for row in report.rows if row.stage == Stage.ADAPTERS_UP) == 0


def test_a_wrong_prediction_shows():
    p = plan()
    wrong = [row.replace(value=row.value * 1.5) if row.stage == Stage.LABELS else row for row in p.prediction]
    report = run(p.replace(prediction=wrong), steps=2)
    assert not report.bits_agree
    assert "DIFFERS by 33.33%" in str(report)
    silent = [row for row in p.prediction if row.quantity == "bits" and row.stage != Stage.LABELS]
    report = run(p.replace(prediction=silent), steps=2)
    assert not report.bits_agree
    assert report.worst_flops_difference == np.inf
    assert "NOT PREDICTED" in str(report)
