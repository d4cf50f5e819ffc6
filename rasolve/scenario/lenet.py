"""Profiles of chains of layers that are trained in full, of which LeNet-12 is one."""

from __future__ import annotations

import numpy as np

from rasolve.scenario.chain import KERNEL, Layer, LayerChain
from rasolve.scenario.workload import LABEL_INDEX_BYTES, Profile

POOL_INDEX_BYTES = 8
"""What max pooling keeps for each of its outputs: the place of the largest entry, an int64."""

LENET12 = LayerChain(
    name="lenet12",
    image=28,
    channels=1,
    layers=(
        *(Layer(op="conv", channels=32), Layer(op="conv", channels=32), Layer(op="pool")),
        *(Layer(op="conv", channels=64), Layer(op="conv", channels=64), Layer(op="pool")),
        *(Layer(op="conv", channels=128), Layer(op="conv", channels=128), Layer(op="pool")),
        *(Layer(op="fc", channels=382), Layer(op="fc", channels=192), Layer(op="fc", channels=10)),
    ),
)
"""The layers and their widths (published, arXiv 2403.05158)."""


def chain_profile(chain: LayerChain, parameter_bits: int = 32) -> Profile:
    """Return the closed-form profile of a chain, all of whose weights are trained.

    Forward: a convolution to C channels of H·W pixels costs 2·H·W·C·9·C_in, a linear map 2·n·m, pooling nothing.
    Backward: twice that, once for the lowest layer, whose input needs no gradient (textbook; counted in the tests).
    ``activation_bits[0]`` is the image. Kept for backward: the image, every output but the last, the places that
    pooling chose; with the loss, the logarithms of all probabilities and a label. There are no adapters (ours).
    """
    size, side, channels = parameter_bits // 8, chain.image, chain.channels
    flops, params, outputs, kept = [], [], [float(side**2 * channels)], []
    for layer in chain.layers:
        if layer.op == "pool":
            side //= 2
            flops.append(0.0)
            params.append(0.0)
            kept.append(POOL_INDEX_BYTES * float(side**2 * channels))
        else:
            reach = KERNEL**2 if layer.op == "conv" else side**2
            pixels = side**2 if layer.op == "conv" else 1
            flops.append(2.0 * pixels * layer.channels * reach * channels)
            params.append(float((reach * channels + 1) * layer.channels))
            kept.append(0.0)
            side, channels = (side if layer.op == "conv" else 1), layer.channels
        outputs.append(float(side**2 * channels))
    forward, weights, entries = np.array(flops), np.array(params), np.array(outputs)
    lowest, none = np.arange(len(forward)) == 0, np.zeros(len(forward))
    kept_outputs = np.append(entries[1:-1], 0.0) + lowest * entries[0]
    return Profile(
        model=chain.name,
        forward_flops=forward,
        backward_flops=np.where(lowest, forward, 2 * forward),
        activation_bits=entries * parameter_bits,
        weight_bytes=weights * size,
        saved_activation_bytes=np.array(kept) + size * kept_outputs,
        params=weights,
        adapter_forward_flops=none,
        adapter_backward_flops=none,
        adapter_params=none,
        adapter_saved_bytes=none,
        head_forward_flops=0.0,
        head_backward_flops=0.0,
        head_saved_bytes=float(channels * size + LABEL_INDEX_BYTES),
        embedding_bytes=0.0,
        head_bytes=0.0,
        parameter_bits=parameter_bits,
        architecture=chain,
    )


def lenet12(parameter_bits: int = 32) -> Profile:
    """Return the profile of LeNet-12 on 28x28 images."""
    return chain_profile(LENET12, parameter_bits)
