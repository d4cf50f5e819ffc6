"""Count a model's layers one by one, on the meta device: nothing is allocated, nothing is assumed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.fx import Node

from rasolve.executor.flops import BACKWARD, FORWARD, counter
from rasolve.executor.tracing.layers import Layers, State, Values, run
from rasolve.executor.tracing.survey import Fact, bits, math_attention
from rasolve.scenario.units import bytes_of_one_in


def flops_of(layers: Layers, v: int, values: Mapping[Node, Tensor], state: State) -> tuple[int, int]:
    """Return the FLOPs of one layer's forward and backward pass, all its parameters trained.

    It is counted alone, on inputs without history, because a counter's attribution inside one graph is wrong in
    backward. The gradient of what is no activation is not computed, so that a first layer costs less.
    """
    layer = layers.layers[v]
    given: Values = {
        node: values[node].detach().requires_grad_(node in layers.activations)
        for parent in layer.parents
        for node in layers.layers[parent].outputs
    }
    with math_attention():
        with counter(FORWARD) as forward:
            outputs = [out for out in run(layer, given, state, "meta").values() if out.requires_grad]
        with counter(BACKWARD) as backward:
            torch.autograd.backward(outputs, [torch.empty_like(out) for out in outputs])
    return forward.get_total_flops(), backward.get_total_flops()


def weight_bits(layers: Layers) -> list[int]:
    """Return the bits [V] of each layer's parameters, tied ones where they are used first."""
    counted: set[int] = set()
    found = []
    for weights in layers.weights:
        found.append(bits([weight for each, weight in weights.items() if each not in counted]))
        counted |= weights.keys()
    return found


def output_bits(layers: Layers, facts: Mapping[Node, Fact], values: Mapping[Node, Tensor]) -> list[int]:
    """Return the bits [V] of what each layer hands on.

    Whole numbers that only look up rows of a table travel in the narrowest whole bytes that hold a row's number, as
    labels do; all else travels as it is.
    """
    return [
        values[layer.outputs[0]].numel() * 8 * index_bytes(layer.outputs[0], values)
        if not layer.parents
        else sum(facts[node].bits for node in layer.outputs)
        for layer in layers.layers
    ]


def index_bytes(node: Node, values: Mapping[Node, Tensor]) -> int:
    """Return the bytes of one number of an input."""
    tables = [
        values[user.all_input_nodes[0]].shape[0] if user.target is torch.ops.aten.embedding.default else None
        for user in node.users
    ]
    if values[node].is_floating_point() or None in tables or not tables:
        return values[node].element_size()
    return bytes_of_one_in(max(rows for rows in tables if rows is not None))


def saved_bytes(layers: Layers, values: Mapping[Node, Tensor], state: State) -> list[int]:
    """Return the bytes [V] that the whole model's backward pass needs of what each layer makes.

    A tensor that several layers keep counts once, for the layer that makes it, so that sums over layers are what one
    party holds. Parameters and buffers do not count.
    """
    weights = {value.untyped_storage()._cdata for value in state.values() if isinstance(value, Tensor)}
    maker: dict[int, int] = {}
    sizes: dict[int, int] = {}
    alive: list[Tensor] = []
    known: Values = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            alive.append(tensor.detach())
            maker.setdefault(storage._cdata, v)
            sizes[storage._cdata] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor), math_attention():
        for v, layer in enumerate(layers.layers):
            known |= run(layer, known, state, "meta") if layer.parents else {n: values[n] for n in layer.outputs}
            for node in layer.outputs:
                maker.setdefault(known[node].untyped_storage()._cdata, v)
    found = [0] * len(layers.layers)
    for storage, size in sizes.items():
        found[maker[storage]] += size
    return found
