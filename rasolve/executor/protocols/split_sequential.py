"""Split training in turn: one device after another trains the lower blocks, each with a cut of its own (published)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from rasolve.errors import InputError
from rasolve.executor.data import Shards
from rasolve.executor.descent import descend, kept, put_back
from rasolve.executor.layered import Layered
from rasolve.executor.links import Link
from rasolve.executor.meters import Meter
from rasolve.executor.models import mean_loss
from rasolve.plan import COMPUTING, SplitSequentialPlan, Stage, TurnSource


class SplitSequential:
    """The running protocol: :meth:`step` makes one local step; a turn begins before its first and ends after its last.

    The server keeps the whole model. When a turn begins, what the device is to train comes down, blocks 1..c of the
    turn's cut c; when it ends, that goes up again, and so from one device to the next. Between, the device has blocks
    1..c and the server those above. All follow plain gradient descent (ours): it has no state that would have to be
    handed over, so that a cut decides who computes and nothing of what is learned.

    A turn's client is metered by its own name, the server's work for it, too. FLOPs are counted in the first step of
    every turn, memory is not.
    """

    def __init__(
        self, source: TurnSource, first: SplitSequentialPlan, models: Sequence[Layered], data: Shards, rate: float
    ) -> None:
        """Begin with a source's first turn; `models` are the device's and the server's copy, which start equal."""
        self.source, self.data, self.rate, self.meter, self.steps = source, data, rate, Meter(), 0
        self.device, self.server = models
        self.turns = [first]
        self.shard = {device: k for k, device in enumerate(source.devices)}

    @property
    def plan(self) -> SplitSequentialPlan:
        """The turns decided so far."""
        return SplitSequentialPlan.joined(self.turns)

    @property
    def local_steps(self) -> int:
        """Local steps of a turn."""
        return self.turns[0].local_steps

    @property
    def rounds(self) -> int:
        """Turns completed."""
        return self.steps // self.local_steps

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the mini-batch of the device whose turn a step is in, which has been decided."""
        turn = self.turns[step // self.local_steps]
        return self.data.batch(self.shard[int(turn.device[0])], step, turn.batch_size)

    def step(self) -> float:
        """Train one local step and return the mini-batch's mean loss before it."""
        begins = self.steps % self.local_steps == 0
        if begins:
            self._begin()
        turn, link = self.turns[-1], self._link()
        self.meter.counting = begins
        train = self._alone if turn.cut[0] == len(self.device.blocks) else self._split
        loss = train(link, int(turn.cut[0]), *self.batch(self.steps))
        self.steps += 1
        if self.steps % self.local_steps == 0:
            self._end(link, int(turn.cut[0]))
        return loss

    def _link(self) -> Link:
        spec = self.turns[0].model
        assert spec is not None
        return Link(f"client {self.steps // self.local_steps + 1}", self.meter, spec.label_bytes)

    def _begin(self) -> None:
        """Have the turn decided and send its device what it is to train."""
        number = self.steps // self.local_steps
        if number > 0:
            self.turns.append(_accepted(self.source.decide(number), self.turns[0], number))
        if int(self.turns[number].device[0]) not in self.shard:
            raise InputError(f"turn {number}: device {self.turns[number].device[0]} is none of {list(self.shard)}")
        _hand_over(self._link(), Stage.ADAPTERS_DOWN, self.server, self.device, int(self.turns[number].cut[0]))

    def _end(self, link: Link, cut: int) -> None:
        """Take back what the device trained, and tell what the turn spent."""
        _hand_over(link, Stage.ADAPTERS_UP, self.device, self.server, cut)
        energy = self.turns[-1].energy
        self.source.learn({stage: self._measured(link.party, stage) * float(each[0]) for stage, each in energy.items()})

    def _measured(self, party: str, stage: Stage) -> int:
        """Return the FLOPs or bits of a client's whole turn in a stage."""
        key = party, str(stage)
        return self.local_steps * self.meter.flops[key] if stage in COMPUTING else self.meter.bits[key]

    def _alone(self, link: Link, cut: int, inputs: Tensor, labels: Tensor) -> float:
        """Train the whole model on the device and return the loss."""
        with self._work(link, Stage.CLIENT_FORWARD):
            loss = mean_loss(self.device.below(cut)(inputs), labels)
        with self._work(link, Stage.CLIENT_BACKWARD):
            torch.autograd.backward(loss)
            descend(self.device.trained(last=cut), self.rate)
        return loss.item()

    def _split(self, link: Link, cut: int, inputs: Tensor, labels: Tensor) -> float:
        """Train the device's blocks and the server's and return the loss; from cut 0 no gradient comes back."""
        with self._work(link, Stage.CLIENT_FORWARD):
            output = self.device.below(cut)(inputs)
        arrived = link.send(Stage.ACTIVATIONS, output).requires_grad_(cut > 0)
        labels = link.send(Stage.LABELS, labels)
        with self._work(link, Stage.SERVER):
            loss = mean_loss(self.server.above(cut)(arrived), labels)
            torch.autograd.backward(loss)
            descend(self.server.trained(first=cut), self.rate)
        if arrived.grad is not None:
            gradient = link.send(Stage.GRADIENTS, arrived.grad)
            with self._work(link, Stage.CLIENT_BACKWARD):
                if output.requires_grad:
                    torch.autograd.backward(output, gradient)
                descend(self.device.trained(last=cut), self.rate)
        return loss.item()

    def _work(self, link: Link, stage: Stage) -> AbstractContextManager[None]:
        return self.meter.work(link.party, stage)

    def state(self) -> dict[str, Tensor]:
        """Return both copies' trained parameters, as they stand between two steps."""
        return {**kept("device", self.device.trained()), **kept("server", self.server.trained())}

    def restore(self, steps: int, saved: Mapping[str, Tensor]) -> None:
        """Continue after `steps` steps from what :meth:`state` returned; raises InputError where that is lacking."""
        put_back("device", self.device.trained(), saved)
        put_back("server", self.server.trained(), saved)
        self.steps = steps
        self.turns = [self.source.decide(turn) for turn in range(-(-steps // self.local_steps))]


def _hand_over(link: Link, stage: Stage, source: Layered, target: Layered, cut: int) -> None:
    """Send what is trained of blocks 1..cut from one copy of the model to the other."""
    with torch.no_grad():
        for sent, kept in zip(source.trained(last=cut), target.trained(last=cut), strict=True):
            kept.copy_(link.send(stage, sent))


def _accepted(turn: SplitSequentialPlan, first: SplitSequentialPlan, number: int) -> SplitSequentialPlan:
    """Return a turn that goes on with what the first one began; raises InputError for another."""
    for name in ("parameter_bits", "batch_size", "local_steps"):
        if getattr(turn, name) != getattr(first, name):
            raise InputError(f"turn {number}: {name} = {getattr(turn, name)}: was {getattr(first, name)} before")
    assert turn.model is not None and first.model is not None
    if turn.model.to_json() != first.model.to_json() or turn.rank[0] != first.rank[0]:
        raise InputError(f"turn {number}: another model or rank than in the turns before")
    return turn
