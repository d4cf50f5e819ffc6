"""The two halves of a model at a cut."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from rasolve.executor.models import Model


@dataclass(frozen=True)
class Split:
    """A model's client half (embedding, blocks 1..cut) and server half (blocks cut+1..J, head).

    The halves refer to the model's own modules; the model itself stays as it is.
    """

    client: nn.Sequential
    server: nn.Sequential


def split(model: Model, cut: int) -> Split:
    """Return the halves of `model` at `cut`, 0..J."""
    blocks = model.block_list()
    return Split(nn.Sequential(model.embedding, *blocks[:cut]), nn.Sequential(*blocks[cut:], model.head))
