"""The layers of a module: that they are the module, that their counts add up, and what cannot be traced."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves
from traced_modules import Attention, Halves, Recurrent, Shared, Tokens, TwoInputs, chain, modules

import rasolve as ra
from rasolve.errors import InputError
from rasolve.executor.flops import BACKWARD, FORWARD, counter
from rasolve.executor.ledger import Ledger
from rasolve.executor.trace import layer_seconds, profile_of, trace, traced_layers
from rasolve.executor.tracing.layers import run, state_on
from rasolve.executor.tracing.survey import math_attention

MODULES = modules()


@cache
def traced(name, fuse=True):
    """Return the layers of a module of that name."""
    found = traced_layers(*MODULES[name])
    return found if fuse else traced(name).grouped(fuse=False)


def outputs(value):
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def through_layers(layers, inputs):
    """Run a module layer by layer on copies of its weights; returns its outputs and the gradients by name."""
    state = state_on("cpu", layers.module, layers.program)
    values = layers.given(inputs)
    with math_attention():
        for layer in layers.layers:
            values |= run(layer, values, state)
        found = list(run(layers.result, values, state).values())
    torch.autograd.backward([out for out in found if out.requires_grad], ones(found))
    return found, {name: each.grad for name, each in state.items() if isinstance(each, torch.Tensor)}


def ones(found):
    return [torch.ones_like(out) for out in found if out.requires_grad]


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("name", MODULES)
def test_layers_one_by_one_are_the_module(name, fuse):
    module, inputs = MODULES[name]
    found, gradients = through_layers(traced(name, fuse).layers, inputs)
    whole = copy.deepcopy(module)
    with math_attention():
        expected = outputs(whole(*inputs))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
    wanted = [out for out in expected if out.requires_grad]
    torch.autograd.backward(wanted, [torch.ones_like(out) for out in wanted])
    own = dict(whole.named_parameters(remove_duplicate=False))
    trained = {name: gradient for name, gradient in gradients.items() if name in own}
    assert {id(own[name]) for name in trained} == {id(each) for each in own.values()}
    for name, gradient in trained.items():
        torch.testing.assert_close(gradient, own[name].grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "recurrent"])
def test_counts_add_up_to_those_of_the_whole_module(name):
    """FLOPs of a forward and a backward pass, bits of the weights, and bytes kept for backward, all on real data."""
    module, inputs = copy.deepcopy(MODULES[name])
    profile = profile_of(traced(name), name, 0)
    ledger = Ledger(lambda: [*module.parameters(), *module.buffers()])
    with math_attention(), counter(FORWARD) as forward, ledger.watching():
        found = outputs(module(*inputs))
    assert profile.saved_bytes.sum() * 4 == ledger.passing_bytes
    with math_attention(), counter(BACKWARD) as backward:
        torch.autograd.backward([out for out in found if out.requires_grad], ones(found))
    assert profile.forward_flops.sum() * 4 == forward.get_total_flops()
    assert profile.backward_flops.sum() * 4 == backward.get_total_flops()
    assert profile.weight_bits.sum() == 64 * sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("name", MODULES)
def test_fusing_moves_work_and_weights_and_loses_none(name):
    fused, apart = (profile_of(traced(name, fuse), name, 0) for fuse in (True, False))
    for field in ("forward_flops", "backward_flops", "weight_bits", "saved_bytes"):
        assert getattr(fused, field).sum() == getattr(apart, field).sum(), field
    assert set(fused.names) <= set(apart.names)


def parents(profile, name):
    v = profile.names.index(name)
    return {profile.names[u] for u in profile.edges[profile.edges[:, 1] == v, 0]}


def test_convolution_norm_and_activation_are_one_layer():
    profile = trace(chain(), torch.zeros(2, 1, 8, 8))
    assert profile.names == ("input", "0", "4")
    assert trace(chain(), torch.zeros(2, 1, 8, 8), fuse=False).names == ("input", "0", "1", "2", "4")
    assert profile.output_bits.tolist() == [64 * 32, 4 * 36 * 32, 3 * 32]
    assert profile.forward_flops.tolist() == [0, 2 * 36 * 9 * 4, 2 * 144 * 3]
    assert profile.backward_flops.tolist() == [0, 2 * 36 * 9 * 4, 2 * 2 * 144 * 3]
    assert profile.weight_bits.tolist() == [0, 32 * (36 + 8), 32 * (144 * 3 + 3)]


def test_views_masks_and_whole_slices_are_no_layers():
    profile = trace(Attention(), torch.zeros(2, 5, 16))
    assert profile.names == ("x", "norm", "qkv", "scaled_dot_product_attention", "out", "add")
    assert parents(profile, "scaled_dot_product_attention") == {"x", "qkv"}
    assert parents(profile, "add") == {"x", "out"}


def test_a_slice_that_is_read_alone_is_a_layer():
    profile = trace(Halves(), torch.zeros(2, 16))
    assert profile.names == ("x", "both", "chunk", "chunk_2", "left", "right", "add", "max")
    assert parents(profile, "right") == parents(profile, "max") == {"chunk_2"}
    sizes = dict(zip(profile.names, profile.output_bits, strict=True))
    assert sizes["chunk"] == sizes["chunk_2"] == 16 * 32 and sizes["both"] == 32 * 32
    assert sizes["max"] == 32 + 64


def test_weights_that_are_shared_are_charged_where_they_are_used_first():
    profile = trace(Shared(), torch.zeros(2, 4))
    assert profile.names == ("x", "one", "one_2", "other")
    assert profile.weight_bits.tolist() == [0, 32 * 20, 0, 32 * 4]


def test_indices_travel_in_whole_bytes():
    profile = trace(TwoInputs(), (torch.zeros(2, 4), torch.zeros(2, 7, dtype=torch.int64)))
    assert profile.names[:2] == ("x", "rows") and profile.inputs.tolist() == [0, 1]
    assert profile.output_bits[:2].tolist() == [4 * 32, 7 * 16]
    assert parents(profile, "cat") == {"dense", "mean"}


def test_a_class_token_belongs_to_the_layer_that_joins_it_and_encoder_layers_are_blocks():
    profile = trace(Tokens(), torch.zeros(2, 5, dtype=torch.int64))
    sizes = dict(zip(profile.names, profile.weight_bits, strict=True))
    assert sizes["cat"] == 32 * 16
    assert parents(profile, "layers.1.self_attn") == {"tokens", "layers.0.add_2"}
    blocks = {name: int(block) for name, block in zip(profile.names, profile.block_of, strict=True)}
    assert {name for name, block in blocks.items() if block < 0} == {"tokens", "table", "cat", "select"}
    assert {block for name, block in blocks.items() if name.startswith("layers.1")} == {1}


def test_all_parameters_count_as_trained_and_the_module_stays_as_it_is():
    frozen = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)).requires_grad_(False)
    before = copy.deepcopy(frozen.state_dict())
    with torch.no_grad():
        profile = trace(frozen, torch.zeros(3, 4))
    assert profile.backward_flops.tolist() == [0, 2 * 16, 4 * 8]
    assert not any(weight.requires_grad for weight in frozen.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before.values(), frozen.state_dict().values(), strict=True))


def test_the_meta_device_is_enough():
    with torch.device("meta"):
        module, x = chain(), torch.empty(2, 1, 8, 8)
    assert trace(module, x).to_json() == trace(chain(), torch.zeros(2, 1, 8, 8)).to_json()


def test_counts_are_per_sample():
    one, many = (trace(chain(), torch.zeros(b, 1, 8, 8), label_bits=8) for b in (2, 7))
    for field in ("forward_flops", "backward_flops", "output_bits", "weight_bits"):
        assert getattr(one, field).tolist() == getattr(many, field).tolist(), field
    assert one.label_bits == many.label_bits == 8


def test_the_profile_is_exported_lazily_and_named():
    assert ra.trace is trace
    profile = trace(chain(), torch.zeros(2, 1, 8, 8), model="mine")
    assert profile.model == "mine" and trace(chain(), torch.zeros(2, 1, 8, 8)).model == "Sequential"
    assert profile.says == "per sample of 1x8x8 float32; 479 parameters, all trained; norms and activations fused"


class Own(nn.Module):
    """A module with one layer and a buffer, for forward passes that cannot be traced."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.register_buffer("n", torch.zeros(()))


