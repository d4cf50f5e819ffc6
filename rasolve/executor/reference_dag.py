"""The same training of a whole module, under plain autograd: its losses are what a split run is predicted to lose."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.graphs.data import Samples
from rasolve.executor.optimizer import restore, state
from rasolve.executor.tracing.survey import math_attention
from rasolve.plan import DagPlan


class Whole:
    """A copy of the module, called as it is, without layers, sides, links or bytes."""

    def __init__(self, plan: DagPlan, module: nn.Module, data: Samples, learning_rate: float) -> None:
        self.plan, self.data, self.steps = plan, data, 0
        self.module = copy.deepcopy(module).requires_grad_(True)
        self.weights = list(self.module.parameters())
        self.adam = torch.optim.Adam(self.weights, lr=learning_rate)

    def step(self) -> float:
        """Train one local step and return the loss before it."""
        arguments, labels = self.data.batch(self.steps, self.plan.batch_size)
        with math_attention():
            logits = self.module(*arguments)
            loss = functional.cross_entropy(logits.movedim(-1, 1), labels)
            self.adam.zero_grad()
            torch.autograd.backward(loss)
        self.adam.step()
        self.steps += 1
        return loss.item()

    def state(self) -> dict[str, Tensor]:
        """Return parameters, Adam's state and buffers, as they stand between two steps."""
        buffers = {f"reference/{name}": buffer for name, buffer in self.module.named_buffers()}
        return {**state("reference", self.adam, self.weights), **buffers}

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        restore("reference", self.adam, self.weights, saved)
        for name, buffer in self.module.named_buffers():
            buffer.copy_(saved[f"reference/{name}"])
        self.steps = steps
