"""The model, its adapters and its halves."""

import numpy as np
import pytest
import torch
from executor_plans import TINY

from rasolve.executor.links import Link, pack, unpack
from rasolve.executor.lora import adapt, adapters, merge
from rasolve.executor.meters import Meter
from rasolve.executor.models import build
from rasolve.executor.split import split


@pytest.fixture(scope="module")
def model():
    return build(TINY, torch.float64, seed=0)


@pytest.fixture(scope="module")
def tokens():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(TINY.vocabulary, size=(3, TINY.tokens)))


def with_trained_factors(model, ranks):
    adapted = adapt(model, ranks, seed=0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for factor in adapters(adapted):
            factor.normal_(generator=generator)
    return adapted


def test_the_base_is_frozen_and_fresh_adapters_change_nothing(model, tokens):
    adapted = adapt(model, [2] * TINY.blocks, seed=0)
    assert adapters(model) == []
    assert torch.equal(model(tokens), adapted(tokens))


@pytest.mark.parametrize("rank", [1, 2, 8])
def test_adapter_parameters_are_4d_per_rank_and_block(model, rank):
    for block in adapt(model, [rank] * TINY.blocks, seed=0).block_list():
        assert sum(factor.numel() for factor in adapters(block)) == 4 * TINY.width * rank


def test_ranks_may_differ_per_block(model):
    sizes = [sum(f.numel() for f in adapters(b)) for b in adapt(model, [1, 4, 2], seed=0).block_list()]
    assert sizes == [4 * TINY.width * rank for rank in (1, 4, 2)]


def test_merged_weights_give_the_same_output(model, tokens):
    adapted = with_trained_factors(model, [2, 1, 3])
    merged = merge(adapted)
    assert adapters(merged) == []
    assert not torch.allclose(adapted(tokens), model(tokens))
    torch.testing.assert_close(merged(tokens), adapted(tokens).detach(), rtol=1e-12, atol=1e-12)


def test_attention_is_causal(model, tokens):
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % TINY.vocabulary
    assert torch.equal(model(tokens)[:, :6], model(changed)[:, :6])
    assert not torch.equal(model(tokens)[:, 6], model(changed)[:, 6])


@pytest.mark.parametrize("cut", range(TINY.blocks + 1))
def test_the_halves_make_the_whole(model, tokens, cut):
    halves = split(model, cut)
    assert torch.equal(halves.server(halves.client(tokens)), model(tokens))


@pytest.mark.parametrize(("vocabulary", "width"), [(2, 1), (256, 1), (257, 2), (65536, 2), (65537, 3), (2**24 + 1, 4)])
def test_labels_travel_in_the_narrowest_whole_bytes(vocabulary, width):
    spec = TINY.replace(vocabulary=vocabulary)
    assert spec.label_bits == 8 * width * spec.tokens
    labels = torch.tensor([[0, 1, vocabulary - 1]])
    assert len(pack(labels, width)) == 3 * width
    assert torch.equal(unpack(pack(labels, width), width).reshape(1, 3), labels)


def test_a_link_counts_bits_and_hands_over_a_copy():
    meter = Meter()
    link = Link("client 1", meter, label_bytes=1)
    sent = torch.arange(6.0, requires_grad=True).reshape(2, 3).T
    arrived = link.send("activations", sent)
    assert torch.equal(arrived, sent) and not arrived.requires_grad and arrived.is_leaf
    link.send("activations", sent)
    link.send("labels", torch.tensor([1, 2, 3]))
    assert meter.bits == {("client 1", "activations"): 2 * 6 * 32, ("client 1", "labels"): 3 * 8}
