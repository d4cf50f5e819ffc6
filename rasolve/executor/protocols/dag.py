"""Training a model that is split layer by layer between one device and one server (published, arXiv 2507.01041)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge
from torch.fx import Node

from rasolve.errors import InputError
from rasolve.executor.flops import BACKWARD, FORWARD
from rasolve.executor.graphs.data import Samples
from rasolve.executor.links import Link
from rasolve.executor.meters import Meter
from rasolve.executor.models import mean_loss
from rasolve.executor.optimizer import Weights, restore, state
from rasolve.executor.trace import Traced
from rasolve.executor.tracing.layers import Layers, Values, run, state_on
from rasolve.executor.tracing.survey import math_attention
from rasolve.numerics import IntArray
from rasolve.plan import DagPlan, Stage
from rasolve.plan.dag import DEVICE, SERVER, crossing


@dataclass(frozen=True, eq=False)
class Party:
    """One side: its layers in their order, all that they read by name, and the parameters among that."""

    name: str
    vertices: tuple[int, ...]
    reads: dict[str, Any]
    weights: Weights

    @property
    def buffers(self) -> dict[str, Tensor]:
        """What is read and not trained, such as running statistics, by name."""
        return {name: each for name, each in self.reads.items() if isinstance(each, Tensor) and not each.requires_grad}


class Dag:
    """The running protocol: :meth:`step` makes one local step and ends the round when ``local_steps`` are done.

    Device and server start from the module's weights and train each its own, all of them, with Adam whose moments stay
    where they are (ours). In a step every tensor that a layer of the server reads from the device goes up once, and its
    gradient comes down; there is none for the raw data. At the end of a round the device's weights go up and come down
    again: the device's part of the model travels once a round (published). Labels go up, too, unless all layers are on
    the device.
    """

    def __init__(self, plan: DagPlan, traced: Traced, data: Samples, label_bytes: int, learning_rate: float) -> None:
        """Split traced layers by the plan's tiers; raises InputError where that split cannot be trained.

        ``label_bytes`` is the width of a label on the wire.
        """
        layers = traced.layers
        self.plan, self.layers, self.data, self.meter, self.steps = plan, layers, data, Meter(), 0
        _reject(layers, plan.tier)
        sides = [np.flatnonzero(plan.tier == side).tolist() for side in (0, 1)]
        self.device, self.server = (
            _party(name, layers, side, learning_rate) for name, side in zip((DEVICE, SERVER), sides, strict=True)
        )
        for party in (self.device, self.server):
            self.meter.watch(party.name, partial(_standing, party))
        crosses = np.flatnonzero(crossing(np.array(layers.edges), plan.tier))
        self.crossing = [node for v in crosses for node in layers.layers[v].outputs]
        self.link = Link(DEVICE, self.meter, label_bytes)
        self.index_links = {node: Link(DEVICE, self.meter, width) for node, width in traced.index_bytes.items()}

    @property
    def rounds(self) -> int:
        """Rounds completed."""
        return self.steps // self.plan.local_steps

    def step(self) -> float:
        """Train one local step and return the mini-batch's mean loss before it."""
        arguments, labels = self.data.batch(self.steps, self.plan.batch_size)
        with math_attention():
            train = self._split if self.server.vertices else self._alone
            loss = train(self.layers.given(arguments), labels)
        self.meter.counting = False
        self.steps += 1
        if self.steps % self.plan.local_steps == 0:
            self._end_round()
        return loss

    def _alone(self, given: Values, labels: Tensor) -> float:
        """Train everything on the device and return the loss."""
        with self.meter.work(DEVICE, Stage.CLIENT_FORWARD, FORWARD):
            loss = self._loss(self.device, given, labels)
        with self.meter.work(DEVICE, Stage.CLIENT_BACKWARD, BACKWARD):
            torch.autograd.backward(loss)
        self._update(self.device, Stage.CLIENT_BACKWARD)
        return loss.item()

    def _split(self, given: Values, labels: Tensor) -> float:
        """Train on both sides and return the loss; neither holds on to what it needs no more."""
        with self.meter.work(DEVICE, Stage.CLIENT_FORWARD, FORWARD):
            values = self._run(self.device, given)
            sent = {node: values.pop(node) for node in self.crossing}
            del values
        edges = {node: get_gradient_edge(sent[node]) for node in self.crossing if node in self.layers.activations}
        arrived = {node: self._up(node, sent.pop(node)) for node in self.crossing}
        loss, gradients = self._serve(arrived, self.link.send(Stage.LABELS, labels))
        for node in gradients:
            gradients[node] = self.link.send(Stage.GRADIENTS, gradients[node])
            self.meter.hold(DEVICE, gradients[node])
        if gradients:
            with self.meter.work(DEVICE, Stage.CLIENT_BACKWARD, BACKWARD):
                torch.autograd.backward([edges[node] for node in gradients], list(gradients.values()))
        self._update(self.device, Stage.CLIENT_BACKWARD)
        return loss

    def _up(self, node: Node, value: Tensor) -> Tensor:
        """Send one crossing tensor and return what arrives, to be differentiated unless it is raw data."""
        self.meter.hold(DEVICE, value)
        if node in self.index_links:
            arrived = self.index_links[node].send(Stage.ACTIVATIONS, value).to(value.dtype)
        else:
            arrived = self.link.send_as_is(Stage.ACTIVATIONS, value)
        self.meter.hold(SERVER, arrived)
        return arrived.requires_grad_(node in self.layers.activations)

    def _serve(self, arrived: Values, labels: Tensor) -> tuple[float, dict[Node, Tensor]]:
        """Train the server's layers and return the loss and the gradients of what arrived."""
        with self.meter.work(SERVER, Stage.SERVER, FORWARD):
            loss = self._loss(self.server, arrived, labels)
        with self.meter.work(SERVER, Stage.SERVER, BACKWARD):
            torch.autograd.backward(loss)
        self._update(self.server, Stage.SERVER)
        gradients = {node: x.grad for node, x in arrived.items() if x.grad is not None}
        for gradient in gradients.values():
            self.meter.hold(SERVER, gradient)
        return loss.item(), gradients

    def _run(self, party: Party, given: Values) -> Values:
        """Return what a party's layers come to, beside what they are given."""
        values = dict(given)
        for v in party.vertices:
            values |= run(self.layers.layers[v], values, party.reads)
        return values

    def _loss(self, party: Party, given: Values, labels: Tensor) -> Tensor:
        (logits,) = run(self.layers.result, self._run(party, given), party.reads).values()
        if logits.shape[:-1] != labels.shape:
            raise InputError(f"data: labels {list(labels.shape)} for outputs {list(logits.shape)}: one for each row")
        if labels.max() >= logits.shape[-1]:
            raise InputError(
                f"data: labels hold {labels.max()}: must be at most {logits.shape[-1] - 1}, the last output"
            )
        return mean_loss(logits, labels)

    def _update(self, party: Party, stage: Stage) -> None:
        with self.meter.timed(party.name, stage):
            party.weights.update()

    def _end_round(self) -> None:
        """Send the device's weights up, where they are kept, and down again for the next round."""
        with torch.no_grad():
            for weight in self.device.weights.factors:
                kept = self.link.send(Stage.WEIGHTS_UP, weight)
                weight.copy_(self.link.send(Stage.WEIGHTS_DOWN, kept))

    def state(self) -> dict[str, Tensor]:
        """Return both sides' parameters, Adam's state and buffers, as they stand between two steps."""
        found = {}
        for party in (self.device, self.server):
            found.update(state(party.name, party.weights.adam, party.weights.factors))
            found.update({f"{party.name}/{name}": buffer for name, buffer in party.buffers.items()})
        return found

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        for party in (self.device, self.server):
            restore(party.name, party.weights.adam, party.weights.factors, saved)
            for name, buffer in party.buffers.items():
                if f"{party.name}/{name}" not in saved:
                    raise InputError(f"lacks tensor {party.name}/{name}")
                buffer.copy_(saved[f"{party.name}/{name}"])
        self.steps = steps


