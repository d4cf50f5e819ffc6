"""Count a model's profile from its torch modules, block by block, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.errors import InputError, SolverUnavailable
from rasolve.scenario.workload import Profile, Transformer

try:
    import torch
except ModuleNotFoundError:
    raise SolverUnavailable("counting a model needs torch: install rasolve[executor]") from None

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from rasolve.executor.lora import adapt, adapters
from rasolve.executor.models import DTYPES, skeleton


@dataclass(frozen=True)
class Counts:
    """One module's forward and backward FLOPs, bytes saved for backward and bytes of output, for its input."""

    forward: int
    backward: int
    saved: int
    output: int


def count(spec: Transformer, parameter_bits: int = 32) -> Profile:
    """Return the profile counted from the executor's model, per sample; nothing is allocated.

    Weights are frozen, LoRA is on query and value. The adapters' share is the difference of ranks 1 and 2, the frozen
    block's what is left at rank 0; both are exact because every count is linear in the rank. The lowest block's input
    needs no gradient. ``saved_activation_bytes`` is the rank-0 part. Raises InputError for parameter bits other than
    32 and 64.
    """
    if parameter_bits not in DTYPES:
        raise InputError(f"parameter_bits = {parameter_bits}: must be one of {', '.join(map(str, DTYPES))} to count")
    dtype = DTYPES[parameter_bits]
    model = skeleton(spec, dtype)
    tokens = torch.empty(1, spec.tokens, dtype=torch.int64, device="meta")
    embedded = model.embedding(tokens)
    activation = torch.empty(1, spec.tokens, spec.width, dtype=dtype, device="meta")
    rank_one, rank_two = (adapt(model, [rank] * spec.blocks, seed=0).block_list() for rank in (1, 2))
    one, two = (
        [count_module(block, activation, above_adapters=j > 0) for j, block in enumerate(blocks)]
        for blocks in (rank_one, rank_two)
    )
    head = count_module(model.head, activation, above_adapters=True)
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
        head_forward_flops=head.forward,
        head_backward_flops=head.backward,
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
    parameters = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in parameters:
            kept[storage._cdata] = storage
        return tensor

    with FlopCounterMode(display=False) as forward, saved_tensors_hooks(keep, lambda tensor: tensor):
        out = module(x)
    saved = sum(storage.nbytes() for storage in kept.values())
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(out, torch.empty_like(out))
    return Counts(forward.get_total_flops(), backward.get_total_flops(), saved, out.nbytes)
