"""Count a model's profile from its torch modules, block by block, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.errors import InputError, SolverUnavailable
from rasolve.scenario.workload import Architecture, Profile

try:
    import torch
except ModuleNotFoundError:
    raise SolverUnavailable("counting a model needs torch: install rasolve[executor]") from None

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rasolve.executor.ledger import Ledger
from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import DTYPES, example, mean_loss, skeleton


@dataclass(frozen=True)
class Counts:
    """One module's forward and backward FLOPs, bytes saved for backward and bytes of output, for its input."""

    forward: int
    backward: int
    saved: int
    output: int


def count(spec: Architecture, parameter_bits: int = 32) -> Profile:
    """Return the profile counted from the executor's model, per sample; nothing is allocated.

    Weights are frozen, LoRA is on query and value. The adapters' share is the difference of ranks 1 and 2, the frozen
    block's what is left at rank 0; both are exact because every count is linear in the rank. The lowest block's input
    needs no gradient. What head and loss save is the difference of mini-batches of 1 and 2, for the loss also keeps one
    number whatever the mini-batch. Raises InputError for parameter bits other than 32 and 64.
    """
    if parameter_bits not in DTYPES:
        raise InputError(f"parameter_bits = {parameter_bits}: must be one of {', '.join(map(str, DTYPES))} to count")
    dtype = DTYPES[parameter_bits]
    model = skeleton(spec, dtype)
    inputs, _ = example(spec, 1)
    with FlopCounterMode(display=False) as embedding:
        embedded = model.embedding(inputs)
    activation = torch.empty_like(embedded)
    rank_one, rank_two = (adapt(model, [rank] * spec.blocks, seed=0).block_list() for rank in (1, 2))
    one, two = (
        [count_module(block, activation, above_adapters=j > 0) for j, block in enumerate(blocks)]
        for blocks in (rank_one, rank_two)
    )
    head = count_module(model.head, activation, above_adapters=True)
    head_saved = [_saved_by_head(spec, model.head, batch_size, dtype) for batch_size in (1, 2)]
    return Profile(
        model=spec.name,
        forward_flops=[2 * a.forward - b.forward for a, b in zip(one, two, strict=True)],
        backward_flops=[2 * a.backward - b.backward for a, b in zip(one, two, strict=True)],
        activation_bits=[8 * embedded.nbytes, *(8 * each.output for each in one)],
        weight_bytes=[parameter_bytes(block) for block in model.block_list()],
        saved_activation_bytes=[2 * a.saved - b.saved for a, b in zip(one, two, strict=True)],
        params=[sum(weight.numel() for weight in block.parameters()) for block in model.block_list()],
        adapter_forward_flops=[b.forward - a.forward for a, b in zip(one, two, strict=True)],
        adapter_backward_flops=[b.backward - a.backward for a, b in zip(one, two, strict=True)],
        adapter_params=[sum(factor.numel() for factor in adapters(block)) for block in rank_one],
        adapter_saved_bytes=[b.saved - a.saved for a, b in zip(one, two, strict=True)],
        embedding_forward_flops=embedding.get_total_flops(),
        head_forward_flops=head.forward,
        head_backward_flops=head.backward,
        head_saved_bytes=head_saved[1] - head_saved[0],
        embedding_bytes=parameter_bytes(model.embedding),
        head_bytes=parameter_bytes(model.head),
        parameter_bits=parameter_bits,
        architecture=spec,
    )


def parameter_bytes(module: nn.Module) -> int:
    """Return the bytes of a module's parameters."""
    return sum(parameter.nbytes for parameter in module.parameters())


def count_module(module: nn.Module, x: Tensor, above_adapters: bool) -> Counts:
    """Count one module by itself on input `x`; `above_adapters` says whether `x` needs a gradient.

    A block is counted alone because a counter's attribution to modules inside one graph is wrong in backward. Saved
    bytes are the storages that autograd keeps, each once, without the module's parameters.
    """
    x = x.detach().requires_grad_(above_adapters)
    ledger = Ledger(module.parameters)
    with FlopCounterMode(display=False) as forward, ledger.watching():
        out = module(x)
    saved = ledger.passing_bytes
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(out, torch.empty_like(out))
    return Counts(forward.get_total_flops(), backward.get_total_flops(), saved, out.nbytes)


def _saved_by_head(spec: Architecture, head: nn.Module, batch_size: int, dtype: torch.dtype) -> int:
    """Return the bytes that head and loss keep for the backward pass of a mini-batch."""
    x = torch.empty(batch_size, spec.tokens, spec.width, dtype=dtype, device="meta", requires_grad=True)
    ledger = Ledger(head.parameters)
    with ledger.watching():
        loss = mean_loss(head(x), example(spec, batch_size)[1])
    saved = ledger.passing_bytes
    del loss  # until here autograd keeps what it saved
    return saved
