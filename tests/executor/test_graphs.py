"""The models that are shipped as profiles: their published figures, and that the shipped profiles are theirs."""

import pytest
import torch

from rasolve.errors import InputError
from rasolve.executor.flops import FORWARD, counter
from rasolve.executor.graphs import MODELS, Images, graph_model, initialised
from rasolve.executor.graphs.data import own_samples, samples_of
from rasolve.executor.trace import trace
from rasolve.executor.tracing.survey import math_attention
from rasolve.scenario.graph import graph_named, graphs

FIGURES = {
    "googlenet": ("3.01", "6.62"),
    "resnet18": ("3.63", "11.69"),
    "resnet50": ("8.19", "25.56"),
    "densenet121": ("5.67", "7.98"),
    "gpt2-s": ("136.2", "124.4"),
    "vit-b-16": ("35.13", "86.57"),
}
"""GFLOP of a forward pass at 224x224, or of 512 tokens, and millions of parameters, to the digits that are known."""

TRACED = ("resnet18", *(name for name in MODELS if name.endswith("mini")))
"""Models that are traced afresh here; each takes a second or less."""


def to_digits_of(value, figure):
    return f"{value:.{len(figure.partition('.')[2])}f}"


@pytest.mark.parametrize("name", FIGURES)
def test_published_figures(name):
    flops, parameters = FIGURES[name]
    model = graph_model(name)
    module = model.module()
    with counter(FORWARD) as counted, math_attention(), torch.no_grad():
        module(model.example())
    assert to_digits_of(counted.get_total_flops() / 1e9, flops) == flops
    assert to_digits_of(sum(weight.numel() for weight in module.parameters()) / 1e6, parameters) == parameters
    shipped = graph_named(name)
    assert shipped.forward_flops.sum() == counted.get_total_flops()
    assert to_digits_of(shipped.weight_bits.sum() / 32e6, parameters) == parameters


def test_exactly_the_models_that_can_be_built_are_shipped():
    assert set(graphs()) == set(MODELS)


@pytest.mark.parametrize("name", TRACED)
def test_shipped_profiles_are_those_of_a_fresh_trace(name):
    model = graph_model(name)
    fresh = trace(model.module(), model.example(), model=name, label_bits=model.data.label_bits)
    assert fresh.to_json() == graph_named(name).to_json()


@pytest.mark.parametrize("name", MODELS)
def test_shipped_profiles_hold_together(name):
    profile = graph_named(name)
    assert profile.inputs.tolist() == [0]
    assert (profile.output_bits > 0).all() and profile.saved_bytes is not None
    ends = set(range(profile.vertices)) - set(profile.edges[:, 0].tolist())
    assert ends == {profile.vertices - 1}, "one output"
    assert profile.label_bits == MODELS[name].data.label_bits > 0


def test_gpt2_cuts_are_as_large_everywhere_and_its_head_has_no_weights_of_its_own():
    profile = graph_named("gpt2-s")
    sizes = dict(zip(profile.names, profile.output_bits, strict=True))
    assert {sizes[f"blocks.{j}.add_2"] for j in range(12)} == {512 * 768 * 32}
    assert sizes["tokens"] == 512 * 16
    assert profile.weight_bits[-1] == 0 and profile.forward_flops[-1] == 2 * 512 * 768 * 50257


def test_blocks_are_those_of_the_papers():
    counts = {name: int(graph_named(name).block_of.max()) + 1 for name in FIGURES}
    assert counts == {
        "googlenet": 9,
        "resnet18": 8,
        "resnet50": 16,
        "densenet121": 4 + 3,
        "gpt2-s": 12,
        "vit-b-16": 12,
    }


@pytest.mark.parametrize("name", [name for name in MODELS if name.endswith("mini")])
def test_initial_weights_come_from_the_seed_alone(name):
    model = graph_model(name)
    one, same, other = (initialised(model.module(), torch.float64, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.values(), same.values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))
    assert all(torch.isfinite(value).all() for value in one.values())


@pytest.mark.parametrize("name", ["densenet-mini", "gpt-mini", "resnet18"])
def test_samples_suit_the_model(name):
    model = graph_model(name)
    samples = samples_of(model, torch.float64, None, seed=0)
    (inputs,), labels = samples.batch(3, 2)
    assert inputs.shape == model.example(2).shape
    assert inputs.dtype == (torch.float64 if isinstance(model.data, Images) else torch.int64)
    again, elsewhere = samples.batch(3, 2), samples.batch(4, 2)
    assert torch.equal(again[0][0], inputs) and torch.equal(again[1], labels)
    assert not torch.equal(elsewhere[0][0], inputs)
    if isinstance(model.data, Images) and model.data.channels > 1:
        assert torch.equal(inputs[:, 0], inputs[:, 1])


def test_samples_of_ones_own():
    labels = torch.zeros(3, dtype=torch.int64)
    samples = own_samples(((torch.zeros(3, 2), torch.ones(3, 4, dtype=torch.int64)), labels), torch.float64, 0)
    (real, whole), _ = samples.batch(0, 5)
    assert (real.shape, real.dtype) == ((5, 2), torch.float64) and (whole.shape, whole.dtype) == ((5, 4), torch.int64)
    for data, message in (
        (None, r"a module of one's own needs \(inputs, labels\)"),
        ((torch.zeros(3, 2),), r"a module of one's own needs \(inputs, labels\)"),
        ((torch.zeros(2, 2), labels), r"inputs\[0\] must be a tensor of 3 samples, as many as labels"),
        (((torch.zeros(3), 7), labels), r"inputs\[1\] must be a tensor of 3 samples"),
        ((torch.zeros(0, 2), labels[:0]), "labels must be whole numbers from 0, the classes of at least one sample"),
        ((torch.zeros(3, 2), labels - 1), "labels must be whole numbers from 0"),
        ((torch.zeros(3, 2), labels.float()), "labels must be whole numbers from 0"),
    ):
        with pytest.raises(InputError, match=message):
            own_samples(data, torch.float32, 0)


def test_unknown_models_and_files_that_do_not_suit():
    with pytest.raises(InputError, match="unknown model 'resnet19'; did you mean resnet18"):
        graph_model("resnet19")
    with pytest.raises(InputError, match="densenet-mini trains on digits: a file of text does not suit it"):
        samples_of(graph_model("densenet-mini"), torch.float32, "text.csv", 0)
