"""Models known by their profile: the card's figures, and closed forms against torch's own counts."""

import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.scenario.cuts import cut_table
from rasolve.scenario.lenet import LENET12, lenet12
from rasolve.scenario.llama import GatedDecoder
from rasolve.scenario.models import PROFILES, SAYS, profile_named

LENET_KIB = [98, 98, 24.5, 49, 49, 12.25, 24.5, 24.5, 4.5, 1.49, 0.75, 0.04]
"""Activations of LeNet-12 in KiB of fp32 (published)."""


def test_lenet_has_the_published_figures():
    p = lenet12()
    assert p.blocks == 12 and np.round(p.activation_bits[1:] / 8 / 1024, 2).tolist() == LENET_KIB
    assert p.activation_bits[0] == 28 * 28 * 32
    assert p.forward_flops.sum() == pytest.approx(59.3e6, rel=1e-3)
    assert p.backward_flops.sum() == 2 * p.forward_flops.sum() - p.forward_flops[0]
    assert [j + 1 for j in np.flatnonzero(p.params == 0)] == [3, 6, 9], "pooling has no weights"


def test_llama_has_the_counted_figures():
    p = profile_named("llama-3.2-1b")
    assert p.blocks == 16 and p.activation_bits[3] == 512 * 2048 * 32
    assert (p.adapter_params == 6656).all() and p.params[0] == pytest.approx(60.8e6, rel=1e-3)
    projections = p.forward_flops[0] - 4 * 512**2 * 2048
    assert projections / 512 == pytest.approx(0.1216e9, rel=1e-3)
    assert p.head_forward_flops / 512 == pytest.approx(0.525e9, rel=1e-3)


def test_end_cuts_follow_the_conventions():
    p = profile_named("gpt-mini")
    table = cut_table(p, 4)
    assert table.server_flops[-1] == table.up_bits[-1] == table.down_bits[-1] == 0, "all on the device: nothing is sent"
    assert table.down_bits[0] == 0 < table.up_bits[0] and table.trained_bits[0] == 0, "no gradient comes back to cut 0"
    assert table.device_flops[0] == p.embedding_forward_flops
    whole = table.device_flops + table.server_flops
    assert whole == pytest.approx(np.full(5, whole[0])), "a cut moves work and makes none"
    assert table.trained_bits == pytest.approx(p.adapter_bits(np.arange(5), 4))
    assert cut_table(lenet12(), 0).trained_bits[-1] == 32 * lenet12().params.sum()
    with pytest.raises(InputError, match="rank = 1: lenet12 needs 0"):
        cut_table(lenet12(), 1)


def test_models_by_name():
    assert set(PROFILES) == set(SAYS) >= {"gpt2-s", "lenet12", "llama-3.2-1b"}
    assert all(profile_named(name).model == name for name in PROFILES)
    with pytest.raises(InputError, match=r"unknown model 'llama'; did you mean llama-3.2-1b"):
        profile_named("llama")


def counted(module, x):
    """Return forward and backward FLOPs and bytes kept of a module on the meta device."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from rasolve.executor.ledger import Ledger

    ledger = Ledger(module.parameters)
    with FlopCounterMode(display=False) as forward, ledger.watching():
        out = module(x)
    kept = ledger.passing_bytes
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(out, torch.empty_like(out))
    return np.array([forward.get_total_flops(), backward.get_total_flops(), kept])


def test_lenet_is_what_torch_counts():
    torch = pytest.importorskip("torch")
    nn, p = torch.nn, lenet12()
    with torch.device("meta"):
        x, modules = torch.empty(1, 1, 28, 28), []
        for j, layer in enumerate(LENET12.layers):
            if layer.op == "conv":
                modules.append(nn.Sequential(nn.Conv2d(x.shape[1], layer.channels, 3, padding="same"), nn.ReLU()))
            elif layer.op == "pool":
                modules.append(nn.MaxPool2d(2))
            else:
                linear = nn.Linear(x[0].numel(), layer.channels)
                modules.append(nn.Sequential(nn.Flatten(), linear, *([nn.ReLU()] if j < 11 else [])))
            x = modules[-1](x)
            assert x.numel() * 32 == p.activation_bits[j + 1]
            assert sum(weight.numel() for weight in modules[-1].parameters()) == p.params[j]
        chain = nn.Sequential(*modules, nn.LogSoftmax(dim=1))
        forward, backward, kept = counted(chain, torch.empty(1, 1, 28, 28))
    assert (forward, backward) == (p.forward_flops.sum(), p.backward_flops.sum())
    assert kept == p.saved_activation_bytes.sum() + 10 * 4, "and the label, which the loss keeps"


@pytest.mark.parametrize("lowest", [True, False])
def test_a_gated_decoder_is_what_torch_counts(lowest):
    torch = pytest.importorskip("torch")
    from torch import nn
    from torch.nn.attention import SDPBackend, sdpa_kernel

    n, d, heads, groups, hidden = 64, 32, 4, 2, 80
    spec = GatedDecoder("tiny", 2, d, heads, groups, hidden, n, 100)
    p, block, width, rotation = spec.profile(), 0 if lowest else 1, d * groups // heads, d // heads

    class Block(nn.Module):
        def __init__(self, rank):
            super().__init__()

            def linear(inside, out):
                return nn.Linear(inside, out, bias=False).requires_grad_(False)

            self.norm, self.norm2 = nn.RMSNorm(d).requires_grad_(False), nn.RMSNorm(d).requires_grad_(False)
            self.q, self.k, self.v, self.o = linear(d, d), linear(d, width), linear(d, width), linear(d, d)
            self.gate, self.up, self.down = linear(d, hidden), linear(d, hidden), linear(hidden, d)
            pairs = ((d, rank), (rank, d), (d, rank), (rank, width))
            self.lora = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairs)

        def forward(self, x):
            z = self.norm(x)
            q, v = self.q(z) + self.lora[1](self.lora[0](z)), self.v(z) + self.lora[3](self.lora[2](z))
            q, k, v = (t.view(1, n, -1, rotation).transpose(1, 2) for t in (q, self.k(z), v))
            with sdpa_kernel(SDPBackend.MATH):
                y = nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
            x = x + self.o(y.transpose(1, 2).reshape(1, n, d))
            z = self.norm2(x)
            return x + self.down(nn.functional.silu(self.gate(z)) * self.up(z))

    with torch.device("meta"):
        x = torch.empty(1, n, d).requires_grad_(not lowest)
        one, two = counted(Block(1), x), counted(Block(2), x)
    frozen, adapter = 2 * one - two, two - one
    assert frozen.tolist() == [p.forward_flops[block], p.backward_flops[block], p.saved_activation_bytes[block]]
    expected = [p.adapter_forward_flops[block], p.adapter_backward_flops[block], p.adapter_saved_bytes[block]]
    assert adapter.tolist() == expected
