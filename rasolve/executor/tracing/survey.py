"""What every operation of a program comes to: sizes, FLOPs, and whether a gradient flows through it from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx import GraphModule, Node
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves

from rasolve.errors import InputError
from rasolve.executor.flops import FORWARD, counter
from rasolve.executor.tracing.export import MISHAPS, where
from rasolve.executor.tracing.layers import State, Values, evaluate


@dataclass(frozen=True)
class Fact:
    """What is known of one node: the value's bits, FLOPs of the forward pass, and whether it is an activation.

    An activation depends on the model's inputs and on something trained, so that its gradient is wanted.
    """

    bits: int
    flops: int
    activation: bool


def survey(program: GraphModule, inputs: Sequence[Tensor], state: State) -> tuple[dict[Node, Fact], Values]:
    """Run a program without numbers, on the meta device, and return the facts and the values of every node.

    Raises InputError naming the operation that cannot be run so.
    """
    facts: dict[Node, Fact] = {}
    values: Values = {}
    from_data: set[Node] = set()
    given = iter(inputs)
    with counter(FORWARD) as flops, math_attention():
        for node in program.graph.nodes:
            if node.op == "output":
                break
            before = flops.get_total_flops()
            if node.op == "placeholder":
                values[node] = next(given)
                from_data.add(node)
            else:
                try:
                    values[node] = evaluate(node, values, state, "meta")
                except MISHAPS as error:
                    raise InputError(f"{where(node)} cannot be counted: {str(error).partition(chr(10))[0]}") from None
                if from_data.intersection(node.all_input_nodes):
                    from_data.add(node)
            leaves = tensors(values[node])
            trained = any(leaf.requires_grad for leaf in leaves)
            facts[node] = Fact(bits(leaves), flops.get_total_flops() - before, node in from_data and trained)
    return facts, values


def math_attention() -> Any:
    """Return the context in which attention runs the kernel that counters see, the same on every device."""
    return sdpa_kernel(SDPBackend.MATH)


def tensors(value: Any) -> list[Tensor]:
    """Return all tensors in a node's value."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def bits(leaves: Sequence[Tensor]) -> int:
    """Return the bits of some tensors."""
    return sum(8 * leaf.numel() * leaf.element_size() for leaf in leaves)
