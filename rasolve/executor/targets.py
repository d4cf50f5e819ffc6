"""What can be traced by name: a shipped model, or a module of one's own with the shapes of its inputs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rasolve.errors import InputError, SolverUnavailable, named

try:
    import torch
except ModuleNotFoundError:
    raise SolverUnavailable("tracing a model needs torch: install rasolve[executor]") from None

from torch import Tensor, nn

from rasolve.executor.graphs import MODELS, GraphModel, initialised
from rasolve.executor.tracing.export import MISHAPS

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool)
}

SHAPE = re.compile(r"(?P<sizes>[1-9][0-9]*(x[1-9][0-9]*)*)(:(?P<dtype>\w+))?")

OWN = re.compile(r"(?P<module>\w+(\.\w+)*):(?P<name>\w+(\.\w+)*)")


@dataclass(frozen=True, eq=False)
class Traceable:
    """A module, inputs of the shapes that it is traced with, and the bits of a sample's labels."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    label_bits: int
    shipped: GraphModel | None

    def with_numbers(self) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """Return module and inputs with numbers in them, to be timed: those of seed 0; whole numbers are 0."""
        generator = torch.Generator().manual_seed(0)
        drawn = tuple(
            torch.randn(x.shape, dtype=x.dtype, generator=generator)
            if x.is_floating_point()
            else torch.zeros(x.shape, dtype=x.dtype)
            for x in self.inputs
        )
        module = self.module if self.shipped is None else initialised(self.shipped.module(), torch.float32, seed=0)
        return module, drawn


def traceable(target: str, shapes: Sequence[str]) -> Traceable:
    """Return what a target stands for: a shipped model's name, or PACKAGE.MODULE:NAME, a module, its class or a maker.

    ``shapes`` are those of its inputs, such as 1x3x224x224 or 1x512:int64; shipped models have their own. Raises
    InputError where the target cannot be had, with the nearest known names, or a shape cannot be read.
    """
    inputs = tuple(_input(shape) for shape in shapes)
    own = OWN.fullmatch(target)
    if own is None:
        model = named("model", target, MODELS)
        return Traceable(model.module(), inputs or (model.example(),), model.data.label_bits, model)
    if not inputs:
        raise InputError(f"{target}: needs --input with the shape of its input, e.g. 1x3x224x224 or 1x512:int64")
    return Traceable(_made(target, _found(own["module"], own["name"])), inputs, 0, None)


def _input(text: str) -> Tensor:
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise InputError(f"input = {text}: must be sizes such as 1x3x224x224, and a type where it is not float32")
    dtype = named("type", shape["dtype"] or "float32", DTYPES)
    return torch.zeros([int(size) for size in shape["sizes"].split("x")], dtype=dtype, device="meta")


def _found(module: str, name: str) -> Any:
    """Return what a module holds by a name, or raise InputError; modules are looked for in this folder first."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    except (ImportError, SyntaxError, *MISHAPS) as error:
        raise InputError(f"cannot import {module}: {error}") from None
    finally:
        sys.path.remove(here)
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module} has no {name}")
        found = getattr(found, part)
    return found


def _made(target: str, found: Any) -> nn.Module:
    """Return a module as it is, or what its class or maker returns when called without arguments."""
    made = found
    if not isinstance(found, nn.Module) and callable(found):
        try:
            made = found()
        except MISHAPS as error:
            raise InputError(f"{target}() fails: {type(error).__name__}: {error}") from None
    if not isinstance(made, nn.Module):
        raise InputError(f"{target} is no torch.nn.Module, nor does it make one")
    return made
