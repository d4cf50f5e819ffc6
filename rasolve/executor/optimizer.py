"""The trainable factors of one party and their Adam optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class Adapters:
    """Factors, in block order, under Adam without weight decay (published); there may be none."""

    def __init__(self, factors: Sequence[nn.Parameter], learning_rate: float) -> None:
        self.factors = list(factors)
        self.adam = torch.optim.Adam(self.factors, lr=learning_rate) if self.factors else None

    def add(self, gradients: Iterable[Tensor], weight: float) -> None:
        """Add weight·gradient to every factor's gradient."""
        for factor, gradient in zip(self.factors, gradients, strict=True):
            share = weight * gradient
            factor.grad = share if factor.grad is None else factor.grad + share

    def update(self) -> None:
        """Make one Adam step with the gradients that have come together, and clear them."""
        if self.adam is not None:
            self.adam.step()
            self.adam.zero_grad()

    def load(self, values: Iterable[Tensor]) -> None:
        """Overwrite the factors; Adam's moments stay."""
        with torch.no_grad():
            for factor, value in zip(self.factors, values, strict=True):
                factor.copy_(value)
