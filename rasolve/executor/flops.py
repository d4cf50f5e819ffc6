"""What counts as work: the products that torch's counter knows and, for layers of a graph, poolings and sums.

A multiply-accumulate is 2 FLOPs. Beyond that a layer's forward pass counts 1 for every element in every pooling window,
for every element that is averaged or summed, and for every sum of two tensors; its backward pass counts what a pooling
hands back. Norms and activations count nothing: they are fused into the layer before them. So the published networks
come out with their usual figures (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

aten = torch.ops.aten

Formula = Callable[[tuple[Any, ...], Any], int]
"""FLOPs of an operation by its positional arguments and what it returns."""


def _windows(given: tuple[Any, ...], out: Any) -> int:
    """Return the elements of all windows of a pooling; a kernel of one number is as long in every direction."""
    x, kernel = given[:2]
    first = out[0] if isinstance(out, tuple) else out
    return int(first.numel() * (prod(kernel) if len(kernel) > 1 else kernel[0] ** (x.dim() - 2)))


def _read_once(given: tuple[Any, ...], _out: Any) -> int:
    return int(given[0].numel())


def _sum(given: tuple[Any, ...], out: Any) -> int:
    """Return the sums of two tensors; adding one number to all others is no work, nor is counting."""
    x, y = given[:2]
    return int(out.numel()) if isinstance(y, torch.Tensor) and y.numel() > 1 and x.is_floating_point() else 0


def _windows_back(given: tuple[Any, ...], _out: Any) -> int:
    gradient, x, kernel = given[:3]
    return int(gradient.numel() * (prod(kernel) if len(kernel) > 1 else kernel[0] ** (x.dim() - 2)))


def _spread(_given: tuple[Any, ...], out: Any) -> int:
    return int(out.numel())


FORWARD: dict[Any, Formula] = {
    aten.add: _sum,
    aten.add_: _sum,
    aten.mean: _read_once,
    aten.sum: _read_once,
    aten.max_pool2d_with_indices: _windows,
    aten.max_pool3d_with_indices: _windows,
    aten.avg_pool2d: _windows,
    aten.avg_pool3d: _windows,
    aten._adaptive_avg_pool2d: _read_once,
    aten._adaptive_avg_pool3d: _read_once,
    aten.adaptive_max_pool2d: _read_once,
    aten.adaptive_max_pool3d: _read_once,
}
"""What a layer's forward pass counts beside products."""

BACKWARD: dict[Any, Formula] = {
    aten.max_pool2d_with_indices_backward: _read_once,
    aten.max_pool3d_with_indices_backward: _read_once,
    aten.avg_pool2d_backward: _windows_back,
    aten.avg_pool3d_backward: _windows_back,
    aten._adaptive_avg_pool2d_backward: _spread,
    aten._adaptive_avg_pool3d_backward: _spread,
}
"""What its backward pass counts. Sums there add up gradients, which a split training does in other places; left out."""


def counter(also: Mapping[Any, Formula] | None = None) -> FlopCounterMode:
    """Return torch's counter of products which counts some other operations, too."""
    return FlopCounterMode(display=False, custom_mapping={op: _of_tensors(each) for op, each in (also or {}).items()})


def _of_tensors(formula: Formula) -> Callable[..., int]:
    """Return a formula as torch's counter calls it, marked to be given the tensors themselves and not their shapes."""

    def flops(*given: Any, out_val: Any, **_named: Any) -> int:
        return formula(given, out_val)

    flops._get_raw = True  # type: ignore[attr-defined]
    return flops
