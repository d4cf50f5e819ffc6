"""How long each layer of a model takes on this machine, forward and backward."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from rasolve.executor.tracing.layers import Layers, State, Values, run, state_on
from rasolve.executor.tracing.survey import math_attention
from rasolve.numerics import FloatArray

WARM_UP = 1
"""Timings of each layer that are thrown away: the first call of anything is slow."""


def timed_layers(
    layers: Layers, inputs: Sequence[Tensor], repeats: int, callback: Callable[[int, int], object] | None = None
) -> FloatArray:
    """Return the seconds [V, repeats] of every layer's forward and backward pass on `inputs`; inputs take none.

    All layers are timed once, then all again: a busy spell of the machine hits every layer, not one. Attention runs the
    math kernel, as it does where a plan is run. `callback` hears of every pass over the model.
    """
    state = state_on("cpu", layers.module, layers.program)
    known = layers.given([x.cpu() for x in inputs])
    seconds = np.zeros((len(layers.layers), WARM_UP + repeats))
    with math_attention():
        for turn in range(WARM_UP + repeats):
            for v, layer in enumerate(layers.layers):
                if layer.parents:
                    seconds[v, turn], outputs = _timed(layers, v, known, state)
                    known |= outputs
            if callback is not None:
                callback(turn + 1, WARM_UP + repeats)
    return seconds[:, WARM_UP:]


def _timed(layers: Layers, v: int, known: Values, state: State) -> tuple[float, Values]:
    """Return the seconds of one layer alone, and its outputs without their history."""
    parents = [node for parent in layers.layers[v].parents for node in layers.layers[parent].outputs]
    given = {node: known[node].detach().requires_grad_(node in layers.activations) for node in parents}
    for name in layers.layers[v].attributes:
        if isinstance(state[name], Tensor):
            state[name].grad = None
    start = time.perf_counter()
    outputs = run(layers.layers[v], given, state)
    forward = time.perf_counter() - start
    ends = [out for out in outputs.values() if out.requires_grad]
    gradients = [torch.ones_like(end) for end in ends]
    start = time.perf_counter()
    torch.autograd.backward(ends, gradients)
    backward = time.perf_counter() - start
    return forward + backward, {node: out.detach() for node, out in outputs.items()}
