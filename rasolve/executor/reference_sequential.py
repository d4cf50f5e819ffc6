"""Training in turn without a split: one model that every device would train whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from rasolve.executor.descent import kept, put_back
from rasolve.executor.layered import Layered


class InTurn:
    """The whole model as one graph under torch's own gradient descent, on the mini-batches of the split training."""

    def __init__(self, model: Layered, batch: Callable[[int], tuple[Tensor, Tensor]], rate: float) -> None:
        """Train `model` on what `batch` returns for a step, asked for after the split training has made it."""
        self.model, self.batch, self.steps = model, batch, 0
        self.optimizer = torch.optim.SGD(model.trained(), lr=rate)

    def step(self) -> float:
        """Train one local step and return the loss before it."""
        inputs, labels = self.batch(self.steps)
        x = self.model.embedding(inputs)
        for block in self.model.blocks:
            x = block(x)
        loss = functional.cross_entropy(self.model.head(x).movedim(-1, 1), labels)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.steps += 1
        return loss.item()

    def state(self) -> dict[str, Tensor]:
        """Return the trained parameters, as they stand between two steps."""
        return kept("reference", self.model.trained())

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        put_back("reference", self.model.trained(), saved)
        self.steps = steps
