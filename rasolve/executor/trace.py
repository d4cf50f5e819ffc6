"""Trace a torch module: from its forward pass to the profile of its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rasolve.errors import InputError, SolverUnavailable, whole_number
from rasolve.numerics import FloatArray
from rasolve.scenario.graph import GraphProfile

try:
    import torch
except ModuleNotFoundError:
    raise SolverUnavailable("tracing a model needs torch: install rasolve[executor]") from None

from torch import Tensor, nn
from torch.fx import Node

from rasolve.executor.tracing.counting import flops_of, index_bytes, output_bits, saved_bytes, weight_bits
from rasolve.executor.tracing.export import exported
from rasolve.executor.tracing.grouping import layers_of
from rasolve.executor.tracing.layers import Layers, state_on
from rasolve.executor.tracing.measuring import timed_layers
from rasolve.executor.tracing.survey import Fact, survey

REPEATS = 5
"""Timings of every layer (ours)."""


@dataclass(frozen=True, eq=False)
class Traced:
    """A module's layers, with the facts, the values without numbers and the state that counting needs."""

    layers: Layers
    fused: bool
    inputs: tuple[Tensor, ...]
    facts: dict[Node, Fact]
    values: dict[Node, Any]
    state: dict[str, Any]

    @property
    def samples(self) -> int:
        """The mini-batch: the first dimension of the first input."""
        return int(self.inputs[0].shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers."""
        return tuple(layer.name for layer in self.layers.layers)

    @property
    def index_bytes(self) -> dict[Node, int]:
        """The bytes of one number of every input that holds whole numbers."""
        read = [node for v in self.layers.inputs for node in self.layers.layers[v].outputs]
        return {node: index_bytes(node, self.values) for node in read if not self.values[node].is_floating_point()}

    def grouped(self, fuse: bool) -> Traced:
        """Return the same program's layers, fused or not."""
        layers = layers_of(self.layers.module, self.layers.program, self.facts, fuse)
        return replace(self, layers=layers, fused=fuse)


def trace(
    module: nn.Module,
    inputs: Tensor | Sequence[Tensor],
    *,
    model: str | None = None,
    fuse: bool = True,
    label_bits: float = 0.0,
) -> GraphProfile:
    """Return the profile of a module's layers, counted from its forward and backward pass on inputs like these.

    Of ``inputs``, the positional arguments of the forward pass, only shapes and types matter; their first dimension is
    the mini-batch, and all counts are per sample. The module is traced in the mode that it is in and stays as it is;
    all its parameters count as trained. With ``fuse``, norms and activations belong to the layer before them.
    ``label_bits`` is the size of a sample's labels. Raises InputError for a module that cannot be traced, naming what
    it does and where, or that has no layers; SolverUnavailable without torch.
    """
    return profile_of(traced_layers(module, inputs, fuse), model or type(module).__name__, label_bits)


def profile_of(traced: Traced, model: str, label_bits: float) -> GraphProfile:
    """Return the profile of traced layers; see :func:`trace`."""
    layers, samples = traced.layers, traced.samples
    with torch.enable_grad():
        work = [
            flops_of(layers, v, traced.values, traced.state) if layer.parents else (0, 0)
            for v, layer in enumerate(layers.layers)
        ]
        saved = saved_bytes(layers, traced.values, traced.state)
    forward, backward = np.array(work, dtype=float).T
    return GraphProfile(
        model=model,
        says=_says(traced),
        names=traced.names,
        edges=layers.edges,
        forward_flops=forward / samples,
        backward_flops=backward / samples,
        output_bits=np.array(output_bits(layers, traced.facts, traced.values), dtype=float) / samples,
        weight_bits=weight_bits(layers),
        inputs=layers.inputs,
        block_of=_blocks(layers),
        saved_bytes=np.array(saved, dtype=float) / samples,
        label_bits=label_bits,
    )


def layer_seconds(
    module: nn.Module,
    inputs: Tensor | Sequence[Tensor],
    *,
    fuse: bool = True,
    repeats: int = REPEATS,
    callback: Callable[[int, int], object] | None = None,
) -> FloatArray:
    """Return the seconds [V, repeats] that each layer's forward and backward pass takes on this machine's CPU.

    The layers are those of :func:`trace`, timed one by one on what the layers before them make of this mini-batch of
    inputs; an input itself takes no time. `callback` hears of every pass over the model, its number and how many there
    will be. Raises InputError as :func:`trace` does, and for a module or inputs without numbers.
    """
    repeats = whole_number("repeats", repeats, 1)
    given = _given(inputs)
    for what, held in (("module", [*module.parameters(), *module.buffers()]), ("inputs", given)):
        if any(each.device.type == "meta" for each in held):
            raise InputError(f"{what}: on the meta device, without numbers: nothing can be timed")
    traced = traced_layers(module, given, fuse)
    with torch.enable_grad():
        return timed_layers(traced.layers, given, repeats, callback)


def traced_layers(module: nn.Module, inputs: Tensor | Sequence[Tensor], fuse: bool = True) -> Traced:
    """Return the layers of a module with all that is known of them; see :func:`trace`."""
    if not isinstance(module, nn.Module):
        raise InputError(f"module = {module!r}: must be a torch.nn.Module")
    given = _given(inputs)
    with torch.enable_grad():
        program = exported(module, given)
        state = state_on("meta", module, program)
        empty = tuple(torch.empty(x.shape, dtype=x.dtype, device="meta") for x in given)
        facts, values = survey(program, empty, state)
        return Traced(layers_of(module, program, facts, fuse), fuse, empty, facts, values, state)


def _given(inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the inputs as a tuple; raises InputError where one of them is no mini-batch."""
    given = (inputs,) if isinstance(inputs, Tensor) or not isinstance(inputs, Sequence) else tuple(inputs)
    for i, x in enumerate(given):
        if not isinstance(x, Tensor) or x.dim() == 0 or x.numel() == 0:
            raise InputError(f"inputs[{i}]: must be a tensor whose first dimension is the mini-batch")
    if not given:
        raise InputError("inputs is empty: the module's arguments are needed")
    return given


def _blocks(layers: Layers) -> list[int]:
    """Return the number of each layer's block [V], -1 for a layer that is in none, or alone in one."""
    named = [layer.block for layer in layers.layers]
    several = dict.fromkeys(block for block in named if block is not None and named.count(block) > 1)
    numbers = {block: number for number, block in enumerate(several)}
    return [numbers.get(block, -1) if block is not None else -1 for block in named]


def _says(traced: Traced) -> str:
    shapes = ", ".join(
        f"{'x'.join(map(str, x.shape[1:]))} {str(x.dtype).removeprefix('torch.')}" for x in traced.inputs
    )
    once = {each: weight.numel() for weights in traced.layers.weights for each, weight in weights.items()}
    weights = f"{sum(once.values()):,} parameters, all trained"
    return f"per sample of {shapes}; {weights}; norms and activations {'' if traced.fused else 'not '}fused"
