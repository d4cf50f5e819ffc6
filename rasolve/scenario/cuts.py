"""Work and traffic of one sample at every cut: what every problem with one device and one server reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.scenario.workload import Profile, up_to_cut


@dataclass(frozen=True, eq=False)
class CutTable:
    """Per sample and cut c = 0..J, arrays [J+1]: forward and backward FLOPs of either side, bits either way.

    ``trained_bits`` is what the device trains and carries from and to the server: its adapters, or all its weights.
    """

    device_flops: FloatArray
    server_flops: FloatArray
    up_bits: FloatArray
    down_bits: FloatArray
    trained_bits: FloatArray


def cut_table(profile: Profile, rank: int) -> CutTable:
    """Return the table of a profile with LoRA of a rank, or of one that is trained in full (rank 0).

    The head is the server's, but at c = J the device's, and then nothing is sent. At c = 0 nothing on the device is
    trained and no gradient comes back (published end cuts). Raises InputError where profile and rank do not go together.
    """
    adapters = bool(profile.adapter_params.any())
    if adapters != (rank > 0):
        needed = "at least 1, for its backward pass is that of LoRA" if adapters else "0, for it has no adapters"
        raise InputError(f"rank = {rank}: {profile.model} needs {needed}")
    head = profile.head_forward_flops + profile.head_backward_flops
    work = up_to_cut(
        profile.forward_flops
        + profile.backward_flops
        + rank * (profile.adapter_forward_flops + profile.adapter_backward_flops)
    )
    last = np.arange(profile.blocks + 1) == profile.blocks
    first = np.arange(profile.blocks + 1) == 0
    per_block = rank * profile.adapter_params if adapters else profile.params
    return CutTable(
        device_flops=profile.embedding_forward_flops + work + head * last,
        server_flops=np.where(last, 0.0, work[-1] - work + head),
        up_bits=np.where(last, 0.0, profile.activation_bits),
        down_bits=np.where(last | first, 0.0, profile.activation_bits),
        trained_bits=up_to_cut(per_block) * profile.parameter_bits,
    )
