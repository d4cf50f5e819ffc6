"""Residual networks (He et al., 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rasolve.executor.graphs.convolution import Classifier, ConvNorm

BOTTLENECK = 4
"""Channels of a bottleneck's output for each of its width (published)."""


class Residual(nn.Module):
    """A path and a shortcut, added; the shortcut is a 1x1 convolution where the path changes the shape."""

    def __init__(self, channels: int, out: int, stride: int, path: nn.Module) -> None:
        super().__init__()
        self.path = path
        same = stride == 1 and channels == out
        self.shortcut = nn.Identity() if same else ConvNorm(channels, out, 1, stride, activated=False)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, channels, height, width]."""
        out: Tensor = self.activation(self.path(x) + self.shortcut(x))
        return out


class Basic(Residual):
    """Two 3x3 convolutions and the shortcut."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        first = ConvNorm(channels, width, 3, stride, padding=1)
        second = ConvNorm(width, width, 3, padding=1, activated=False)
        super().__init__(channels, width, stride, nn.Sequential(first, second))


class Bottleneck(Residual):
    """A 1x1, a 3x3 and a 1x1 convolution and the shortcut; the 3x3 one strides (Goyal et al., 2017)."""

    expansion = BOTTLENECK

    def __init__(self, channels: int, width: int, stride: int) -> None:
        out = BOTTLENECK * width
        narrow, middle = ConvNorm(channels, width, 1), ConvNorm(width, width, 3, stride, padding=1)
        super().__init__(channels, out, stride, nn.Sequential(narrow, middle, ConvNorm(width, out, 1, activated=False)))


class ResNet(nn.Sequential):
    """A stem, stages of residual blocks at half the resolution and twice the width of the one before, a classifier."""

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        depths: Sequence[int],
        width: int = 64,
        channels: int = 3,
        classes: int = 1000,
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(channels, width, 7, stride=2, padding=3)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        have = width
        for i, depth in enumerate(depths):
            stage = nn.Sequential()
            for j in range(depth):
                stage.append(block(have, width << i, stride=2 if i > 0 and j == 0 else 1))
                have = block.expansion * (width << i)
            self.add_module(f"stage{i + 1}", stage)
        self.classify = Classifier(have, classes)
