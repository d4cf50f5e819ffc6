"""GoogLeNet with batch normalisation and without its auxiliary classifiers (Szegedy et al., 2015)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from rasolve.executor.graphs.convolution import Classifier, ConvNorm


class Widths(NamedTuple):
    """Channels of an inception module's branches: a ``reduce`` is the 1x1 convolution before the larger one."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int

    @property
    def out(self) -> int:
        """Channels of all branches together."""
        return self.one + self.three + self.five + self.pool


WIDTHS = {
    "inception3a": Widths(64, 96, 128, 16, 32, 32),
    "inception3b": Widths(128, 128, 192, 32, 96, 64),
    "inception4a": Widths(192, 96, 208, 16, 48, 64),
    "inception4b": Widths(160, 112, 224, 24, 64, 64),
    "inception4c": Widths(128, 128, 256, 24, 64, 64),
    "inception4d": Widths(112, 144, 288, 32, 64, 64),
    "inception4e": Widths(256, 160, 320, 32, 128, 128),
    "inception5a": Widths(256, 160, 320, 32, 128, 128),
    "inception5b": Widths(384, 192, 384, 48, 128, 128),
}
"""Published, table 1."""


class Inception(nn.Module):
    """Four branches over the same input, stacked: 1x1, 3x3, "5x5" and pooled.

    The branch called 5x5 has a 3x3 kernel, as in the usual implementations with batch normalisation: 6.62 million
    parameters in all, where the published kernel makes 7.01.
    """

    def __init__(self, channels: int, widths: Widths) -> None:
        super().__init__()
        self.one = ConvNorm(channels, widths.one, 1)
        self.three = nn.Sequential(
            ConvNorm(channels, widths.three_reduce, 1), ConvNorm(widths.three_reduce, widths.three, 3, padding=1)
        )
        self.five = nn.Sequential(
            ConvNorm(channels, widths.five_reduce, 1), ConvNorm(widths.five_reduce, widths.five, 3, padding=1)
        )
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), ConvNorm(channels, widths.pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, channels, height, width]."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class GoogLeNet(nn.Sequential):
    """A stem, nine inception modules with two poolings between them, a classifier: 224x224 colour images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, 64, 7, stride=2, padding=3)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = ConvNorm(64, 64, 1)
        self.conv3 = ConvNorm(64, 192, 3, padding=1)
        self.pool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        have = 192
        for name, widths in WIDTHS.items():
            if name == "inception4a":
                self.pool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            if name == "inception5a":
                self.pool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
            self.add_module(name, Inception(have, widths))
            have = widths.out
        self.classify = Classifier(have, 1000)


class GoogLeNetMini(nn.Sequential):
    """The same with two narrow inception modules, for 16x16 grey images of ten classes (ours)."""

    def __init__(self) -> None:
        super().__init__()
        first, second = Widths(4, 3, 6, 2, 4, 2), Widths(6, 4, 8, 2, 4, 4)
        self.conv1 = ConvNorm(1, 8, 3, padding=1)
        self.pool1 = nn.MaxPool2d(2)
        self.inception3a = Inception(8, first)
        self.pool2 = nn.MaxPool2d(2)
        self.inception3b = Inception(first.out, second)
        self.classify = Classifier(second.out, 10)