class Branch(Own):
    def forward(self, x):
        if x.sum() > 0:
            x = x * 2
        return self.a(x)


class Item(Own):
    def forward(self, x):
        return self.a(x)[: int(x[0, 0].item())]


class Elsewhere(Own):
    def forward(self, x):
        return self.a(torch.from_numpy(x.numpy()))


class Chosen(Own):
    def forward(self, x):
        y = self.a(x)
        return y[y > 0].sum()


class Part(Own):
    def forward(self, x):
        y = self.a(x)
        y[:, 0] = 0
        return y


class Noisy(Own):
    def forward(self, x):
        return self.a(x).normal_()


class Counting(Own):
    def forward(self, x):
        self.n += 1
        return self.a(x) * self.n


class Absent(Own):
    def forward(self, x):
        return {"a": self.a(x)}["b"]


HERE = r"test_trace\.py:\d+: "


@pytest.mark.parametrize(
    ("module", "inputs", "message"),
    [
        (Branch(), (2, 4), f"Branch cannot be traced: what it does depends on the values of its data, at {HERE}if"),
        (Item(), (2, 4), f"what it does depends on the values of its data, at {HERE}return self.a"),
        (Elsewhere(), (2, 4), rf"\.numpy\(\) is not supported for tensor subclasses, at {HERE}return self.a"),
        (Chosen(), (2, 4), r"index \(return y\[y > 0\]\.sum\(\)\) cannot be traced: the size of its result"),
        (Part(), (2, 4), r"fill_ \(y\[:, 0\] = 0\): writes into part of a tensor"),
        (Noisy(), (2, 4), r"normal_ \(return self\.a\(x\)\.normal_\(\)\): overwrites an activation"),
        (Counting(), (2, 4), r"add_ \(self\.n \+= 1\): overwrites a buffer, which only layers of torch.nn may"),
        (Absent(), (2, 4), f"KeyError: 'b', at {HERE}return"),
        (nn.Linear(5, 4), (2, 4), "Linear cannot be traced: a and b must have same reduction dim"),
        (nn.ReLU(), (2, 4), "ReLU has no layer with parameters between its inputs and its output"),
        (nn.Sequential(), (2, 4), "Sequential has no layer with parameters between its inputs and its output"),
        (TwoInputs(), (2, 4), "TwoInputs cannot be traced: TypeError: missing a required argument: 'rows'"),
        (nn.Linear(4, 4), (), r"inputs\[0\]: must be a tensor whose first dimension is the mini-batch"),
    ],
)
def test_what_cannot_be_traced_is_said_in_one_line(module, inputs, message, capfd):
    with pytest.raises(InputError, match=message) as caught:
        trace(module, torch.zeros(inputs))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert capfd.readouterr() == ("", ""), "torch's own account is not for people"


