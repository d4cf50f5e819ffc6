"""A chain of layers on square images: convolutions, poolings and linear maps, each of them a block."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.scenario.units import bytes_of_one_in

KERNEL = 3
"""Pixels along a side of a kernel; padding keeps the image's size."""


class Layer(Document):
    """One layer: convolution ("conv", same padding) or linear map ("fc") to so many channels, or 2x2 pooling ("pool").

    A convolution and every linear map but the chain's last end with a rectifier.
    """

    kind: ClassVar[str] = "layer"

    op: Literal["conv", "pool", "fc"]
    channels: int = Field(default=0, ge=0)


class LayerChain(Document):
    """An image classifier of J layers in a row, trained in full; images are square, ``image`` pixels wide."""

    kind: ClassVar[str] = "layer-chain"

    name: str
    image: int = Field(ge=1)
    channels: int = Field(ge=1)
    layers: tuple[Layer, ...] = Field(min_length=1)

    def model_post_init(self, context: object) -> None:
        """Reject layers that do not fit on each other."""
        super().model_post_init(context)
        side, flat = self.image, False
        for j, layer in enumerate(self.layers):
            if layer.op != "pool" and layer.channels < 1:
                raise InputError(f"layers.{j}.channels = {layer.channels}: must be at least 1")
            if layer.op != "fc" and flat:
                raise InputError(f"layers.{j} = {layer.op}: no {layer.op} can follow a linear map")
            side, flat = (side // 2 if layer.op == "pool" else side), layer.op == "fc"
            if side < 1:
                raise InputError(f"layers.{j} = pool: the image is one pixel wide before it")
        if not flat:
            raise InputError(f"layers.{len(self.layers) - 1} = {self.layers[-1].op}: the last layer must be fc")

    @property
    def blocks(self) -> int:
        """J."""
        return len(self.layers)

    @property
    def classes(self) -> int:
        """Classes told apart: the last layer's channels."""
        return self.layers[-1].channels

    @property
    def says(self) -> str:
        """The shape in words."""
        return f"{self.blocks} layers on {self.image}x{self.image} images, {self.classes} classes, trained in full"

    @property
    def label_bytes(self) -> int:
        """Bytes of one label on the wire: the narrowest whole bytes that hold the classes."""
        return bytes_of_one_in(self.classes)

    @property
    def label_bits(self) -> int:
        """Bits of one sample's label on the wire."""
        return 8 * self.label_bytes
