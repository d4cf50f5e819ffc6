"""What is fine-tuned: transformer architectures and the per-block profile that problems read.

Closed forms are for plain blocks (multi-head attention, 4x MLP) with frozen weights and LoRA on query and value;
`rasolve.executor.count` counts the same profile from a torch module, and the tests hold the two equal.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rasolve.documents import Array, Document
from rasolve.errors import InputError, named
from rasolve.numerics import FloatArray, IntArray

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
    def label_bits(self) -> int:
        """Bits of one sample's labels on the wire: n tokens in the narrowest whole bytes that hold the vocabulary."""
        return self.tokens * 8 * int(np.ceil(np.log2(self.vocabulary) / 8))

    def profile(self, parameter_bits: int = 32) -> Profile:
        """Return the closed-form profile: forward 24·n·d² + 4·n²·d per block (published), backward with frozen weights.

        A frozen linear map's backward costs 1x its forward (input gradient only), the two attention products 2x, LoRA
        factors 2x. The lowest block's input needs no gradient, which saves the input gradients of query, key, value
        (6·n·d²), the gradient of the keys (2·n²·d), and the input gradients of both LoRA down-projections (4·n·d per
        unit of rank) (ours, counted).

        Saved for backward under the math attention kernel, in numbers per sample (ours, counted): the block's input and
        its norm, query, key and value, the MLP's input (n·d each), the MLP's hidden layer (4·n·d), the attention
        weights (h·n²), a mean and a deviation per token of both norms (4·n); together 10·n·d + h·n² + 4·n. The lowest
        block keeps neither its input, nor the queries, nor the first norm's 2·n: 8·n·d + h·n² + 2·n. LoRA adds the two
        down-projected inputs, 2·n per unit of rank, which is left out.
        """
        n, d, h = self.tokens, self.width, self.heads
        size = parameter_bits // 8
        lowest = np.arange(self.blocks) == 0
        same = np.ones(self.blocks)
        block_params = 12 * d * d + 13 * d
        head_flops = 2.0 * n * d * self.vocabulary
        saved = 10 * n * d + h * n * n + 4 * n - lowest * (2.0 * n * d + 2.0 * n)
        return Profile(
            model=self.name,
            forward_flops=same * (24 * n * d * d + 4 * n * n * d),
            backward_flops=24 * n * d * d + 8 * n * n * d - lowest * (6.0 * n * d * d + 2.0 * n * n * d),
            activation_bits=np.full(self.blocks + 1, float(n * d * parameter_bits)),
            weight_bytes=same * (block_params * size),
            saved_activation_bytes=saved * size,
            params=same * block_params,
            adapter_forward_flops=same * (8 * n * d),
            adapter_backward_flops=16 * n * d - lowest * (4.0 * n * d),
            adapter_params=same * (4 * d),
            head_forward_flops=head_flops,
            head_backward_flops=head_flops,
            embedding_bytes=float((self.vocabulary + n) * d * size),
            head_bytes=float((self.vocabulary + 2) * d * size),
            parameter_bits=parameter_bits,
            architecture=self,
        )


class Profile(Document):
    """Work, traffic and memory of J ordered blocks between an embedding and a head, per sample.

    Block j stands at index j-1; ``activation_bits[c]`` is what crosses at cut c (index 0: the embedding's output).
    Adapter fields are per unit of LoRA rank. FLOPs count 2 per multiply-accumulate; sent data is in bits, stored
    data in bytes. ``architecture`` is what the executor builds, where it is known. The quantities are published, the
    notation is ours.
    """

    kind: ClassVar[str] = "profile"

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
    head_forward_flops: float = Field(ge=0)
    head_backward_flops: float = Field(ge=0)
    embedding_bytes: float = Field(ge=0)
    head_bytes: float = Field(ge=0)
    parameter_bits: int = Field(default=32, ge=1)
    architecture: Transformer | None = None

    @property
    def blocks(self) -> int:
        """J, the number of blocks."""
        return self.dimension("J")

    def adapter_bits(self, cut: IntArray | int, rank: IntArray | int) -> FloatArray:
        """Return the bits [...] of devices' adapters: rank · Σ_{j<=cut} adapter_params[j] · parameter_bits."""
        return np.asarray(rank * up_to_cut(self.adapter_params)[cut] * self.parameter_bits)

    def device_bytes(self, batch_size: int) -> FloatArray:
        """Return the device's memory [bytes] without adapters at every cut 0..J, shape [J+1]."""
        return self.embedding_bytes + up_to_cut(self.weight_bytes + batch_size * self.saved_activation_bytes)


def up_to_cut(per_block: FloatArray) -> FloatArray:
    """Return Σ_{j<=c} of what blocks have, `per_block` [J], for every cut c = 0..J, shape [J+1]."""
    return np.concatenate([[0.0], np.cumsum(per_block)])


ARCHITECTURES = {
    spec.name: spec
    for spec in (
        Transformer(name="gpt2-s", blocks=12, width=768, heads=12, tokens=512, vocabulary=50257),
        Transformer(name="gpt-mini", blocks=4, width=64, heads=4, tokens=64, vocabulary=128),
    )
}
"""Named architectures: GPT2-S (published), and gpt-mini (ours), small enough to train on two cores."""


def architecture(name: str) -> Transformer:
    """Return the named architecture; raises InputError with the nearest known names."""
    return named("model", name, ARCHITECTURES)
