"""Split training is unsplit training: the same losses, whatever the cut."""

import numpy as np
import pytest
import torch
from executor_plans import TINY, plan
from torch.nn import functional

from rasolve.executor.data import load
from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import build
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.reference import Unsplit
from rasolve.executor.run import run
from rasolve.scenario.workload import architecture


@pytest.mark.parametrize("cut", [0, 1, 2, TINY.blocks])
@pytest.mark.parametrize("data_sizes", [(1.0,), (3.0, 1.0, 2.0)])
def test_split_and_unsplit_losses_agree_in_float64(cut, data_sizes):
    report = run(plan(cut=cut, data_sizes=data_sizes), steps=7)
    assert report.worst_loss_difference <= 1e-10
    assert report.rounds == 3
    assert report.bits_agree
    assert report.worst_flops_difference == 0


@pytest.mark.parametrize("cut", [0, 1, TINY.blocks])
def test_the_adapters_agree_too(cut):
    """Losses alone could hide an adapter that is never updated."""
    p = plan(cut=cut)
    model, data = build(TINY, torch.float64, 3), load(TINY, p.data_sizes, None, 3)
    split, unsplit = SplitFederated(p, model, data, 3, 1e-2), Unsplit(p, model, data, 3, 1e-2)
    for _ in range(5):
        split.step()
        unsplit.step()
    mine = [*split.server_adapters.factors, *(f for client in split.clients for f in client.adapters.factors)]
    theirs = [*unsplit.shared, *(f for own in unsplit.own for f in own)]
    assert len(mine) == 4 * (TINY.blocks - cut) + 3 * 4 * cut
    for a, b in zip(mine, theirs, strict=True):
        assert a.abs().max() > 0
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cut", [0, 2, TINY.blocks])
def test_one_client_is_ordinary_lora_fine_tuning(cut):
    p = plan(cut=cut, data_sizes=(5.0,))
    report = run(p, steps=6, seed=4, learning_rate=3e-3)

    data = load(TINY, p.data_sizes, None, 4)
    model = adapt(build(TINY, torch.float64, 4), [2] * TINY.blocks, 4)
    adam = torch.optim.Adam(adapters(model), lr=3e-3)
    losses = []
    for step in range(6):
        tokens, labels = data.batch(0, step, p.batch_size)
        loss = functional.cross_entropy(model(tokens).flatten(0, 1), labels.flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    np.testing.assert_allclose(report.loss, losses, rtol=1e-10)
    np.testing.assert_allclose(report.reference_loss, losses, rtol=1e-10)


def test_same_seed_same_report_and_no_global_random_state():
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = (run(plan(), steps=3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.loss, again.loss)
    assert not np.array_equal(first.loss, other.loss)
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])


def test_loss_falls_on_generated_text():
    p = plan(cut=2, rank=4, model=architecture("gpt-mini"), parameter_bits=32, batch_size=8, data_sizes=(1.0, 2.0))
    report = run(p, steps=12)
    assert report.loss[-1] < report.loss[0] - 1.0
    assert report.worst_loss_difference < 1e-5
    assert report.bits_agree
