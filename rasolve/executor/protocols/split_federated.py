"""Split federated LoRA fine-tuning: clients hold the lower blocks, one server the upper ones (published, FedsLLM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from rasolve.executor.data import Shards
from rasolve.executor.links import Link
from rasolve.executor.lora import adapt
from rasolve.executor.meters import Meter
from rasolve.executor.models import Model, mean_loss
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
    with one client the run is then ordinary LoRA fine-tuning.

    No party holds on to what it needs no more: a client lets go of its activation when it is sent, the server of each
    when it is served. FLOPs and memory are counted in the first step alone.
    """

    def __init__(self, plan: Plan, model: Model, data: Shards, seed: int, learning_rate: float) -> None:
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
        self.meter.watch("server", partial(standing, self.server, self.server_adapters))
        self.clients = []
        for k in range(1, plan.clients + 1):
            half, link = halves().client, Link(f"client {k}", self.meter, plan.model.label_bytes)
            client = Client(half, Adapters(half, learning_rate), link)
            self.meter.watch(link.party, partial(standing, half, client.adapters))
            self.clients.append(client)

    @property
    def rounds(self) -> int:
        """Rounds completed."""
        return self.steps // self.plan.local_steps

    def step(self) -> float:
        """Train one local step and return the loss before it, Σ_k (D_k/D)·(mean loss of client k's mini-batch)."""
        edges, arrived = [], []
        for k, client in enumerate(self.clients):
            inputs, labels = self.data.batch(k, self.steps, self.plan.batch_size)
            sent, edge = self._forward(client, inputs, labels)
            arrived.append(sent)
            edges.append(edge)
        del sent  # the server lets go of each activation when it is served
        loss, gradients = self._serve(arrived)
        for client, edge, gradient in zip(self.clients, edges, gradients, strict=True):
            if edge is not None and gradient is not None:
                self._backward(client, edge, gradient)
        self.meter.counting = False
        self.steps += 1
        if self.steps % self.plan.local_steps == 0:
            self._end_round()
        return loss

    def _forward(
        self, client: Client, inputs: Tensor, labels: Tensor
    ) -> tuple[tuple[Tensor, Tensor], GradientEdge | None]:
        """Return a client's activation and labels as they arrive at the server, and where the gradient will enter.

        At cut 0 nothing trainable stands below the cut and no gradient will come.
        """
        with self.meter.work(client.link.party, Stage.CLIENT_FORWARD):
            output = client.half(inputs)
        self.meter.hold(client.link.party, output)
        activation = client.link.send(Stage.ACTIVATIONS, output)
        self.meter.hold("server", activation)
        arrived = activation, client.link.send(Stage.LABELS, labels)
        return arrived, get_gradient_edge(output) if self.cut > 0 else None

    def _serve(self, arrived: list[tuple[Tensor, Tensor]]) -> tuple[float, list[Tensor | None]]:
        """Train the server's adapter on every client's activation and return the loss and the activation gradients.

        A client's gradient is that of its own mean loss; the server's adapter follows the data-size-weighted mean of
        the clients' losses. At cut 0 there is no gradient to return. `arrived` is emptied on the way.
        """
        loss, gradients = 0.0, []
        for weight in self.weights:
            own, gradient = self._serve_one(*arrived.pop(0), weight)
            gradients.append(gradient)
            loss += weight * own
        with self.meter.timed("server", Stage.SERVER):
            self.server_adapters.update()
        return loss, gradients

    def _serve_one(self, activation: Tensor, labels: Tensor, weight: float) -> tuple[float, Tensor | None]:
        """Return a client's mean loss and its activation's gradient; nothing else of it is held afterwards."""
        activation.requires_grad_(self.cut > 0)
        with self.meter.work("server", Stage.SERVER):
            loss = mean_loss(self.server(activation), labels)
            torch.autograd.backward(loss)
        if activation.grad is not None:
            self.meter.hold("server", activation.grad)
        with self.meter.timed("server", Stage.SERVER):
            self.server_adapters.collect(weight)
        return loss.item(), activation.grad

    def _backward(self, client: Client, edge: GradientEdge, gradient: Tensor) -> None:
        """Send a client its gradient and train its adapters on it."""
        arrived = client.link.send(Stage.GRADIENTS, gradient)
        self.meter.hold(client.link.party, arrived)
        with self.meter.work(client.link.party, Stage.CLIENT_BACKWARD):
            torch.autograd.backward(edge, arrived)
        with self.meter.timed(client.link.party, Stage.CLIENT_BACKWARD):
            client.adapters.collect()
            client.adapters.update()

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


def standing(half: nn.Module, adapters: Adapters) -> list[Tensor]:
    """Return what stands in a party's memory: its weights and factors, their gradients, the optimizer's state."""
    return [*half.parameters(), *adapters.held()]


def weighted_mean(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Return Σ_k weights[k]·tensors[k]; the weights add up to 1."""
    return torch.stack([weight * tensor for weight, tensor in zip(weights, tensors, strict=True)]).sum(0)
