"""Split federated LoRA fine-tuning: clients hold the lower blocks, one server the upper ones (published, FedsLLM).

Clients may have their own cuts c_k and ranks r_k (ours). The server holds every block that some client leaves to it,
min(c)+1..J, with adapters of the largest rank, and the head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from rasolve.executor.data import Shards
from rasolve.executor.links import Link
from rasolve.executor.lora import adapt
from rasolve.executor.meters import Meter
from rasolve.executor.models import Model, mean_loss
from rasolve.executor.optimizer import Adapters, restore, state
from rasolve.executor.protocols.aggregation import average_block, leading
from rasolve.executor.split import split
from rasolve.plan import SplitFederatedPlan, Stage


@dataclass(frozen=True)
class Client:
    """One client: its half of the model, the adapters in it, its link to both servers, and what serves it.

    ``served_by`` are the server's blocks above the client's cut, and the head.
    """

    cut: int
    rank: int
    half: nn.Sequential
    served_by: nn.Sequential
    adapters: Adapters
    link: Link


class SplitFederated:
    """The running protocol: :meth:`step` makes one local step and ends the round when ``local_steps`` are done.

    All parties start from the adapters of one seed. Adam's moments stay with their owner and are not averaged (ours):
    with one client the run is then ordinary LoRA fine-tuning.

    No party holds on to what it needs no more: a client lets go of its activation when it is sent, the server of each
    when it is served. FLOPs and memory are counted in the first step alone.
    """

    def __init__(self, plan: SplitFederatedPlan, model: Model, data: Shards, seed: int, learning_rate: float) -> None:
        """Split `model` at every client's cut, with adapters of every client's rank."""
        assert plan.model is not None
        self.plan, self.data, self.meter = plan, data, Meter()
        self.lowest_cut, largest = int(plan.cut.min()), int(plan.rank.max())
        self.weights = [float(share) for share in plan.data_sizes / plan.data_sizes.sum()]
        self.steps = 0

        def adapted(rank: int) -> Model:
            return adapt(model, [rank] * len(model.block_list()), seed, largest)

        label_bytes, whole = plan.model.label_bytes, adapted(largest)
        self.server = split(whole, self.lowest_cut).server
        self.server_adapters = Adapters(self.server, learning_rate)
        self.server_link = Link("server", self.meter, label_bytes)
        self.meter.watch("server", partial(standing, self.server, self.server_adapters))
        self.clients = []
        for k, (cut, rank) in enumerate(zip(plan.cut.tolist(), plan.rank.tolist(), strict=True), start=1):
            half, served_by = split(adapted(rank), cut).client, split(whole, cut).server
            link = Link(f"client {k}", self.meter, label_bytes)
            client = Client(cut, rank, half, served_by, Adapters(half, learning_rate), link)
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
        return arrived, get_gradient_edge(output) if client.cut > 0 else None

    def _serve(self, arrived: list[tuple[Tensor, Tensor]]) -> tuple[float, list[Tensor | None]]:
        """Train the server's adapter on every client's activation and return the loss and the activation gradients.

        A client's gradient is that of its own mean loss; the server's adapter follows the data-size-weighted mean of
        the clients' losses, on every block over the clients that it serves there. At cut 0 there is no gradient to
        return. `arrived` is emptied on the way.
        """
        loss, gradients = 0.0, []
        for client, weight in zip(self.clients, self.weights, strict=True):
            own, gradient = self._serve_one(client, *arrived.pop(0), weight)
            gradients.append(gradient)
            loss += weight * own
        with self.meter.timed("server", Stage.SERVER):
            self.server_adapters.update()
        return loss, gradients

    def _serve_one(
        self, client: Client, activation: Tensor, labels: Tensor, weight: float
    ) -> tuple[float, Tensor | None]:
        """Return a client's mean loss and its activation's gradient; nothing else of it is held afterwards."""
        activation.requires_grad_(client.cut > 0)
        with self.meter.work("server", Stage.SERVER):
            loss = mean_loss(client.served_by(activation), labels)
            torch.autograd.backward(loss)
        if activation.grad is not None:
            self.meter.hold("server", activation.grad)
        with self.meter.timed("server", Stage.SERVER):
            self.server_adapters.collect(weight, skip=client.cut - self.lowest_cut)
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

    def state(self) -> dict[str, Tensor]:
        """Return every party's factors and Adam's state, as they stand between two steps."""
        found = {}
        for party, own in self._parties().items():
            found.update(state(party, own.adam, own.factors))
        return found

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        for party, own in self._parties().items():
            restore(party, own.adam, own.factors, saved)
        self.steps = steps

    def _parties(self) -> dict[str, Adapters]:
        return {"server": self.server_adapters, **{client.link.party: client.adapters for client in self.clients}}

    def _end_round(self) -> None:
        """Average the factors block by block at the federated server and give every party back what fits its rank.

        Block j is averaged over those that trained it: the clients with c_k >= j, each with D_k, and the server's copy
        with the data of the clients with c_k < j, which it trained on, so that all data count once and every block has
        one adapter after a round (ours). Where all cuts are equal that is the published rule: Σ_k (D_k/D)·A_k and
        likewise B over the clients, and the server keeps its own. Factors are averaged, not products (ours): an average
        of products B·A has up to K times the rank and would not fit the adapters that the plan counts. The server's
        wired link to the federated server is metered like every other.
        """
        sent = [_send(client.link, Stage.ADAPTERS_UP, client.adapters.blocks) for client in self.clients]
        shared = int(self.plan.cut.max()) - self.lowest_cut
        sent_by_server = _send(self.server_link, Stage.ADAPTERS_UP, self.server_adapters.blocks[:shared])
        averages = []
        for j in range(self.lowest_cut + shared):
            trained = self.plan.cut > j
            versions = [blocks[j] for blocks, own in zip(sent, trained, strict=True) if own]
            sizes = self.plan.data_sizes[trained]
            if not trained.all():
                versions.append(sent_by_server[j - self.lowest_cut])
                sizes = np.append(sizes, self.plan.data_sizes[~trained].sum())
            averages.append(average_block(versions, sizes))
        for client in self.clients:
            fitting = [leading(block, client.rank) for block in averages[: client.cut]]
            client.adapters.load(_send(client.link, Stage.ADAPTERS_DOWN, fitting))
        self.server_adapters.load(_send(self.server_link, Stage.ADAPTERS_DOWN, averages[self.lowest_cut :]))


def standing(half: nn.Module, adapters: Adapters) -> list[Tensor]:
    """Return what stands in a party's memory: its weights and factors, their gradients, the optimizer's state."""
    return [*half.parameters(), *adapters.held()]


def _send(link: Link, stage: Stage, blocks: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
    """Return what arrives of factors sent block by block."""
    return [[link.send(stage, factor) for factor in block] for block in blocks]
