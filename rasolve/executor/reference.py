"""The same training without a split: its losses are what a split run is predicted to lose."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.data import Shards
from rasolve.executor.lora import RANK_AXES, adapt, adapters
from rasolve.executor.models import Block, Model
from rasolve.executor.optimizer import restore, state
from rasolve.plan import SplitFederatedPlan


class Unsplit:
    """Each client's whole model as one graph under plain autograd, without halves, links or bytes.

    Client k's model has its own adapters of rank r_k on blocks 1..c_k and shares the blocks above, and their adapters
    of the largest rank, with the others. The updates are the protocol's: k's adapters follow the gradient of k's mean
    loss, a shared adapter that of Σ_k (D_k/D)·(mean loss of k) over the k that use it, and after every ``local_steps``
    all versions of a block's adapter are averaged. The average is written down anew, as one sum over padded versions.
    """

    def __init__(self, plan: SplitFederatedPlan, model: Model, data: Shards, seed: int, learning_rate: float) -> None:
        assert plan.model is not None
        self.plan, self.data, self.steps = plan, data, 0
        largest = int(plan.rank.max())

        def blocks(rank: int) -> list[Block]:
            return adapt(model, [rank] * len(model.block_list()), seed, largest).block_list()

        common = blocks(largest)
        lower = [blocks(rank)[:cut] for cut, rank in zip(plan.cut.tolist(), plan.rank.tolist(), strict=True)]
        self.wholes = [Model(model.embedding, [*own, *common[len(own) :]], model.head) for own in lower]
        self.own = [adapters(nn.ModuleList(blocks)) for blocks in lower]
        self.shared = adapters(nn.ModuleList(common[int(plan.cut.min()) :]))
        self.versions = [[whole.block_list()[j] for whole in self.wholes] for j in range(int(plan.cut.max()))]
        self.weights = torch.tensor(plan.data_sizes / plan.data_sizes.sum(), dtype=model.head.logits.weight.dtype)
        self.factors = [*self.shared, *(factor for own in self.own for factor in own)]
        self.adam = torch.optim.Adam(self.factors, lr=learning_rate)

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

    def state(self) -> dict[str, Tensor]:
        """Return all factors and Adam's state, as they stand between two steps."""
        return state("reference", self.adam, self.factors)

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        restore("reference", self.adam, self.factors, saved)
        self.steps = steps

    def _average(self) -> None:
        """Replace all versions of a block's factors by their data-size-weighted mean, cut to each version's rank.

        Every client counts with its own version or with the shared one, whichever its model has.
        """
        with torch.no_grad():
            for versions in self.versions:
                for i, factors in enumerate(zip(*map(adapters, versions), strict=True)):
                    mean = padded_mean([factor.detach() for factor in factors], self.weights, RANK_AXES[i % 2])
                    for factor in factors:
                        factor.copy_(mean[: factor.shape[0], : factor.shape[1]])


def padded_mean(factors: list[Tensor], weights: Tensor, axis: int) -> Tensor:
    """Return the mean of factors [K] under weights [K], padded with zeros along the rank's axis to the largest rank.

    In A (axis 0) a component's weights are those of the clients that have it, made to add up to 1.
    """
    largest = max(factor.shape[axis] for factor in factors)
    shape = [largest if i == axis else size for i, size in enumerate(factors[0].shape)]
    padded, held = torch.zeros(len(factors), *shape, dtype=weights.dtype), torch.zeros(len(factors), largest)
    for k, factor in enumerate(factors):
        padded[k, : factor.shape[0], : factor.shape[1]] = factor
        held[k, : factor.shape[axis]] = 1
    mean = torch.einsum("k,k...->...", weights, padded)
    if axis == 0:
        mean /= (weights @ held.to(weights.dtype)).unsqueeze(1)
    return mean