def _party(name: str, layers: Layers, side: Sequence[int], learning_rate: float) -> Party:
    """Return one side with its own copies of what its layers, and the loss, read."""
    mine = [layers.layers[v] for v in side]
    names = {each: None for layer in (*mine, layers.result) for each in layer.attributes}
    reads = state_on("cpu", layers.module, layers.program, names)
    trained = {id(each): each for each in reads.values() if isinstance(each, Tensor) and each.requires_grad}
    working = tuple(v for v in side if layers.layers[v].parents)
    return Party(name, working, reads, Weights(list(trained.values()), learning_rate))


def _standing(party: Party) -> list[Tensor]:
    return party.weights.held()


def _reject(layers: Layers, tier: IntArray) -> None:
    """Raise InputError for sides that cannot follow each other, weights that both would train, and several outputs."""
    names = [layer.name for layer in layers.layers]
    for v in layers.inputs:
        if tier[v] > 0:
            raise InputError(f"tier: '{names[v]}' is raw data, which is on the device")
    for parent, child in layers.edges:
        if tier[parent] > tier[child]:
            raise InputError(f"tier: '{names[child]}' is on the device and reads '{names[parent]}', which is not")
    if len(layers.result.outputs) != 1:
        raise InputError(f"the model returns {len(layers.result.outputs)} tensors: one is needed for the loss")
    reader: dict[int, int] = {}
    for v, weights in enumerate(layers.weights):
        for weight in weights:
            first = reader.setdefault(weight, v)
            if tier[first] != tier[v]:
                both = f"'{names[first]}' and '{names[v]}'"
                raise InputError(f"tier: {both} share weights but lie on two sides: gradients of weights are not sent")
