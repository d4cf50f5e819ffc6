"""The two ends of a vision transformer: images in, classes out (published, ViT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rasolve.scenario.workload import VisionTransformer


class PatchEmbedding(nn.Module):
    """A linear map of every patch, below a class token, plus learned positions: images -> activation [b, n, d]."""

    def __init__(self, spec: VisionTransformer) -> None:
        super().__init__()
        self.patch = spec.patch
        self.project = nn.Linear(spec.patch_values, spec.width)
        self.token = nn.Embedding(1, spec.width)
        self.position = nn.Embedding(spec.tokens, spec.width)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images [b, channels, side, side]."""
        tiles = images.unfold(2, self.patch, self.patch).unfold(3, self.patch, self.patch)
        patches = tiles.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        projected = self.project(patches.to(self.project.weight.dtype))
        classes = self.token.weight.expand(len(images), 1, -1)
        embedded: Tensor = torch.cat([classes, projected], dim=1) + self.position.weight
        return embedded


class ClassHead(nn.Module):
    """LayerNorm of the class token and an untied linear map without bias: [b, n, d] -> logits [b, classes]."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of every class."""
        logits: Tensor = self.logits(self.norm(x[:, 0]))
        return logits
