"""Clients with their own cuts and ranks: parity with unsplit training, predictions, and the averages by hand."""

import numpy as np
import pytest
import torch
from executor_plans import TINY, plan
from unequal_plans import CLIENTS, unequal_plan

from rasolve.executor.data import load
from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import build
from rasolve.executor.protocols.aggregation import average_block, leading, weighted_mean
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.reference import Unsplit
from rasolve.executor.run import run
from rasolve.plan import Stage

EQUAL_LOSSES = {
    ((1, 2), (3.0, 1.0, 2.0)): (
        5.364612345345426,
        5.367547423343683,
        5.296904625391127,
        5.118674494360169,
        5.323167385760043,
    ),
    ((2, 3), (1.0,)): (5.563038359613181, 5.576416688458461, 5.168381824559077, 5.606862853690909, 5.077004669676922),
}
"""By ((cut, rank), data sizes), at seed 1."""


def measured_bits(report):
    return {(row.party, row.stage): row.measured for row in report.rows if row.quantity == "bits"}


@pytest.mark.parametrize("clients", CLIENTS)
@pytest.mark.parametrize("local_steps", [1, 3])
def test_split_and_unsplit_losses_agree_and_every_row_is_as_predicted(clients, local_steps):
    report = run(unequal_plan(**CLIENTS[clients], local_steps=local_steps), steps=7)
    assert report.worst_loss_difference <= 1e-10
    assert {row.quantity for row in report.rows} == {"flops", "bits", "seconds", "memory_bytes"}
    for row in report.rows:
        if row.quantity in ("flops", "bits"):
            assert row.measured == row.predicted > 0, row
        else:
            tolerance = 1e-12 if row.quantity == "seconds" else 1e-2
            assert row.measured == pytest.approx(row.predicted, rel=tolerance), row
    assert ("server", Stage.ADAPTERS_UP) in measured_bits(report) or clients == 1


@pytest.mark.parametrize("cut", [(0, 2, 3), (0, 0, 3), (3, 3, 1)])
def test_parity_from_nothing_to_the_whole_model_on_a_client(cut):
    report = run(plan().replace(cut=cut, rank=[2, 1, 3]), steps=5)
    assert report.worst_loss_difference <= 1e-10
    bits = measured_bits(report)
    for k, c in enumerate(cut, start=1):
        assert (bits.get((f"client {k}", Stage.GRADIENTS), 0) > 0) == (c > 0)


def test_the_adapters_agree_after_a_round_and_every_block_has_one():
    p = unequal_plan(**CLIENTS[3])
    model, data = build(TINY, torch.float64, 3), load(TINY, p.data_sizes, None, 3)
    split, unsplit = SplitFederated(p, model, data, 3, 1e-2), Unsplit(p, model, data, 3, 1e-2)
    for number in range(1, 5):
        split.step()
        unsplit.step()
        mine = [*split.server_adapters.factors, *(f for client in split.clients for f in client.adapters.factors)]
        theirs = [*unsplit.shared, *(f for own in unsplit.own for f in own)]
        for a, b in zip(mine, theirs, strict=True):
            assert a.abs().max() > 0
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
        agree = all(
            torch.equal(factor, expected)
            for client in split.clients
            for block, common in zip(client.adapters.blocks[1:], split.server_adapters.blocks, strict=False)
            for factor, expected in zip(block, leading(common, client.rank), strict=True)
        )
        assert agree == (number % 2 == 0)


def test_the_reference_is_not_trained_like_a_plan_of_other_cuts_or_ranks():
    """Else parity would say nothing."""
    p = unequal_plan(**CLIENTS[3])
    losses = run(p, steps=5).loss
    for change in ({"cut": [1, 3, 3]}, {"rank": [1, 4, 3]}):
        assert abs(run(p.replace(**change), steps=5, reference=False).loss - losses).max() > 1e-6


def test_ranks_are_averaged_component_by_component():
    """Ranks 2 and 1, data 3 and 1: component 1 as published; component 2: A of its only holder, B three quarters."""
    first = [torch.tensor([[4.0, 8.0], [1.0, 2.0]]), torch.tensor([[4.0, 12.0]])]
    second = [torch.tensor([[0.0, 4.0]]), torch.tensor([[8.0]])]
    down, up = average_block([first, second], np.array([3.0, 1.0]))
    assert down.tolist() == [[3.0, 7.0], [1.0, 2.0]]
    assert up.tolist() == [[5.0, 9.0]]
    assert [factor.tolist() for factor in leading([down, up], 1)] == [[[3.0, 7.0]], [[5.0]]]


