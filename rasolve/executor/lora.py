"""LoRA on query and value: small trainable factors beside frozen linear maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.models import Attention, Block, Model
from rasolve.executor.streams import Stream, torch_generator

SCALE = 2.0
"""alpha / rank, with alpha = 2 · rank, so that ranks are compared at one step size (common practice)."""

RANK_AXES = (0, 1)
"""Where the rank stands in the factors A [rank, in] and B [out, rank], which :func:`adapters` returns in turn."""


class LoraLinear(nn.Module):
    """A frozen linear map plus SCALE·B·A, with factors A [rank, in] and B [out, rank] (published, LoRA).

    A is N(0, 1/in), the leading rows of `largest` drawn from `generator`; B is zero, so that the map starts as its
    base.
    """

    def __init__(self, base: nn.Linear, rank: int, largest: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        like = base.weight
        down = torch.empty(largest, base.in_features, dtype=like.dtype, device=like.device)
        if not down.is_meta:
            down.normal_(std=base.in_features**-0.5, generator=generator)
        self.down = nn.Parameter(down[:rank].clone())
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, dtype=like.dtype, device=like.device))

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., in] to [..., out]."""
        return torch.add(self.base(x), functional.linear(functional.linear(x, self.down), self.up), alpha=SCALE)

    def merge(self) -> nn.Linear:
        """Return one frozen linear map that does what base and factors do together."""
        base = self.base
        merged = nn.Linear(base.in_features, base.out_features, base.bias is not None, device="meta")
        merged.weight = nn.Parameter(base.weight + SCALE * self.up.detach() @ self.down.detach(), requires_grad=False)
        merged.bias = base.bias
        return merged


def adapt(model: Model, ranks: Sequence[int], seed: int, largest: int | None = None) -> Model:
    """Return a model that shares `model`'s frozen weights and has adapters of its own, of rank ranks[j-1] on block j.

    Factors come from `seed` block by block, so all parties of one seed start from the same adapters. Where their ranks
    differ, `largest` is the largest of them (by default that of `ranks`): each party starts from the leading
    components of one adapter of that rank (ours).
    """
    largest = max(ranks) if largest is None else largest
    generator = torch_generator(seed, Stream.ADAPTERS)
    blocks = []
    for block, rank in zip(model.block_list(), ranks, strict=True):
        query, value = block.attention.query, block.attention.value
        assert isinstance(query, nn.Linear) and isinstance(value, nn.Linear)
        adapted = (LoraLinear(linear, rank, largest, generator) for linear in (query, value))
        blocks.append(_with(block, *adapted))
    return Model(model.embedding, blocks, model.head)


def merge(model: Model) -> Model:
    """Return an adapted model with every adapter merged into its linear map."""
    blocks = []
    for block in model.block_list():
        query, value = block.attention.query, block.attention.value
        assert isinstance(query, LoraLinear) and isinstance(value, LoraLinear)
        blocks.append(_with(block, query.merge(), value.merge()))
    return Model(model.embedding, blocks, model.head)


def _with(block: Block, query: nn.Module, value: nn.Module) -> Block:
    """Return a block that shares all of `block` but query and value."""
    old = block.attention
    attention = Attention(query, old.key, value, old.out, old.heads, old.causal)
    return Block(block.attention_norm, attention, block.mlp_norm, block.mlp)


def adapters(module: nn.Module) -> list[nn.Parameter]:
    """Return the trainable factors of a model or of a part of one, in block order."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
