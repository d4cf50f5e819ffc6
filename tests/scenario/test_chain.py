"""Chains of layers: what fits on what, and that a profile of any chain is that of its model."""

import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.scenario.chain import Layer, LayerChain
from rasolve.scenario.lenet import LENET12, chain_profile
from rasolve.scenario.workload import Profile


def chain(*layers, **changes):
    made = tuple(Layer(op=op, channels=channels) for op, channels in layers)
    return LayerChain(**{"name": "small", "image": 8, "channels": 1, "layers": made, **changes})


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((("conv", 4),), "layers.0 = conv: the last layer must be fc"),
        ((("conv", 0), ("fc", 10)), "layers.0.channels = 0: must be at least 1"),
        ((("fc", 10), ("pool", 0), ("fc", 10)), "layers.1 = pool: no pool can follow a linear map"),
        ((*[("pool", 0)] * 4, ("fc", 10)), "layers.3 = pool: the image is one pixel wide before it"),
        ((("dense", 3), ("fc", 10)), "op = 'dense': must be 'conv', 'pool' or 'fc'"),
    ],
)
def test_layers_that_do_not_fit(layers, message):
    with pytest.raises(InputError, match=message):
        chain(*layers)


def test_a_profile_keeps_its_chain():
    spec = chain(("conv", 3), ("pool", 0), ("fc", 10))
    p = chain_profile(spec)
    again = Profile.from_json(p.to_json())
    assert again.architecture.to_json() == spec.to_json() and again.architecture.classes == 10
    assert p.params.tolist() == [30, 0, 490] and p.activation_bits.tolist() == [32 * n for n in (64, 192, 48, 10)]
    assert p.forward_flops.tolist() == [2 * 64 * 27, 0, 2 * 480]
    assert (LENET12.blocks, LENET12.classes, LENET12.label_bits) == (12, 10, 8)


def test_the_model_built_is_the_one_profiled():
    torch = pytest.importorskip("torch")
    from rasolve.executor.layered import make

    spec = chain(("conv", 3), ("pool", 0), ("conv", 5), ("fc", 7), ("fc", 10))
    _, (model, *_) = make(spec, 0, 32, seed=0)
    x, sizes, weights = torch.zeros(2, 1, 8, 8), [], []
    for j, block in enumerate(model.blocks):
        x = block(x)
        sizes.append(32 * x[0].numel())
        weights.append(sum(weight.numel() for weight in model.trained(j, j + 1)))
    p = chain_profile(spec)
    assert sizes == p.activation_bits[1:].tolist() and weights == p.params.tolist()
    assert np.isfinite([float(weight.detach().std()) for weight in model.trained() if weight.dim() > 1]).all()
