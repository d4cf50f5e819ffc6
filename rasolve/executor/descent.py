"""Plain gradient descent, whose only state are the weights: a step, and how they are kept and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from rasolve.errors import InputError


def descend(weights: Sequence[nn.Parameter], rate: float) -> None:
    """Make a step of gradient descent and forget the gradients."""
    with torch.no_grad():
        for weight in weights:
            assert weight.grad is not None
            weight.sub_(weight.grad, alpha=rate)
            weight.grad = None


def kept(name: str, weights: Sequence[nn.Parameter]) -> dict[str, Tensor]:
    """Return parameters under a name, as :func:`put_back` wants them."""
    return {f"{name}/{i}": weight.detach() for i, weight in enumerate(weights)}


def put_back(name: str, weights: Sequence[nn.Parameter], saved: Mapping[str, Tensor]) -> None:
    """Overwrite parameters with the saved ones under a name; raises InputError where one is lacking."""
    with torch.no_grad():
        for i, weight in enumerate(weights):
            found = saved.get(f"{name}/{i}")
            if found is None or found.shape != weight.shape or found.dtype != weight.dtype:
                raise InputError(f"lacks tensor {name}/{i} of shape {list(weight.shape)} and type {weight.dtype}")
            weight.copy_(found)
