"""Densely connected networks with bottlenecks and compression (Huang et al., 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rasolve.executor.graphs.convolution import Classifier, ConvNorm

BOTTLENECK = 4
"""Channels between a dense layer's two convolutions for each that it adds (published)."""


class DenseLayer(nn.Sequential):
    """Normalised and activated, a 1x1 convolution, then a 3x3 one that adds `growth` channels."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.activation = nn.ReLU()
        self.narrow = ConvNorm(channels, BOTTLENECK * growth, 1)
        self.conv = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)


class DenseBlock(nn.ModuleList):
    """Layers each of which reads the block's input and all that the layers before it have added."""

    def __init__(self, depth: int, channels: int, growth: int) -> None:
        super().__init__(DenseLayer(channels + i * growth, growth) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, channels, height, width] to [b, channels + depth·growth, height, width]."""
        features = [x]
        for layer in self:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, dim=1)


class Transition(nn.Sequential):
    """Half the channels and half the resolution between two dense blocks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.activation = nn.ReLU()
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)


class DenseNet(nn.Sequential):
    """A stem, dense blocks with transitions between them, a last norm, a classifier."""

    def __init__(self, depths: Sequence[int], growth: int, stem: nn.Module, have: int, classes: int = 1000) -> None:
        super().__init__()
        self.stem = stem
        for i, depth in enumerate(depths):
            if i > 0:
                self.add_module(f"transition{i}", Transition(have))
                have //= 2
            self.add_module(f"dense{i + 1}", DenseBlock(depth, have, growth))
            have += depth * growth
        self.norm = nn.BatchNorm2d(have)
        self.activation = nn.ReLU()
        self.classify = Classifier(have, classes)


def densenet121() -> DenseNet:
    """Return the network of 121 layers for 224x224 colour images."""
    stem = nn.Sequential(ConvNorm(3, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, stride=2, padding=1))
    return DenseNet((6, 12, 24, 16), growth=32, stem=stem, have=64)


def densenet_mini() -> DenseNet:
    """Return a small one for 16x16 grey images of ten classes (ours)."""
    stem = nn.Sequential(ConvNorm(1, 8, 3, padding=1), nn.MaxPool2d(2))
    return DenseNet((3, 2), growth=4, stem=stem, have=8, classes=10)
