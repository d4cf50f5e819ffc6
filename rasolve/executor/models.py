"""The transformers that the executor builds, adapts, splits and trains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from rasolve.executor.streams import Stream, torch_generator
from rasolve.executor.vision import ClassHead, PatchEmbedding
from rasolve.plan import RUNNABLE_BITS
from rasolve.scenario.workload import Architecture, Transformer, VisionTransformer

DTYPES = dict(zip(RUNNABLE_BITS, (torch.float32, torch.float64), strict=True))
"""The dtypes that the executor computes in, by parameter bits."""

INIT_STD = 0.02
"""Standard deviation of every initial weight but the head's (published, GPT-2)."""


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy [nats] of logits [..., values] and labels [...]."""
    return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())


class Embedding(nn.Module):
    """Token plus learned position embedding: tokens [b, n] -> activation [b, n, d]."""

    def __init__(self, vocabulary: int, tokens: int, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(tokens, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed tokens [b, n], n at most the model's."""
        embedded: Tensor = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        return embedded


class Attention(nn.Module):
    """Multi-head attention of four linear maps of width d, causal or full; query, key and value are separate.

    It runs the math kernel, whose products a FLOP counter sees and whose saved tensors are the same on every device.
    """

    def __init__(
        self, query: nn.Module, key: nn.Module, value: nn.Module, out: nn.Module, heads: int, causal: bool
    ) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = query, key, value, out
        self.heads, self.causal = heads, causal

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, n, d] to [b, n, d]."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value)
        )
        with sdpa_kernel(SDPBackend.MATH):
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return out


class Block(nn.Module):
    """A pre-LayerNorm block: attention, then a 4x GELU MLP, each added to its input (published, GPT-2)."""

    def __init__(self, attention_norm: nn.Module, attention: Attention, mlp_norm: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.attention_norm, self.attention = attention_norm, attention
        self.mlp_norm, self.mlp = mlp_norm, mlp

    def forward(self, x: Tensor) -> Tensor:
        """Map x [b, n, d] to [b, n, d]."""
        x = x + self.attention(self.attention_norm(x))
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


class Head(nn.Module):
    """Final LayerNorm and an untied linear map without bias: activation [b, n, d] -> logits [b, n, vocabulary]."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, vocabulary, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of every next token."""
        logits: Tensor = self.logits(self.norm(x))
        return logits


class Model(nn.Module):
    """An embedding, J blocks and a head; inputs -> activation [b, n, d] -> logits."""

    def __init__(self, embedding: nn.Module, blocks: Iterable[Block], head: Head | ClassHead) -> None:
        super().__init__()
        self.embedding = embedding
        self.blocks = nn.ModuleList(blocks)
        self.head = head

    def block_list(self) -> list[Block]:
        """Return blocks 1..J."""
        return cast(list[Block], list(self.blocks))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits."""
        x = self.embedding(inputs)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(x)
        return logits


def block(width: int, heads: int, causal: bool) -> Block:
    """Return a block of linear maps with biases, as torch initialises them."""
    d = width
    return Block(
        nn.LayerNorm(d),
        Attention(nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), heads, causal),
        nn.LayerNorm(d),
        nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)),
    )


def skeleton(spec: Architecture, dtype: torch.dtype) -> Model:
    """Return the frozen model on the meta device: shapes and dtypes, no memory and no numbers."""
    d = spec.width
    causal = isinstance(spec, Transformer)
    with torch.device("meta"):
        blocks = [block(d, spec.heads, causal) for _ in range(spec.blocks)]
        embedding: nn.Module
        head: Head | ClassHead
        if isinstance(spec, VisionTransformer):
            embedding, head = PatchEmbedding(spec), ClassHead(d, spec.classes)
        else:
            embedding, head = Embedding(spec.vocabulary, spec.tokens, d), Head(d, spec.vocabulary)
        model = Model(embedding, blocks, head)
    return model.to(dtype).requires_grad_(False)


def example(spec: Architecture, batch_size: int) -> tuple[Tensor, Tensor]:
    """Return inputs and labels of the model's shapes on the meta device."""
    with torch.device("meta"):
        if isinstance(spec, VisionTransformer):
            images = torch.empty(batch_size, spec.channels, spec.image, spec.image)
            return images, torch.empty(batch_size, dtype=torch.int64)
        tokens = torch.empty(batch_size, spec.tokens, dtype=torch.int64)
        return tokens, torch.empty_like(tokens)


def build(spec: Architecture, dtype: torch.dtype, seed: int) -> Model:
    """Return the frozen base model on the CPU, its weights drawn from `seed` alone.

    Weights are N(0, 0.02²), biases 0, norms the identity (published, GPT-2). The head's are N(0, 1/d): under a base
    that was never trained, an untied head of 0.02 keeps every logit near 0 and adapters could hardly move the loss
    (ours).
    """
    model = skeleton(spec, dtype).to_empty(device="cpu")
    generator = torch_generator(seed, Stream.WEIGHTS)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            module.weight.normal_(std=INIT_STD, generator=generator)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.zero_()
        if isinstance(module, nn.LayerNorm):
            module.weight.fill_(1.0)
            module.bias.zero_()
    model.head.logits.weight.div_(INIT_STD * spec.width**0.5)
    return model
