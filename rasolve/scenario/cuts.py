"""Work and traffic of one sample at every cut: what every problem with one device and one server reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.scenario.workload import Profile, up_to_cut


@dataclass(frozen=True, eq=False)
class CutTable:
    """Per sample and cut c = 0..J, arrays [J+1]: the device's FLOPs each way, the server's, and bits either way.

    ``trained_bits`` is what the device trains and carries from and to the server: its adapters, or all its weights.
    """

    device_forward_flops: FloatArray
    device_backward_flops: FloatArray
    server_flops: FloatArray
    up_bits: FloatArray
    down_bits: FloatArray
    trained_bits: FloatArray

    @property
    def device_flops(self) -> FloatArray:
        """The device's FLOPs, forward and backward."""
        return self.device_forward_flops + self.device_backward_flops


def cut_table(profile: Profile, rank: int) -> CutTable:
    """Return the table of a profile with LoRA of a rank, or of one that is trained in full (rank 0).

    The head is the server's, but at c = J the device's, and then nothing is sent. At c = 0 nothing on the device is
    trained and no gradient comes back (published end cuts). Raises InputError where profile and rank do not go
    together.
    """
    adapters = bool(profile.adapter_params.any())
    if adapters != (rank > 0):
        needed = "at least 1, for its backward pass is that of LoRA" if adapters else "0, for it has no adapters"
        raise InputError(f"rank = {rank}: {profile.model} needs {needed}")
    forward = up_to_cut(profile.forward_flops + rank * profile.adapter_forward_flops)
    backward = up_to_cut(profile.backward_flops + rank * profile.adapter_backward_flops)
    cuts = np.arange(profile.blocks + 1)
    first, last = cuts == 0, cuts == profile.blocks
    above = forward[-1] + backward[-1] - forward - backward
    sent = np.where(last, 0.0, profile.activation_bits)
    return CutTable(
        device_forward_flops=profile.embedding_forward_flops + forward + profile.head_forward_flops * last,
        device_backward_flops=backward + profile.head_backward_flops * last,
        server_flops=np.where(last, 0.0, above + profile.head_forward_flops + profile.head_backward_flops),
        up_bits=sent,
        down_bits=np.where(first, 0.0, sent),
        trained_bits=up_to_cut(rank * profile.adapter_params if adapters else profile.params) * profile.parameter_bits,
    )
