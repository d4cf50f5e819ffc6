"""The trainable factors of one party and their Adam optimizer."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rasolve.executor.lora import adapters


class Adapters:
    """Factors, in block order, under Adam without weight decay (published); there may be none."""

    def __init__(self, half: nn.Module, learning_rate: float) -> None:
        """Take charge of the factors in `half`; their gradients and Adam's moments are there from the start."""
        self.factors = adapters(half)
        self.adam = torch.optim.Adam(self.factors, lr=learning_rate) if self.factors else None
        self.gradients = [torch.zeros_like(factor) for factor in self.factors]
        if self.adam is not None:
            for factor in self.factors:
                moments = {name: torch.zeros_like(factor) for name in ("exp_avg", "exp_avg_sq")}
                self.adam.state[factor] = {"step": torch.tensor(0.0), **moments}

    def held(self) -> list[Tensor]:
        """Return what stands in memory beside the factors: gradients and the optimizer's state."""
        state = self.adam.state.values() if self.adam is not None else ()
        arrived = [factor.grad for factor in self.factors if factor.grad is not None]
        moments = [value for of_factor in state for value in of_factor.values()]
        return [*self.gradients, *arrived, *moments]

    def collect(self, weight: float = 1.0) -> None:
        """Add weight·(the factors' gradients of the last backward pass) to what :meth:`update` will follow."""
        for gradient, factor in zip(self.gradients, self.factors, strict=True):
            assert factor.grad is not None
            gradient.add_(factor.grad, alpha=weight)
            factor.grad = None

    def update(self) -> None:
        """Make one Adam step along the collected gradients and start collecting anew."""
        if self.adam is None:
            return
        for gradient, factor in zip(self.gradients, self.factors, strict=True):
            factor.grad = gradient
        self.adam.step()
        self.adam.zero_grad()
        self.gradients = [torch.zeros_like(factor) for factor in self.factors]

    def load(self, values: Iterable[Tensor]) -> None:
        """Overwrite the factors; Adam's moments stay."""
        with torch.no_grad():
            for factor, value in zip(self.factors, values, strict=True):
                factor.copy_(value)