def test_where_the_leading_factors_agree_the_average_of_products_is_exact():
    """Padding then loses nothing: Σ (D_p/D)·B_p·A_p is the product of the averages (what zeros in A would break)."""
    generator = torch.Generator().manual_seed(0)
    down = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    ups = [torch.randn(4, rank, generator=generator, dtype=torch.float64) for rank in (1, 3, 2)]
    sizes = np.array([1.0, 2.0, 5.0])
    average = average_block([[down[: up.shape[1]], up] for up in ups], sizes)
    products = sum(size / 8 * up @ down[: up.shape[1]] for size, up in zip(sizes, ups, strict=True))
    torch.testing.assert_close(average[1] @ average[0], products, rtol=1e-14, atol=1e-14)


def test_the_average_of_equal_ranks_is_the_published_one_bit_for_bit():
    generator = torch.Generator().manual_seed(0)
    versions = [[torch.randn(2, 5, generator=generator), torch.randn(4, 2, generator=generator)] for _ in range(3)]
    sizes = np.array([0.1, 0.7, 1 / 3])
    shares = [float(share) for share in sizes / sizes.sum()]
    for average, factors in zip(average_block(versions, sizes), zip(*versions, strict=True), strict=True):
        assert torch.equal(average, weighted_mean(factors, shares))


def test_blocks_are_averaged_over_those_that_trained_them():
    """Cuts 1, 3, 2 with data 3, 1, 2: block 1 by the clients, 2 and 3 with the server's copy in place of the others."""
    p = unequal_plan(cut=(1, 3, 2), rank=(2, 2, 2), data_sizes=(3.0, 1.0, 2.0), local_steps=2)
    training = SplitFederated(p, build(TINY, torch.float64, 0), load(TINY, p.data_sizes, None, 0), 0, 1e-2)
    training.step()
    end_round, before = training._end_round, {}

    def record():
        parties = {"server": training.server_adapters, **{k: c.adapters for k, c in enumerate(training.clients, 1)}}
        before.update({name: [[f.detach().clone() for f in b] for b in a.blocks] for name, a in parties.items()})
        end_round()

    training._end_round = record
    training.step()
    server = before["server"]
    expected = [
        [(3 * a + b + 2 * c) / 6 for a, b, c in zip(before[1][0], before[2][0], before[3][0], strict=True)],
        [(b + 2 * c + 3 * s) / 6 for b, c, s in zip(before[2][1], before[3][1], server[0], strict=True)],
        [(b + 5 * s) / 6 for b, s in zip(before[2][2], server[1], strict=True)],
    ]
    held = [(client.adapters.blocks, 0) for client in training.clients] + [(training.server_adapters.blocks, 1)]
    for blocks, first in held:
        for block, wanted in zip(blocks, expected[first:], strict=False):
            for factor, mean in zip(block, wanted, strict=True):
                torch.testing.assert_close(factor.detach(), mean, rtol=1e-13, atol=1e-15)


def test_blocks_above_every_cut_stay_with_the_server():
    p = unequal_plan(cut=(1, 2), rank=(1, 2), data_sizes=(1.0, 1.0), local_steps=1)
    bits = measured_bits(run(p, steps=3, reference=False))
    block = 4 * TINY.width * 64
    assert bits["server", Stage.ADAPTERS_UP] == bits["server", Stage.ADAPTERS_DOWN] == 3 * 2 * block
    assert bits["client 1", Stage.ADAPTERS_UP] == bits["client 1", Stage.ADAPTERS_DOWN] == 3 * 1 * block
    assert bits["client 2", Stage.ADAPTERS_UP] == bits["client 2", Stage.ADAPTERS_DOWN] == 3 * 2 * 2 * block


def test_every_party_starts_from_the_leading_components_of_one_adapter():
    model = build(TINY, torch.float64, 0)
    large = adapters(adapt(model, [4] * TINY.blocks, 0))
    small = adapters(adapt(model, [1] * TINY.blocks, 0, largest=4))
    for i in range(0, len(large), 4):
        for factor, expected in zip(small[i : i + 4], leading(large[i : i + 4], 1), strict=True):
            assert torch.equal(factor, expected)


def test_equal_cuts_and_ranks_train_as_before():
    """Losses of the protocol before clients could differ; the server takes no part in the aggregation."""
    for ((cut, rank), data_sizes), losses in EQUAL_LOSSES.items():
        report = run(plan(cut=cut, rank=rank, data_sizes=data_sizes), steps=5, seed=1)
        np.testing.assert_allclose(report.loss, losses, rtol=1e-12)
        assert not any(row.party == "server" and row.quantity == "bits" for row in report.rows)
