"""Counted profiles equal the closed forms."""

import numpy as np
import pytest
import torch
from executor_plans import TINY
from torch.autograd.graph import saved_tensors_hooks

from rasolve.errors import InputError
from rasolve.executor.count import count, count_module
from rasolve.executor.lora import adapt
from rasolve.executor.models import build, skeleton
from rasolve.scenario.workload import Profile, architecture

GPT2_S_BLOCKS = architecture("gpt2-s").replace(name="two blocks of gpt2-s", blocks=2)
SMALL_VIT = architecture("vit-mini").replace(name="small vit", blocks=2, image=12, patch=3, channels=3, classes=300)
SPECS = [TINY, architecture("gpt-mini"), architecture("vit-mini"), SMALL_VIT, GPT2_S_BLOCKS]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("bits", [32, 64])
def test_count_equals_closed_form(spec, bits):
    counted, closed = count(spec, bits), spec.profile(bits)
    for name in Profile.model_fields:
        if name != "architecture":
            assert np.array_equal(getattr(counted, name), getattr(closed, name)), name


@pytest.mark.parametrize("spec", [architecture("gpt-mini"), GPT2_S_BLOCKS], ids=lambda spec: spec.name)
@pytest.mark.parametrize("rank", [1, 3, 8])
def test_every_rank_is_on_the_line(spec, rank):
    profile, n = spec.profile(), spec.tokens
    blocks = adapt(skeleton(spec, torch.float32), [rank] * spec.blocks, seed=0).block_list()
    x = torch.empty(1, n, spec.width, device="meta")
    for j in (0, 1):
        found = count_module(blocks[j], x, above_adapters=j > 0)
        assert found.forward == profile.forward_flops[j] + rank * profile.adapter_forward_flops[j]
        assert found.backward == profile.backward_flops[j] + rank * profile.adapter_backward_flops[j]
        assert found.saved == profile.saved_activation_bytes[j] + 2 * n * rank * 4


def test_counts_grow_with_the_batch_and_are_the_same_on_the_cpu():
    spec = architecture("gpt-mini")
    shape = (spec.tokens, spec.width)
    meta = adapt(skeleton(spec, torch.float32), [2] * spec.blocks, seed=0).block_list()[1]
    cpu = adapt(build(spec, torch.float32, 0), [2] * spec.blocks, seed=0).block_list()[1]
    one = count_module(meta, torch.empty(1, *shape, device="meta"), above_adapters=True)
    three = count_module(cpu, torch.zeros(3, *shape), above_adapters=True)
    assert (three.forward, three.backward, three.saved) == (3 * one.forward, 3 * one.backward, 3 * one.saved)


def test_blocks_stacked_save_what_they_save_alone():
    """A block's output is kept by the next block's norm and counted there, so nothing is counted twice."""
    spec = architecture("gpt-mini")
    model = adapt(build(spec, torch.float32, 0), [1] * spec.blocks, seed=0)
    parameters = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in parameters:
            kept[storage._cdata] = storage
        return tensor

    x = model.embedding(torch.zeros(1, spec.tokens, dtype=torch.int64))
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        for block in model.block_list():
            x = block(x)
    lora = spec.blocks * 2 * spec.tokens * 4
    assert sum(s.nbytes() for s in kept.values()) == spec.profile().saved_activation_bytes.sum() + lora


def test_other_parameter_bits_are_refused():
    with pytest.raises(InputError, match="parameter_bits = 16: must be one of 32, 64 to count"):
        count(TINY, 16)
