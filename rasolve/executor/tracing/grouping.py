"""From operations to layers: what belongs together, what is not worth a vertex, what fuses.

A vertex computes an activation; everything else is free and done again by each layer that reads it: parameters and what
is made of them alone, constants, masks, preparations of the data, and views that do not shrink. So nothing ever crosses
that the other side knows or can make of something smaller (ours).
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn
from torch.fx import GraphModule, Node

from rasolve.errors import InputError
from rasolve.executor.tracing.export import operation, rearranges, where, writes
from rasolve.executor.tracing.layers import Layer, Layers
from rasolve.executor.tracing.survey import Fact

Facts = Mapping[Node, Fact]

CONTAINERS = (
    nn.Sequential,
    nn.ModuleList,
    nn.ModuleDict,
    nn.Transformer,
    nn.TransformerEncoder,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoder,
    nn.TransformerDecoderLayer,
)
"""torch's own modules that are made of layers; every other module of torch.nn is one layer."""


@dataclass(frozen=True, eq=False)
class Group:
    """The nodes of one vertex that compute, in their order; those that others read; those of others that it reads."""

    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]
    reads: frozenset[Node]


def layers_of(module: nn.Module, program: GraphModule, facts: Facts, fuse: bool) -> Layers:
    """Return the layers of a program.

    The operations of one call of a torch.nn module make one layer, other operations one each. With `fuse` a layer
    without FLOPs whose output is as large as that of its only parent, which nobody else reads, becomes part of that
    parent: convolution, norm and ReLU are then one. Raises InputError for a model without layers.
    """
    keys = _keys(module, program, facts)
    for node in _whole_slices(program, facts, keys):
        del keys[node]
    result = frozenset(_sources(_result(program).all_input_nodes, keys))
    groups = _groups(keys, result)
    if not groups:
        raise InputError(f"{type(module).__name__} has no layer with parameters between its inputs and its output")
    if fuse:
        groups = _fused(groups, facts, result)
    order = {node: i for i, node in enumerate(program.graph.nodes)}
    groups = sorted(groups, key=lambda group: order[group.outputs[-1]])
    read = result.union(*(group.reads for group in groups))
    inputs = [node for node in order if node.op == "placeholder" and node in read]
    vertex_of = {node: v for v, node in enumerate(inputs)}
    vertex_of |= {node: v for v, group in enumerate(groups, start=len(inputs)) for node in group.outputs}
    names = _distinct([str(node.target) for node in inputs] + [_name(module, group.nodes[0]) for group in groups])

    def nodes_of(own: Sequence[Node]) -> tuple[Node, ...]:
        made_of = _with_free((each for node in own for each in node.all_input_nodes), keys)
        return tuple(sorted({*own, *(node for node in made_of if not _anchors(node, keys))}, key=order.__getitem__))

    layers = [Layer(name, (), (node,)) for name, node in zip(names, inputs, strict=False)]
    for name, group in zip(names[len(inputs) :], groups, strict=True):
        parents = tuple(sorted({vertex_of[node] for node in group.reads}))
        layers.append(Layer(name, nodes_of(group.nodes), group.outputs, parents, _block(module, group.nodes[0])))
    ends = tuple(sorted({vertex_of[node] for node in result}))
    returned = tuple(_result(program).all_input_nodes)
    whole = Layer("result", nodes_of([node for node in returned if node not in vertex_of]), returned, ends)
    activations = frozenset(node for node in vertex_of if facts[node].activation)
    return Layers(module, program, tuple(layers), whole, activations)


def _result(program: GraphModule) -> Node:
    node: Node = program.graph.output_node()
    return node


def _keys(module: nn.Module, program: GraphModule, facts: Facts) -> dict[Node, Hashable]:
    """Return which group each node that computes belongs to; nodes without a key are free."""
    keys: dict[Node, Hashable] = {}
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        call = _leaf_call(module, node)
        if writes(node) and not facts[node].activation:
            if call is None:
                raise InputError(f"{where(node)}: overwrites a buffer, which only layers of torch.nn may")
            keys[node] = call
        elif node.target is operator.getitem and node.all_input_nodes[0] in keys:
            keys[node] = keys[node.all_input_nodes[0]]
        elif facts[node].activation and (not rearranges(node) or _shrinks(node, keys, facts)):
            keys[node] = call or node
    return keys


def _shrinks(view: Node, keys: Mapping[Node, Hashable], facts: Facts) -> bool:
    """Return whether a view is less than what it is a view of."""
    return facts[view].bits < _bits(_sources(view.all_input_nodes, keys), facts)


def _sources(nodes: Iterable[Node], keys: Mapping[Node, Hashable]) -> set[Node]:
    """Return the nodes with a key, and the inputs, that some nodes are or are made of through free nodes."""
    return {node for node in _with_free(nodes, keys) if _anchors(node, keys)}


def _with_free(nodes: Iterable[Node], keys: Mapping[Node, Hashable]) -> set[Node]:
    """Return some nodes and, through free ones, all that they are made of down to the first that are not."""
    found, waiting = set(), list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [] if _anchors(node, keys) else node.all_input_nodes
    return found


