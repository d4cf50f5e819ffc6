"""Split federated LoRA fine-tuning: clients hold the lower blocks, one server the upper ones (published, FedsLLM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.data import Shards
from rasolve.executor.links import Link, Meter
from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import GPT
from rasolve.executor.optimizer import Adapters
from rasolve.executor.split import split
from rasolve.plan import Plan, Stage


@dataclass(frozen=True)
class Client:
    """One client: its half of the model, its adapters, its link to the server and to the federated server."""

    half: nn.Sequential
    adapters: Adapters
    link: Link


class SplitFederated:
    """The running protocol: :meth:`step` makes one local step and ends the round when ``local_steps`` are done.

    All parties start from the adapters of one seed. Adam's moments stay with their owner and are not averaged (ours):
    with one client the run is then ordinary LoRA fine-tuning.
    """

    def __init__(self, plan: Plan, model: GPT, data: Shards, seed: int, learning_rate: float) -> None:
        """Split `model` at the plan's common cut, with adapters of the plan's common rank."""
        assert plan.model is not None
        self.plan, self.data, self.meter = plan, data, Meter()
        self.cut = int(plan.cut[0])
        self.weights = [float(share) for share in plan.data_sizes / plan.data_sizes.sum()]
        self.steps = 0

        def half_with_adapters(server: bool) -> tuple[nn.Sequential, Adapters]:
            halves = split(adapt(model, [int(plan.rank[0])] * plan.model.blocks, seed), self.cut)
            half = halves.server if server else halves.client
            return half, Adapters(adapters(half), learning_rate)

        label_bytes = plan.model.label_bits // (8 * plan.model.tokens)
        self.server, self.server_adapters = half_with_adapters(server=True)
        self.clients = [
            Client(*half_with_adapters(server=False), Link(f"client {k}", self.meter, label_bytes))
            for k in range(1, plan.clients + 1)
        ]

    @property
    def rounds(self) -> int:
        """Rounds completed."""
        return self.steps // self.plan.local_steps

    def step(self) -> float:
        """Train one local step and return the loss before it, Σ_k (D_k/D)·(mean loss of client k's mini-batch)."""
        batches = [self.data.batch(k, self.steps, self.plan.batch_size) for k in range(self.plan.clients)]
        outputs = [client.half(tokens) for client, (tokens, _) in zip(self.clients, batches, strict=True)]
        arrived = [
            (client.link.send(Stage.ACTIVATIONS, output), client.link.send(Stage.LABELS, labels))
            for client, output, (_, labels) in zip(self.clients, outputs, batches, strict=True)
        ]
        loss, gradients = self._serve(arrived)
        for client, output, gradient in zip(self.clients, outputs, gradients, strict=True):
            if gradient is not None:
                output.backward(client.link.send(Stage.GRADIENTS, gradient))
                client.adapters.update()
        self.steps += 1
        if self.steps % self.plan.local_steps == 0:
            self._end_round()
        return loss

    def _serve(self, arrived: Sequence[tuple[Tensor, Tensor]]) -> tuple[float, list[Tensor | None]]:
        """Train the server's adapter on every client's activation and return the loss and the activation gradients.

        A client's gradient is that of its own mean loss; the server's adapter follows the data-size-weighted mean of
        the clients' losses. At cut 0 nothing trainable stands below the cut and there is no gradient to return.
        """
        loss, gradients = 0.0, []
        for weight, (activation, labels) in zip(self.weights, arrived, strict=True):
            activation.requires_grad_(self.cut > 0)
            own = functional.cross_entropy(self.server(activation).flatten(0, 1), labels.flatten())
            wanted = [*self.server_adapters.factors, *([activation] if self.cut > 0 else [])]
            found = list(torch.autograd.grad(own, wanted))
            gradients.append(found.pop() if self.cut > 0 else None)
            self.server_adapters.add(found, weight)
            loss += weight * own.item()
        self.server_adapters.update()
        return loss, gradients

    def _end_round(self) -> None:
        """Average the clients' factors at the federated server, Σ_k (D_k/D)·A_k and likewise B, and send them back.

        Factors are averaged, not products (ours): an average of products B·A has up to K times the rank and would not
        fit the adapters that the plan counts.
        """
        arrived = [
            [client.link.send(Stage.ADAPTERS_UP, factor) for factor in client.adapters.factors]
            for client in self.clients
        ]
        averages = [weighted_mean(versions, self.weights) for versions in zip(*arrived, strict=True)]
        for client in self.clients:
            client.adapters.load([client.link.send(Stage.ADAPTERS_DOWN, average) for average in averages])


def weighted_mean(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Return Σ_k weights[k]·tensors[k]; the weights add up to 1."""
    return torch.stack([weight * tensor for weight, tensor in zip(weights, tensors, strict=True)]).sum(0)
