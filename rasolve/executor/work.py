"""What a piece of work comes to, for a time model: FLOPs, bytes read and written, and calls into torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import DTYPES, Model, example, mean_loss, skeleton
from rasolve.executor.optimizer import Adapters
from rasolve.executor.wall_clock import WallClock
from rasolve.plan import SplitFederatedPlan
from rasolve.surrogate_models.time import TimeModel

MESSAGE_CALLS = 8
"""Calls that a message over a link counts for: most of them are not torch's, but take as long (ours, timed)."""


@dataclass(frozen=True)
class Work:
    """FLOPs, bytes and calls of a piece of work; adds up and multiplies."""

    flops: float = 0.0
    bytes: float = 0.0
    calls: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.bytes + other.bytes, self.calls + other.calls)

    def __mul__(self, times: float) -> Work:
        return Work(self.flops * times, self.bytes * times, self.calls * times)


class Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations inside, and the bytes of every tensor that they read or write; a view moves none."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run and count one operation."""
        out = func(*args, **(kwargs or {}))
        self.calls += 1
        read, written = _tensors((args, kwargs)), _tensors(out)
        seen = {tensor.untyped_storage()._cdata for tensor in read}
        view = not func._schema.is_mutable and all(t.untyped_storage()._cdata in seen for t in written)
        if not view:
            self.bytes += sum(tensor.nbytes for tensor in (*read, *written))
        return out


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def counted(work: Callable[[], Any]) -> tuple[Work, Any]:
    """Do some work and return what it came to, and what it returned."""
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:
        out = work()
    return Work(flops.get_total_flops(), traffic.bytes, traffic.calls), out


def there_and_back(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Work, Work]:
    """Return the work of a forward pass on `x`, whose gradient is wanted, and of the backward pass after it."""
    x = x.detach().requires_grad_()
    forward, out = counted(lambda: function(x))
    gradient = torch.ones_like(out)
    backward, _ = counted(lambda: torch.autograd.backward(out, gradient))
    return forward, backward


def loss_of(head: nn.Module, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the head and the mean loss as one function of the last block's output."""

    def loss(activation: Tensor) -> Tensor:
        return mean_loss(head(activation), labels)

    return loss


def message(size: float) -> Work:
    """Return the work of a message of `size` bytes: written as bytes, copied, read."""
    return Work(bytes=4 * size, calls=MESSAGE_CALLS)


def update(half: nn.Sequential) -> Work:
    """Return the work of collecting gradients for the adapters in `half` and of an Adam step along them."""
    own = Adapters(half, learning_rate=1.0)
    for factor in own.factors:
        factor.grad = torch.zeros_like(factor)

    def follow() -> None:
        own.collect()
        own.update()

    return counted(follow)[0]


def run_work(plan: SplitFederatedPlan, steps: int) -> Work:
    """Return what `steps` local steps of a plan come to, all parties one after the other as one process runs them.

    Counted on the meta device, for each distinct rank once. Drawing mini-batches and averaging factors are left out.
    """
    assert plan.model is not None
    spec, batch, largest = plan.model, plan.batch_size, int(plan.rank.max())
    base = skeleton(spec, DTYPES[plan.parameter_bits])
    inputs, labels = example(spec, batch)
    embedding, x = counted(lambda: base.embedding(inputs))
    head = _sum(there_and_back(loss_of(base.head, labels), x))
    adapted = {rank: adapt(base, [rank] * spec.blocks, seed=0) for rank in {largest, *plan.rank.tolist()}}
    passes = {rank: [_sum(there_and_back(block, x)) for block in model.block_list()] for rank, model in adapted.items()}
    lowest, highest = int(plan.cut.min()), int(plan.cut.max())
    step = update(_blocks(adapted[largest], lowest, spec.blocks))
    end_of_round = _messages(_blocks(adapted[largest], lowest, highest)) * 2
    for cut, rank in zip(plan.cut.tolist(), plan.rank.tolist(), strict=True):
        half = _blocks(adapted[rank], 0, cut)
        step += embedding + _sum(passes[rank][:cut]) + _sum(passes[largest][cut:]) + head + update(half)
        step += message(x.nbytes) * (2 if cut else 1) + message(batch * spec.label_bits / 8)
        end_of_round += _messages(half) * 2
    return step * steps + end_of_round * (steps // plan.local_steps)


def _blocks(model: Model, first: int, last: int) -> nn.Sequential:
    """Return blocks first+1..last."""
    return nn.Sequential(*model.block_list()[first:last])


def _messages(half: nn.Sequential) -> Work:
    """Return the work of sending every factor in `half`, each a message of its own."""
    return _sum(message(factor.nbytes) for factor in adapters(half))


def wall_clock(plan: SplitFederatedPlan, model: TimeModel, seconds: Sequence[float]) -> WallClock | None:
    """Return the comparison for a run's seconds per step [steps]; None for a single step, the one that counts."""
    if len(seconds) < 2:
        return None
    whole, first = run_work(plan, len(seconds)), run_work(plan, 1)
    work = whole.calls - first.calls, whole.flops - first.flops, whole.bytes - first.bytes
    low, high = model.interval(*work)
    return WallClock(
        steps=len(seconds) - 1,
        measured=sum(seconds[1:]),
        predicted=model(*work),
        low=low,
        high=high,
        level=model.level,
        machine=str(model.machine),
    )


def _sum(works: Iterable[Work]) -> Work:
    return sum(works, start=Work())