def _anchors(node: Node, keys: Mapping[Node, Hashable]) -> bool:
    """Return whether a node's value is an input or some vertex's business."""
    return node in keys or node.op == "placeholder"


def _bits(nodes: Iterable[Node], facts: Facts) -> int:
    return sum(facts[node].bits for node in nodes)


def _whole_slices(program: GraphModule, facts: Facts, keys: Mapping[Node, Hashable]) -> list[Node]:
    """Return the slices of a tensor that together are all of it and that one layer alone reads: it can slice itself."""
    readers: defaultdict[Node, set[Hashable]] = defaultdict(set)
    for node in program.graph.nodes:
        for source in _sources(node.all_input_nodes, keys) if node in keys or node.op == "output" else ():
            readers[source].add(keys.get(node))
    slices: defaultdict[tuple[frozenset[Node], frozenset[Hashable]], list[Node]] = defaultdict(list)
    for node, key in keys.items():
        if key is node and rearranges(node):
            slices[frozenset(_sources(node.all_input_nodes, keys)), frozenset(readers[node])].append(node)
    return [
        node
        for (sources, read_by), found in slices.items()
        if len(read_by) == 1 and None not in read_by and _bits(found, facts) >= _bits(sources, facts)
        for node in found
    ]


def _groups(keys: Mapping[Node, Hashable], result: frozenset[Node]) -> list[Group]:
    """Return the groups that somebody reads, in the order of their first nodes."""
    members: defaultdict[Hashable, list[Node]] = defaultdict(list)
    for node, key in keys.items():
        members[key].append(node)
    reads = {
        key: frozenset(_sources((each for node in nodes for each in node.all_input_nodes), keys)) - set(nodes)
        for key, nodes in members.items()
    }
    read = result.union(*reads.values())
    found = [Group(tuple(nodes), tuple(n for n in nodes if n in read), reads[key]) for key, nodes in members.items()]
    return [group for group in found if group.outputs]


def _fused(groups: Sequence[Group], facts: Facts, result: frozenset[Node]) -> list[Group]:
    """Return the groups after every one that adds no FLOPs and changes no size has joined the only one it reads."""
    owner: dict[Node, int] = {}
    found: list[Group] = []
    readers = Counter(node for group in groups for node in group.reads)
    for group in groups:
        parents = {owner.get(node) for node in group.reads}
        parent = parents.pop() if len(parents) == 1 else None
        at = len(found)
        if parent is not None:
            before = found[parent]
            alone = all(readers[node] == 1 and node not in result for node in before.outputs)
            same = _bits(group.outputs, facts) == _bits(before.outputs, facts)
            if alone and same and not sum(facts[node].flops for node in group.nodes):
                found[parent] = replace(before, nodes=before.nodes + group.nodes, outputs=group.outputs)
                at = parent
        if at == len(found):
            found.append(group)
        owner |= dict.fromkeys(group.outputs, at)
    return found


def _calls(module: nn.Module, node: Node) -> list[tuple[str, str, nn.Module]]:
    """Return the calls of modules within which a node stands, outermost first: a key for each, its path and module."""
    paths = {key: path.partition("@")[0] for key, (path, _) in (node.meta.get("nn_module_stack") or {}).items()}
    return [(key, path, module.get_submodule(path)) for key, path in paths.items()]


def _is_layer(module: nn.Module) -> bool:
    """Return whether a module is one layer: torch's own, and not made of layers."""
    return type(module).__module__.startswith("torch.nn.") and not isinstance(module, CONTAINERS)


def _leaf_call(module: nn.Module, node: Node) -> str | None:
    """Return the call of a layer of torch.nn within which a node stands, None where there is none."""
    return next((key for key, _, each in _calls(module, node) if _is_layer(each)), None)


def _name(module: nn.Module, node: Node) -> str:
    """Return the path of the layer of torch.nn that a node belongs to, or that of its module and what it does."""
    calls = _calls(module, node)
    for _, path, each in calls:
        if _is_layer(each):
            return path or type(each).__name__
    does = operation(node.all_input_nodes[0] if node.target is operator.getitem else node)
    return f"{calls[-1][1]}.{does}" if calls and calls[-1][1] else does


def _block(module: nn.Module, node: Node) -> str | None:
    """Return the outermost call of a module of a kind of which the model has several; None where there is none."""
    kinds = Counter(type(each) for each in module.modules())
    for key, _, each in _calls(module, node):
        plain = type(each) in (nn.Sequential, nn.ModuleList, nn.ModuleDict)
        if kinds[type(each)] > 1 and not plain and not _is_layer(each):
            return key
    return None


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, those that occur again with a number."""
    seen: Counter[str] = Counter()
    taken = set(names)
    found = []
    for name in names:
        seen[name] += 1
        distinct = name
        while seen[name] > 1 and (distinct := f"{name}_{seen[name]}") in taken:
            seen[name] += 1
        taken.add(distinct)
        found.append(distinct)
    return found