@pytest.mark.parametrize("inputs", [None, 3, "x", [[1.0]]])
def test_inputs_that_are_no_tensors_are_refused(inputs):
    with pytest.raises(InputError, match=r"inputs\[0\]: must be a tensor whose first dimension is the mini-batch"):
        trace(nn.Linear(4, 4), inputs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((chain, torch.zeros(2)), "must be a torch.nn.Module"),
        ((chain(), ()), "inputs is empty: the module's arguments are needed"),
        ((chain(), (torch.zeros(2, 1, 8, 8), 3)), r"inputs\[1\]: must be a tensor"),
        ((chain(), torch.zeros(0, 1, 8, 8)), r"inputs\[0\]: must be a tensor"),
    ],
)
def test_arguments_that_are_none(arguments, message):
    with pytest.raises(InputError, match=message):
        trace(*arguments)


def test_every_layer_is_timed():
    heard = []
    seconds = layer_seconds(Recurrent(), torch.randn(3, 5, 4), repeats=3, callback=lambda n, of: heard.append((n, of)))
    assert seconds.shape == (len(trace(Recurrent(), torch.zeros(3, 5, 4)).names), 3)
    assert (seconds[0] == 0).all() and (seconds[1:] > 0).all()
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_more_work_takes_longer():
    wide = nn.Sequential(nn.Linear(16, 600), nn.Linear(600, 600), nn.Linear(600, 4))
    seconds = np.median(layer_seconds(wide, torch.randn(64, 16), repeats=5), axis=1)
    assert seconds[2] > 3 * max(seconds[1], seconds[3])


def test_what_cannot_be_timed():
    with torch.device("meta"):
        module, x = chain(), torch.empty(2, 1, 8, 8)
    with pytest.raises(InputError, match="module: on the meta device, without numbers: nothing can be timed"):
        layer_seconds(module, torch.zeros(2, 1, 8, 8))
    with pytest.raises(InputError, match="inputs: on the meta device"):
        layer_seconds(chain(), x)
    with pytest.raises(InputError, match="repeats = 0: must be a whole number of at least 1"):
        layer_seconds(chain(), torch.zeros(2, 1, 8, 8), repeats=0)
