"""Split federated LoRA fine-tuning: clients hold the lower blocks, one server the upper ones (published, FedsLLM)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rasolve.executor.data import Shards
from rasolve.executor.links import Link
from rasolve.executor.lora import adapt
from rasolve.executor.meters import Meter
from rasolve.executor.models import GPT
from rasolve.executor.optimizer import Adapters
from rasolve.executor.split import Split, split
from rasolve.plan import Plan, Stage


@dataclass(frozen=True)
class Client:
    """One client: its half of the model, the adapters in it, its link to both servers."""

    half: nn.Sequential
    adapters: Adapters
    link: Link


class SplitFederated:
    """The running protocol: :meth:`step` makes one local step and ends the round when ``local_steps`` are done.

    All parties start from the adapters of one seed. Adam's moments stay with their owner and are not averaged (ours):
    with one client the run is then ordinary LoRA fine-tuning. Bits are metered in every step, FLOPs in the first alone,
    because counting them takes a third of a step's time and all steps do the same work.
    """

    def __init__(self, plan: Plan, model: GPT, data: Shards, seed: int, learning_rate: float) -> None:
        """Split `model` at the plan's common cut, with adapters of the plan's common rank."""
        assert plan.model is not None
        self.plan, self.data, self.meter = plan, data, Meter()
        self.cut, ranks = int(plan.cut[0]), [int(plan.rank[0])] * plan.model.blocks
        self.weights = [float(share) for share in plan.data_sizes / plan.data_sizes.sum()]
        self.steps = 0

        def halves() -> Split:
            return split(adapt(model, ranks, seed), self.cut)

        self.server = halves().server
        self.server_adapters = Adapters(self.server, learning_rate)
        label_bytes = plan.model.label_bits // (8 * plan.model.tokens)
        self.clients = []
        for k in range(1, plan.clients + 1):
            half, link = halves().client, Link(f"client {k}", self.meter, label_bytes)
            self.clients.append(Client(half, Adapters(half, learning_rate), link))

    @property
    def rounds(self) -> int:
        """Rounds completed."""
        return self.steps // self.plan.local_steps

    def step(self) -> float:
        """Train one local step and return the loss before it, Σ_k (D_k/D)·(mean loss of client k's mini-batch)."""
        batches = [self.data.batch(k, self.steps, self.plan.batch_size) for k in range(self.plan.clients)]
        outputs = []
        for client, (tokens, _) in zip(self.clients, batches, strict=True):
            with self._work(client.link.party, Stage.CLIENT_FORWARD):
                outputs.append(client.half(tokens))
        arrived = [
            (client.link.send(Stage.ACTIVATIONS, output), client.link.send(Stage.LABELS, labels))
            for client, output, (_, labels) in zip(self.clients, outputs, batches, strict=True)
        ]
        loss, gradients = self._serve(arrived)
        for client, output, gradient in zip(self.clients, outputs, gradients, strict=True):
            if gradient is not None:
                arrived_gradient = client.link.send(Stage.GRADIENTS, gradient)
                with self._work(client.link.party, Stage.CLIENT_BACKWARD):
                    torch.autograd.backward(output, arrived_gradient)
                client.adapters.collect()
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
        loss = 0.0
        for weight, (activation, labels) in zip(self.weights, arrived, strict=True):
            activation.requires_grad_(self.cut > 0)
            with self._work("server", Stage.SERVER):
                own = functional.cross_entropy(self.server(activation).flatten(0, 1), labels.flatten())
                torch.autograd.backward(own)
            self.server_adapters.collect(weight)
            loss += weight * own.item()
        self.server_adapters.update()
        return loss, [activation.grad for activation, _ in arrived]

    def _work(self, party: str, stage: str) -> AbstractContextManager[None]:
        return self.meter.work(party, stage) if self.steps == 0 else nullcontext()

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
