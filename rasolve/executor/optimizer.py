"""The trainable factors of one party and their Adam optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from rasolve.errors import InputError
from rasolve.executor.lora import adapters

COUNT, MOMENTS = "step", ("exp_avg", "exp_avg_sq")
"""What Adam keeps for each factor: its step count and both moments, under torch's names."""


class Adapters:
    """Factors, in block order, under Adam without weight decay (published); there may be none.

    ``blocks`` holds them block by block, from the lowest block that has any.
    """

    def __init__(self, half: nn.Sequential, learning_rate: float) -> None:
        """Take charge of the factors in `half`; their gradients and Adam's moments are there from the start."""
        self.blocks = [factors for block in half if (factors := adapters(block))]
        self.factors = [factor for block in self.blocks for factor in block]
        self.adam = started(self.factors, learning_rate)
        self.gradients = [torch.zeros_like(factor) for factor in self.factors]

    def held(self) -> list[Tensor]:
        """Return what stands in memory beside the factors: gradients and the optimizer's state."""
        arrived = [factor.grad for factor in self.factors if factor.grad is not None]
        return [*self.gradients, *arrived, *moments(self.adam)]

    def collect(self, weight: float = 1.0, skip: int = 0) -> None:
        """Add weight·(the factors' gradients of the last backward pass) to what :meth:`update` will follow.

        The lowest `skip` blocks took no part in that pass.
        """
        first = sum(len(block) for block in self.blocks[:skip])
        for gradient, factor in zip(self.gradients[first:], self.factors[first:], strict=True):
            assert factor.grad is not None
            gradient.add_(factor.grad, alpha=weight)
            factor.grad = None

    def update(self) -> None:
        """Make one Adam step along the collected gradients and start collecting anew."""
        if self.adam is None:
            return
        for gradient, factor in zip(self.gradients, self.factors, strict=True):
            factor.grad = gradient
        self.adam.step()
        self.adam.zero_grad()
        self.gradients = [torch.zeros_like(factor) for factor in self.factors]

    def load(self, values: Sequence[Iterable[Tensor]]) -> None:
        """Overwrite the factors of the lowest len(values) blocks; Adam's moments stay."""
        with torch.no_grad():
            for block, block_values in zip(self.blocks[: len(values)], values, strict=True):
                for factor, value in zip(block, block_values, strict=True):
                    factor.copy_(value)


class Weights:
    """All parameters of one party under Adam; gradients and moments are there from the start; there may be none."""

    def __init__(self, parameters: Sequence[Tensor], learning_rate: float) -> None:
        self.factors = list(parameters)
        self.adam = started(self.factors, learning_rate)
        for parameter in self.factors:
            parameter.grad = torch.zeros_like(parameter)

    def held(self) -> list[Tensor]:
        """Return what stands in memory: the parameters, their gradients and the optimizer's state."""
        gradients = [parameter.grad for parameter in self.factors if parameter.grad is not None]
        return [*self.factors, *gradients, *moments(self.adam)]

    def update(self) -> None:
        """Make one Adam step along the gradients of the last backward pass and start again from none."""
        if self.adam is not None:
            self.adam.step()
            self.adam.zero_grad(set_to_none=False)


def started(factors: Sequence[Tensor], learning_rate: float) -> torch.optim.Adam | None:
    """Return Adam for some factors with all moments in memory; None where there are no factors."""
    if not factors:
        return None
    adam = torch.optim.Adam(factors, lr=learning_rate)
    for factor in factors:
        zeros = {name: torch.zeros_like(factor) for name in MOMENTS}
        adam.state[factor] = {COUNT: torch.tensor(0.0), **zeros}
    return adam


def moments(adam: torch.optim.Adam | None) -> list[Tensor]:
    """Return all of the optimizer's state."""
    return [value for of_factor in adam.state.values() for value in of_factor.values()] if adam is not None else []


def state(name: str, adam: torch.optim.Adam | None, factors: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the factors and Adam's state of each, as they stand after at least one step, by names under `name`."""
    found = {}
    for i, factor in enumerate(factors):
        assert adam is not None
        found[f"{name}/{i}"] = factor.detach()
        found.update({f"{name}/{i}/{part}": adam.state[factor][part] for part in (COUNT, *MOMENTS)})
    return found


def restore(name: str, adam: torch.optim.Adam | None, factors: Sequence[Tensor], saved: Mapping[str, Tensor]) -> None:
    """Overwrite factors and Adam's state with what :func:`state` returned; raises InputError where that is lacking."""
    for i, factor in enumerate(factors):
        assert adam is not None
        key = f"{name}/{i}"
        value = _like(factor, key, saved)
        moments = {part: _like(factor, f"{key}/{part}", saved) for part in MOMENTS}
        if f"{key}/{COUNT}" not in saved:
            raise InputError(f"lacks tensor {key}/{COUNT}")
        with torch.no_grad():
            factor.copy_(value)
        adam.state[factor] = {COUNT: saved[f"{key}/{COUNT}"], **moments}


def _like(factor: Tensor, name: str, saved: Mapping[str, Tensor]) -> Tensor:
    """Return a saved tensor that has the factor's shape and type."""
    found = saved.get(name)
    if found is None or found.shape != factor.shape or found.dtype != factor.dtype:
        raise InputError(f"lacks tensor {name} of shape {list(factor.shape)} and type {factor.dtype}")
    return found
