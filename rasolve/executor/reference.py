"""The same training without a split: its losses are what a split run is predicted to lose."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from rasolve.executor.data import Shards
from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import Model
from rasolve.plan import Plan


class Unsplit:
    """Each client's whole model as one graph under plain autograd, without halves, links or bytes.

    Client k's model has its own adapters on blocks 1..cut and shares the blocks above the cut, and their adapter, with
    all others. The updates are the protocol's: k's adapters follow the gradient of k's mean loss, the shared adapter
    that of Σ_k (D_k/D)·(mean loss of k), and after every ``local_steps`` the clients' adapters are averaged.
    """

    def __init__(self, plan: Plan, model: Model, data: Shards, seed: int, learning_rate: float) -> None:
        assert plan.model is not None
        self.plan, self.data, self.steps = plan, data, 0
        cut, ranks = int(plan.cut[0]), [int(plan.rank[0])] * plan.model.blocks
        upper = adapt(model, ranks, seed).block_list()[cut:]
        lower = [adapt(model, ranks, seed).block_list()[:cut] for _ in range(plan.clients)]
        self.wholes = [Model(model.embedding, [*blocks, *upper], model.head) for blocks in lower]
        self.own = [adapters(nn.ModuleList(blocks)) for blocks in lower]
        self.shared = adapters(nn.ModuleList(upper))
        self.weights = torch.tensor(plan.data_sizes / plan.data_sizes.sum(), dtype=model.head.logits.weight.dtype)
        self.adam = torch.optim.Adam([*self.shared, *(factor for own in self.own for factor in own)], lr=learning_rate)

    def step(self) -> float:
        """Train one local step and return the weighted loss before it."""
        total = 0.0
        self.adam.zero_grad()
        for k, (weight, whole, own) in enumerate(zip(self.weights, self.wholes, self.own, strict=True)):
            tokens, labels = self.data.batch(k, self.steps, self.plan.batch_size)
            share = weight * functional.cross_entropy(whole(tokens).movedim(-1, 1), labels)
            torch.autograd.backward(share)
            total += share.item()
            for factor in own:
                assert factor.grad is not None
                factor.grad /= weight
        self.adam.step()
        self.steps += 1
        if self.steps % self.plan.local_steps == 0:
            self._average()
        return total

    def _average(self) -> None:
        """Replace every client's factors by their data-size-weighted mean."""
        with torch.no_grad():
            for versions in zip(*self.own, strict=True):
                mean = torch.einsum("k,k...->...", self.weights, torch.stack(versions))
                for version in versions:
                    version.copy_(mean)
