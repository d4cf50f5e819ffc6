"""Models as blocks in a row between two ends, whose trained parameters can be handed from one party to another."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rasolve.executor.lora import adapt
from rasolve.executor.models import DTYPES, build
from rasolve.executor.streams import Stream, torch_generator
from rasolve.scenario.chain import KERNEL, LayerChain
from rasolve.scenario.workload import Buildable


class ToType(nn.Module):
    """Brings images to the type that the model computes in."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, images: Tensor) -> Tensor:
        """Return the images in that type."""
        return images.to(self.dtype)


@dataclass(frozen=True, eq=False)
class Layered:
    """An embedding, J blocks and a head; what is trained of it are the parameters of blocks that need a gradient."""

    embedding: nn.Module
    blocks: Sequence[nn.Module]
    head: nn.Module

    def below(self, cut: int) -> nn.Sequential:
        """Return what the device has: the embedding and blocks 1..cut, at the last cut the head, too."""
        ends = [self.head] if cut == len(self.blocks) else []
        return nn.Sequential(self.embedding, *self.blocks[:cut], *ends)

    def above(self, cut: int) -> nn.Sequential:
        """Return what the server has: blocks cut+1..J and the head."""
        return nn.Sequential(*self.blocks[cut:], self.head)

    def trained(self, first: int = 0, last: int | None = None) -> list[nn.Parameter]:
        """Return the trained parameters of blocks first+1..last, all by default."""
        return [weight for block in self.blocks[first:last] for weight in block.parameters() if weight.requires_grad]


def make(spec: Buildable, rank: int, parameter_bits: int, seed: int) -> tuple[nn.Module, list[Layered]]:
    """Return an initial model, and three layered models that start as that and are trained apart.

    A transformer's have adapters of `rank` of their own, drawn from `seed`, on frozen weights that they share.
    """
    dtype = DTYPES[parameter_bits]
    if isinstance(spec, LayerChain):
        chain = build_chain(spec, dtype, seed)
        copies = [copy.deepcopy(chain) for _ in range(3)]
        return chain, [Layered(ToType(dtype), list(each), nn.Identity()) for each in copies]
    model = build(spec, dtype, seed)
    adapted = [adapt(model, [rank] * spec.blocks, seed) for _ in range(3)]
    return model, [Layered(each.embedding, each.block_list(), each.head) for each in adapted]


def build_chain(spec: LayerChain, dtype: torch.dtype, seed: int) -> nn.Sequential:
    """Return a chain's blocks, their weights drawn from `seed` alone: N(0, 2/fan-in) (He et al., 2015), biases 0."""
    with torch.device("meta"):
        chain = nn.Sequential(*_blocks(spec))
    chain = chain.to(dtype).to_empty(device="cpu")
    generator = torch_generator(seed, Stream.WEIGHTS)
    for layer in chain.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return chain


def _blocks(spec: LayerChain) -> list[nn.Module]:
    """Return the blocks on the current device; the first linear map reads the whole image."""
    side, channels, flat = spec.image, spec.channels, False
    found: list[nn.Module] = []
    for j, layer in enumerate(spec.layers):
        if layer.op == "pool":
            found.append(nn.MaxPool2d(2))
            side //= 2
        elif layer.op == "conv":
            found.append(nn.Sequential(nn.Conv2d(channels, layer.channels, KERNEL, padding="same"), nn.ReLU()))
            channels = layer.channels
        else:
            inputs = channels if flat else channels * side**2
            end = [] if j == spec.blocks - 1 else [nn.ReLU()]
            found.append(nn.Sequential(*([] if flat else [nn.Flatten()]), nn.Linear(inputs, layer.channels), *end))
            channels, flat = layer.channels, True
    return found
