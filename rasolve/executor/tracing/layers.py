"""A traced model: its layers, each a piece of the program that can be run by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.fx.node import map_arg

Values = dict[Node, Any]
"""What nodes of a program have come to."""

State = Mapping[str, Any]
"""Parameters, buffers and constants by their names in the program."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A vertex of the graph: the nodes that it runs in their order, and those whose values other layers read.

    ``nodes`` includes what costs nothing and is not worth sending, such as views, which every reader does for itself.
    ``parents`` are the layers that it reads. ``block`` names the repeated part of the model that it belongs to.
    An input has no nodes of its own.
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]
    parents: tuple[int, ...] = ()
    block: str | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the parameters, buffers and constants that it reads."""
        return tuple(dict.fromkeys(str(node.target) for node in self.nodes if node.op == "get_attr"))


@dataclass(frozen=True, eq=False)
class Layers:
    """A model as V layers in topological order, its inputs first; ``result`` makes the model's outputs of theirs.

    ``activations`` are those of the layers' outputs whose gradient the backward pass needs.
    """

    module: nn.Module
    program: GraphModule
    layers: tuple[Layer, ...]
    result: Layer
    activations: frozenset[Node]

    @property
    def inputs(self) -> tuple[int, ...]:
        """The vertices that hold the raw data."""
        return tuple(v for v, layer in enumerate(self.layers) if not layer.parents)

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Parent and child of every edge."""
        return [(parent, v) for v, layer in enumerate(self.layers) for parent in layer.parents]

    def given(self, inputs: Sequence[Tensor]) -> Values:
        """Return the values of the input vertices where the module is called with `inputs`."""
        arguments = [node for node in self.program.graph.nodes if node.op == "placeholder"]
        values = dict(zip(arguments, inputs, strict=True))
        return {node: values[node] for v in self.inputs for node in self.layers[v].outputs}

    @property
    def weights(self) -> list[dict[int, nn.Parameter]]:
        """The parameters that each layer reads [V], by their identity, for they may have several names."""
        own = own_state(self.module)
        read = [[own[name] for name in layer.attributes if name in own] for layer in self.layers]
        return [{id(each): each for each in found if isinstance(each, nn.Parameter)} for found in read]


def own_state(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's parameters and buffers by all of their names, tied ones under each."""
    parameters = module.named_parameters(remove_duplicate=False)
    return {**dict(parameters), **dict(module.named_buffers(remove_duplicate=False))}


def state_on(
    device: torch.device | str, module: nn.Module, program: GraphModule, names: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return copies on a device of what a program reads, or of the `names` of it, tied ones still one.

    Parameters are trained.
    """
    own, copies = own_state(module), dict[int, Any]()

    def copied(name: str) -> Any:
        original = own[name] if name in own else _attribute(program, name)
        if not isinstance(original, Tensor):
            return original
        if id(original) not in copies:
            copy = original.detach().to(device, copy=True)
            copies[id(original)] = copy.requires_grad_(isinstance(original, nn.Parameter) and copy.is_floating_point())
        return copies[id(original)]

    if names is None:
        names = [str(node.target) for node in program.graph.nodes if node.op == "get_attr"]
    return {name: copied(name) for name in names}


def _attribute(program: GraphModule, name: str) -> Any:
    found: Any = program
    for part in name.split("."):
        found = getattr(found, part)
    return found


def evaluate(node: Node, values: Mapping[Node, Any], state: State, device: torch.device | str) -> Any:
    """Return what a node comes to; what it makes anew, it makes on `device`."""
    if node.op == "get_attr":
        return state[str(node.target)]
    args: Any = map_arg(node.args, values.__getitem__)
    kwargs: Any = map_arg(node.kwargs, values.__getitem__)
    if "device" in kwargs:
        kwargs = {**kwargs, "device": torch.device(device)}
    assert callable(node.target)
    return node.target(*args, **kwargs)


def run(layer: Layer, values: Mapping[Node, Any], state: State, device: torch.device | str = "cpu") -> Values:
    """Run one layer on what its parents came to, and return its outputs."""
    known = dict(values)
    for node in layer.nodes:
        known[node] = evaluate(node, known, state, device)
    return {node: known[node] for node in layer.outputs}
