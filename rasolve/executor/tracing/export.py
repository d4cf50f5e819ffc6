"""A torch module as a flat program: every operation that its forward pass makes on inputs of one shape."""

from __future__ import annotations

import io
import linecache
import logging
import operator
import re
import sysconfig
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator, OpOverload
from torch.fx import GraphModule, Node

from rasolve.errors import InputError

MISHAPS = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    AssertionError,
    ArithmeticError,
)
"""What comes out of a forward pass that cannot be followed: torch's complaints, or the model's own."""

DATA_DEPENDENT = "what it does depends on the values of its data"

CHECKS = ("_assert", "sym_constrain", "_check")
"""How operations begin that check shapes and compute nothing."""


def exported(module: nn.Module, inputs: Sequence[Tensor]) -> GraphModule:
    """Return the module's program for inputs of these shapes and types, with its own parameters and buffers.

    torch.export runs the forward pass once on tensors without numbers, so that whatever depends on shapes alone, loops
    and branches included, is followed. Raises InputError, naming operation and line, where that is not enough: for
    control flow that depends on data, leaving torch, and writing into parts of tensors.
    """
    device = next((each.device for each in (*module.parameters(), *module.buffers())), torch.device("cpu"))
    example = tuple(torch.zeros(x.shape, dtype=x.dtype, device=device) for x in inputs)
    try:
        with _quiet(), torch.enable_grad():
            program = torch.export.export(module, example, strict=False).module()
    except MISHAPS as error:
        raise InputError(f"{type(module).__name__} cannot be traced: {_reason(error)}") from None
    assert isinstance(program, GraphModule)
    _without_checks(program)
    _without_writing(program)
    program.graph.eliminate_dead_code()
    return program


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's own account of an error, its advice for exporting, and the model's prints to themselves."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _reason(error: BaseException) -> str:
    """Return one line: what went wrong, and the line of the model's own code in which it did."""
    said = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    if "data-dependent" in said:
        said = DATA_DEPENDENT
    elif type(error).__module__ == "builtins" and not isinstance(error, RuntimeError):
        said = f"{type(error).__name__}: {said}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _of_the_model(Path(frame.filename))]
    if not own:
        return said
    last = own[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{said}, at {Path(last.filename).name}:{last.lineno}: {line}"


def _of_the_model(file: Path) -> bool:
    """Return whether a file is neither this one, nor torch's, nor Python's own."""
    library = Path(sysconfig.get_path("stdlib"))
    pythons = library in file.parents and "site-packages" not in file.parts
    torchs = Path(torch.__file__).parent in file.parents
    return file.suffix == ".py" and not pythons and not torchs and file != Path(__file__)


def where(node: Node) -> str:
    """Return the operation of a node and the line of the model's own code that asks for it, where that is known."""
    frames = re.findall(r'File "(.*)", line .*\n\s*(.*)', node.meta.get("stack_trace") or "")
    own = [line for file, line in frames if _of_the_model(Path(file))]
    return f"{operation(node)} ({own[-1]})" if own else operation(node)


def operation(node: Node) -> str:
    """Return the short name of what a node does."""
    target: Any = node.target
    if isinstance(target, OpOverload):
        return str(target.overloadpacket.__name__)
    return str(getattr(target, "__name__", target))


def _without_checks(program: GraphModule) -> None:
    for node in reversed(program.graph.nodes):
        if node.op == "call_module" or (node.op == "call_function" and operation(node).startswith(CHECKS)):
            program.graph.erase_node(node)
    for node in program.graph.nodes:
        if any(isinstance(size, torch.SymInt) for size in getattr(node.meta.get("val"), "shape", ())):
            raise InputError(f"{where(node)} cannot be traced: the size of its result depends on the data's values")
        known = node.target is operator.getitem or isinstance(node.target, OpOverload | HigherOrderOperator)
        if node.op == "call_function" and not known:
            raise InputError(f"{where(node)}: not an operation on tensors, which cannot be traced")


def _without_writing(program: GraphModule) -> None:
    """Replace operations that overwrite an activation by those that return a new one; buffers may be overwritten."""
    for node in program.graph.nodes:
        if not writes(node):
            continue
        written = [
            given
            for given, told in zip(node.args, node.target._schema.arguments, strict=False)
            if told.alias_info is not None and told.alias_info.is_write
        ]
        if all(isinstance(each, Node) and each.op == "get_attr" for each in written):
            continue
        if len(written) != 1 or not isinstance(written[0], Node) or rearranges(written[0]):
            raise InputError(f"{where(node)}: writes into part of a tensor; write the model without that to trace it")
        packet = getattr(torch.ops.aten, operation(node).removesuffix("_"), None)
        returning = getattr(packet, node.target._overloadname, None)
        if returning is None:
            raise InputError(f"{where(node)}: overwrites an activation; write the model without that to trace it")
        node.target = returning


def writes(node: Node) -> bool:
    """Return whether a node overwrites one of its arguments."""
    return isinstance(node.target, OpOverload) and node.target._schema.is_mutable


def rearranges(node: Node) -> bool:
    """Return whether a node is a view, the numbers of another tensor or some of them, or picks one out of several."""
    if node.target is operator.getitem:
        return True
    if not isinstance(node.target, OpOverload) or node.target._schema.is_mutable:
        return False
    return any(each.alias_info is not None for each in node.target._schema.returns)
