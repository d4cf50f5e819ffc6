"""The layers that convolutional networks share."""

from __future__ import annotations

from torch import Tensor, nn


class ConvNorm(nn.Module):
    """A convolution without bias, batch normalisation and, where `activated`, ReLU (Ioffe and Szegedy, 2015)."""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, padding: int = 0, activated: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.activation = nn.ReLU() if activated else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, channels, height, width]."""
        out: Tensor = self.activation(self.norm(self.conv(x)))
        return out


class Classifier(nn.Sequential):
    """The mean over the image and a linear map: [b, channels, height, width] -> logits [b, classes]."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.logits = nn.Linear(channels, classes)
