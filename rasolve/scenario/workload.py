"""What is fine-tuned: transformer architectures and the per-block profile that problems read.

Closed forms are for plain blocks (multi-head attention, 4x MLP) with frozen weights and LoRA on query and value;
`rasolve.executor.count` counts the same profile from a torch module, and the tests hold the two equal.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Discriminator, Field, Tag

from rasolve.arrays import LARGEST, Array
from rasolve.documents import Document
from rasolve.errors import InputError, named
from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario.chain import LayerChain
from rasolve.scenario.units import bytes_of_one_in

LABEL_INDEX_BYTES = 8
"""A label in memory: the int64 that torch's cross entropy reads."""

ADAM_COPIES = 4
"""fp32 numbers kept per adapter parameter: the weight, its gradient and Adam's two moments (textbook)."""


class Transformer(Document):
    """A decoder architecture: J blocks of width d and h heads on n tokens, with a vocabulary (names as in GPT-2)."""

    kind: ClassVar[str] = "transformer"

    name: str
    blocks: int = Field(ge=1)
    width: int = Field(ge=1)
    heads: int = Field(ge=1)
    tokens: int = Field(ge=1)
    vocabulary: int = Field(ge=2)

    def model_post_init(self, context: object) -> None:
        """Reject widths that the heads do not divide."""
        super().model_post_init(context)
        if self.width % self.heads:
            raise InputError(f"width = {self.width}: must be a multiple of heads = {self.heads}")

    @property
    def says(self) -> str:
        """The shape in words."""
        shape = f"{self.blocks} blocks of width {self.width}, {self.heads} heads"
        return f"{shape}, {self.tokens} tokens, vocabulary {self.vocabulary}"

    @property
    def label_bytes(self) -> int:
        """Bytes of one label on the wire: the narrowest whole bytes that hold the vocabulary."""
        return bytes_of_one_in(self.vocabulary)

    @property
    def label_bits(self) -> int:
        """Bits of one sample's labels on the wire: one for each of the n tokens."""
        return self.tokens * 8 * self.label_bytes

    def profile(self, parameter_bits: int = 32) -> Profile:
        """Return the closed-form profile; an embedding is a look-up and costs nothing.

        Head and loss keep for backward, per sample: the head's input (n·d numbers), the final norm's mean and deviation
        (2·n), the logarithms of all probabilities (n·vocabulary), and n labels of 8 bytes (ours, counted).
        """
        n, d, size = self.tokens, self.width, parameter_bits // 8
        head_flops = 2.0 * n * d * self.vocabulary
        return Profile(
            **_blocks(self.blocks, n, d, self.heads, parameter_bits),
            model=self.name,
            head_forward_flops=head_flops,
            head_backward_flops=head_flops,
            head_saved_bytes=float((n * d + 2 * n + n * self.vocabulary) * size + n * LABEL_INDEX_BYTES),
            embedding_bytes=float((self.vocabulary + n) * d * size),
            head_bytes=float((self.vocabulary + 2) * d * size),
            architecture=self,
        )


