"""GPT-2 with its head tied to the embedding (Radford et al., 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.models import Embedding, block

POSITIONS = 1024
"""Rows of the table of positions, whatever the length of the text (published)."""


class GPT2(nn.Module):
    """Embeddings, decoder blocks, a last norm; the logits are products with the token embedding."""

    def __init__(self, blocks: int, width: int, heads: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = Embedding(vocabulary, POSITIONS, width)
        self.blocks = nn.Sequential(*(block(width, heads, causal=True) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [b, n] to logits [b, n, vocabulary]."""
        return functional.linear(self.norm(self.blocks(self.embedding(tokens))), self.embedding.token.weight)
