"""The models whose profiles are shipped: published networks in plain torch, and small ones that train here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from rasolve.errors import named
from rasolve.executor.graphs.densenet import densenet121, densenet_mini
from rasolve.executor.graphs.googlenet import GoogLeNet, GoogLeNetMini
from rasolve.executor.graphs.gpt2 import GPT2
from rasolve.executor.graphs.resnet import Basic, Bottleneck, ResNet
from rasolve.executor.models import skeleton
from rasolve.executor.streams import Stream, torch_generator
from rasolve.scenario.units import bytes_of_one_in
from rasolve.scenario.workload import Architecture, Transformer, VisionTransformer, architecture


@dataclass(frozen=True)
class Images:
    """What an image classifier reads: square images of so many channels, each of one of so many classes."""

    side: int
    channels: int
    classes: int

    @property
    def label_bytes(self) -> int:
        """Bytes of one label on the wire: the narrowest whole bytes that hold a class."""
        return bytes_of_one_in(self.classes)

    @property
    def label_bits(self) -> int:
        """Bits of one sample's label on the wire."""
        return 8 * self.label_bytes


@dataclass(frozen=True)
class GraphModel:
    """A model by name: how it is made, and what it reads, images or text in the shape of a decoder."""

    name: str
    says: str
    make: Callable[[], nn.Module]
    data: Images | Transformer

    def module(self) -> nn.Module:
        """Return the module on the meta device: shapes, no memory and no numbers."""
        with torch.device("meta"):
            return self.make().requires_grad_(True)

    def example(self, batch_size: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return an input of so many samples on the meta device."""
        data = self.data
        if isinstance(data, Transformer):
            return torch.empty(batch_size, data.tokens, dtype=torch.int64, device="meta")
        return torch.empty(batch_size, data.channels, data.side, data.side, dtype=dtype, device="meta")


def initialised(module: nn.Module, dtype: torch.dtype, seed: int) -> nn.Module:
    """Return a module of the meta device on the CPU, its weights drawn from `seed` alone.

    Convolutions are N(0, 2/fan-in) (He et al., 2015), linear maps N(0, 1/fan-in), embeddings N(0, 0.02²), biases 0,
    norms the identity.
    """
    module = module.to(dtype).to_empty(device="cpu")
    generator = torch_generator(seed, Stream.WEIGHTS)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            gain = 2.0 if isinstance(layer, nn.Conv2d) else 1.0
            nn.init.normal_(layer.weight, std=(gain / layer.weight[0].numel()) ** 0.5, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=0.02, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d | nn.LayerNorm):
            layer.reset_parameters()
    return module


COLOUR, GREY = Images(224, 3, 1000), Images(16, 1, 10)
VIT_B_16 = VisionTransformer(
    name="vit-b-16", blocks=12, width=768, heads=12, image=224, patch=16, channels=3, classes=1000
)


def _transformer(spec: Architecture) -> nn.Module:
    return skeleton(spec, torch.float32)


GPT2_S, GPT_MINI, VIT_MINI = architecture("gpt2-s"), architecture("gpt-mini"), architecture("vit-mini")
assert isinstance(GPT2_S, Transformer) and isinstance(GPT_MINI, Transformer)

MODELS: dict[str, GraphModel] = {
    model.name: model
    for model in (
        GraphModel("resnet18", "18 layers (He et al., 2016)", partial(ResNet, Basic, (2, 2, 2, 2)), COLOUR),
        GraphModel("resnet50", "50 layers (He et al., 2016)", partial(ResNet, Bottleneck, (3, 4, 6, 3)), COLOUR),
        GraphModel("googlenet", "inception modules (Szegedy et al., 2015)", GoogLeNet, COLOUR),
        GraphModel("densenet121", "dense blocks (Huang et al., 2017)", densenet121, COLOUR),
        GraphModel("vit-b-16", "patches of 16x16 (Dosovitskiy et al., 2021)", partial(_transformer, VIT_B_16), COLOUR),
        GraphModel(
            "gpt2-s",
            "the small one, 512 tokens, tied head (Radford et al., 2019)",
            partial(GPT2, GPT2_S.blocks, GPT2_S.width, GPT2_S.heads, GPT2_S.vocabulary),
            GPT2_S,
        ),
        GraphModel("resnet-mini", "two stages, 16x16 grey images", partial(ResNet, Basic, (1, 1), 8, 1, 10), GREY),
        GraphModel("googlenet-mini", "two inception modules, 16x16 grey images", GoogLeNetMini, GREY),
        GraphModel("densenet-mini", "two dense blocks, 16x16 grey images", densenet_mini, GREY),
        GraphModel("vit-mini", VIT_MINI.says, partial(_transformer, VIT_MINI), GREY),
        GraphModel("gpt-mini", GPT_MINI.says, partial(_transformer, GPT_MINI), GPT_MINI),
    )
}
"""The models by name: six published ones, and small ones of ours that train on two cores."""


def graph_model(name: str) -> GraphModel:
    """Return the named model; raises InputError with the nearest known names."""
    return named("model", name, MODELS)