class VisionTransformer(Document):
    """An image classifier: J blocks of width d and h heads on a class token and one token for each patch.

    Images are square, ``image`` pixels wide with ``channels`` values per pixel, and are cut into patches ``patch``
    pixels wide (published, ViT).
    """

    kind: ClassVar[str] = "vision-transformer"

    name: str
    blocks: int = Field(ge=1)
    width: int = Field(ge=1)
    heads: int = Field(ge=1)
    image: int = Field(ge=1)
    patch: int = Field(ge=1)
    channels: int = Field(ge=1)
    classes: int = Field(ge=2)

    def model_post_init(self, context: object) -> None:
        """Reject widths that the heads do not divide and images that the patches do not tile."""
        super().model_post_init(context)
        if self.width % self.heads:
            raise InputError(f"width = {self.width}: must be a multiple of heads = {self.heads}")
        if self.image % self.patch:
            raise InputError(f"image = {self.image}: must be a multiple of patch = {self.patch}")

    @property
    def says(self) -> str:
        """The shape in words."""
        shape = f"{self.blocks} blocks of width {self.width}, {self.heads} heads"
        return f"{shape}, images {self.image}x{self.image} in patches {self.patch}x{self.patch}, {self.classes} classes"

    @property
    def patches(self) -> int:
        """Patches of one image."""
        return (self.image // self.patch) ** 2

    @property
    def patch_values(self) -> int:
        """Numbers in one patch."""
        return self.channels * self.patch**2

    @property
    def tokens(self) -> int:
        """n: the class token and the patches."""
        return 1 + self.patches

    @property
    def label_bytes(self) -> int:
        """Bytes of one label on the wire: the narrowest whole bytes that hold the classes."""
        return bytes_of_one_in(self.classes)

    @property
    def label_bits(self) -> int:
        """Bits of one sample's label on the wire."""
        return 8 * self.label_bytes

    def profile(self, parameter_bits: int = 32) -> Profile:
        """Return the closed-form profile: the decoder's blocks, for a full and a causal attention cost the same here.

        The embedding maps every patch to a token: 2·patches·patch_values·d, forward only. The head reads the class
        token alone: 2·d·classes each way. Head and loss keep the storage of the whole last activation (n·d numbers), a
        mean and a deviation, the logarithms of all probabilities (classes), and a label of 8 bytes (ours, counted).
        """
        n, d, size = self.tokens, self.width, parameter_bits // 8
        head_flops = 2.0 * d * self.classes
        return Profile(
            **_blocks(self.blocks, n, d, self.heads, parameter_bits),
            model=self.name,
            embedding_forward_flops=2.0 * self.patches * self.patch_values * d,
            head_forward_flops=head_flops,
            head_backward_flops=head_flops,
            head_saved_bytes=float((n * d + 2 + self.classes) * size + LABEL_INDEX_BYTES),
            embedding_bytes=float((self.patch_values + 1 + 1 + n) * d * size),
            head_bytes=float((2 * d + self.classes * d) * size),
            architecture=self,
        )


def _which(given: Any) -> str:
    """Return the kind of an architecture, which a mapping shows by what it says of its images."""
    if isinstance(given, Document):
        return given.kind
    if isinstance(given, dict) and "layers" in given:
        return LayerChain.kind
    images = isinstance(given, dict) and {"image", "patch", "channels", "classes"} & given.keys()
    return VisionTransformer.kind if images else Transformer.kind


Architecture = Annotated[
    Annotated[Transformer, Tag(Transformer.kind)] | Annotated[VisionTransformer, Tag(VisionTransformer.kind)],
    Discriminator(_which),
]
"""Transformers, on which the executor puts adapters."""

Buildable = Annotated[
    Annotated[Transformer, Tag(Transformer.kind)]
    | Annotated[VisionTransformer, Tag(VisionTransformer.kind)]
    | Annotated[LayerChain, Tag(LayerChain.kind)],
    Discriminator(_which),
]
"""What the executor can build; a chain of layers is trained in full."""


def _blocks(blocks: int, n: int, d: int, h: int, parameter_bits: int) -> dict[str, Any]:
    """Return the block fields of a profile: forward 24·n·d² + 4·n²·d (published), backward with frozen weights.

    A frozen linear map's backward costs 1x its forward (input gradient only), the two attention products 2x, LoRA
    factors 2x. The lowest block's input needs no gradient, which saves the input gradients of query, key, value
    (6·n·d²), the gradient of the keys (2·n²·d), and the input gradients of both LoRA down-projections (4·n·d per
    unit of rank) (ours, counted).

    Saved for backward under the math attention kernel, in numbers per sample (ours, counted): the block's input and
    its norm, query, key and value, the MLP's input (n·d each), the MLP's hidden layer (4·n·d), the attention
    weights (h·n²), a mean and a deviation per token of both norms (4·n); together 10·n·d + h·n² + 4·n. The lowest
    block keeps neither its input, nor the queries, nor the first norm's 2·n: 8·n·d + h·n² + 2·n. LoRA adds the two
    down-projected inputs, 2·n per unit of rank.
    """
    size, same = parameter_bits // 8, np.ones(blocks)
    lowest = np.arange(blocks) == 0
    params = 12 * d * d + 13 * d
    saved = 10 * n * d + h * n * n + 4 * n - lowest * (2.0 * n * d + 2.0 * n)
    return {
        "forward_flops": same * (24 * n * d * d + 4 * n * n * d),
        "backward_flops": 24 * n * d * d + 8 * n * n * d - lowest * (6.0 * n * d * d + 2.0 * n * n * d),
        "activation_bits": np.full(blocks + 1, float(n * d * parameter_bits)),
        "weight_bytes": same * (params * size),
        "saved_activation_bytes": saved * size,
        "params": same * params,
        "adapter_forward_flops": same * (8 * n * d),
        "adapter_backward_flops": 16 * n * d - lowest * (4.0 * n * d),
        "adapter_params": same * (4 * d),
        "adapter_saved_bytes": same * (2 * n * size),
        "parameter_bits": parameter_bits,
    }


class Profile(Document):
    """Work, traffic and memory of J ordered blocks between an embedding and a head, per sample.

    Block j stands at index j-1; ``activation_bits[c]`` is what crosses at cut c (index 0: the embedding's output).
    Adapter fields are per unit of LoRA rank. FLOPs count 2 per multiply-accumulate; sent data is in bits, stored
    data in bytes. ``saved`` bytes are kept for backward, the head's with the loss; ``embedding_forward_flops`` is 0 for
    a look-up. ``architecture`` is what the executor builds, where it is known. The quantities are published, the
    notation is ours.
    """

    kind: ClassVar[str] = "profile"
    largest: ClassVar[float | None] = LARGEST

    model: str
    forward_flops: Annotated[FloatArray, Array(("J",), at_least=0)]
    backward_flops: Annotated[FloatArray, Array(("J",), at_least=0)]
    activation_bits: Annotated[FloatArray, Array(("J+1",), above=0)]
    weight_bytes: Annotated[FloatArray, Array(("J",), at_least=0)]
    saved_activation_bytes: Annotated[FloatArray, Array(("J",), at_least=0)]
    params: Annotated[FloatArray, Array(("J",), at_least=0)]
    adapter_forward_flops: Annotated[FloatArray, Array(("J",), at_least=0)]
    adapter_backward_flops: Annotated[FloatArray, Array(("J",), at_least=0)]
    adapter_params: Annotated[FloatArray, Array(("J",), at_least=0)]
    adapter_saved_bytes: Annotated[FloatArray, Array(("J",), at_least=0)]
    embedding_forward_flops: float = Field(default=0.0, ge=0)
    head_forward_flops: float = Field(ge=0)
    head_backward_flops: float = Field(ge=0)
    head_saved_bytes: float = Field(ge=0)
    embedding_bytes: float = Field(ge=0)
    head_bytes: float = Field(ge=0)
    parameter_bits: int = Field(default=32, ge=1)
    architecture: Buildable | None = None

    @property
    def blocks(self) -> int:
        """J, the number of blocks."""
        return self.dimension("J")

    def adapter_bits(self, cut: IntArray | int, rank: IntArray | int) -> FloatArray:
        """Return the bits [...] of devices' adapters: rank · Σ_{j<=cut} adapter_params[j] · parameter_bits."""
        return np.asarray(rank * up_to_cut(self.adapter_params)[cut] * self.parameter_bits)


def up_to_cut(per_block: FloatArray) -> FloatArray:
    """Return Σ_{j<=c} of what blocks have, `per_block` [J], for every cut c = 0..J, shape [J+1]."""
    return np.concatenate([[0.0], np.cumsum(per_block)])


ARCHITECTURES: dict[str, Architecture] = {
    spec.name: spec
    for spec in (
        Transformer(name="gpt2-s", blocks=12, width=768, heads=12, tokens=512, vocabulary=50257),
        Transformer(name="gpt-mini", blocks=4, width=64, heads=4, tokens=64, vocabulary=128),
        VisionTransformer(name="vit-mini", blocks=4, width=64, heads=4, image=16, patch=4, channels=1, classes=10),
    )
}
"""Named architectures: GPT2-S (published); gpt-mini and vit-mini (ours), small enough to train on two cores."""


def architecture(name: str) -> Architecture:
    """Return the named architecture; raises InputError with the nearest known names."""
    return named("model", name, ARCHITECTURES)
