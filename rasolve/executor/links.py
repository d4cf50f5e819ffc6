"""Metered links: whatever one party sends another crosses as bytes, and the bits are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rasolve.executor.meters import Meter


@dataclass(frozen=True)
class Link:
    """The link between one party and its peer; `label_bytes` is the width of a label on it."""

    party: str
    meter: Meter
    label_bytes: int

    def send(self, stage: str, tensor: Tensor) -> Tensor:
        """Return what arrives: a detached copy that has been through bytes, counted under (party, stage).

        Floating-point tensors travel as they are, labels as unsigned little-endian integers of `label_bytes`. Shapes
        and dtypes are known to both ends from the plan, so there is no header (ours).
        """
        if tensor.dtype.is_floating_point:
            return self.send_as_is(stage, tensor)
        with self.meter.timed(self.party, stage):
            data = pack(tensor, self.label_bytes)
            arrived = unpack(data, self.label_bytes)
        self.meter.bits[self.party, stage] += 8 * len(data)
        return arrived.reshape(tensor.shape)

    def send_as_is(self, stage: str, tensor: Tensor) -> Tensor:
        """Return what arrives of a tensor of any type that travels as it lies in memory, counted likewise."""
        with self.meter.timed(self.party, stage):
            data = tensor.detach().contiguous().numpy().tobytes()
            arrived = torch.frombuffer(bytearray(data), dtype=tensor.dtype)
        self.meter.bits[self.party, stage] += 8 * len(data)
        return arrived.reshape(tensor.shape)


def pack(labels: Tensor, width: int) -> bytes:
    """Return int64 labels as unsigned little-endian integers of `width` bytes, 1..8."""
    octets = labels.contiguous().numpy().astype("<i8").reshape(-1, 1).view(np.uint8)
    return octets[:, :width].tobytes()


def unpack(data: bytes, width: int) -> Tensor:
    """Return the flat int64 labels that :func:`pack` wrote."""
    narrow = np.frombuffer(data, np.uint8).reshape(-1, width)
    octets = np.zeros((len(narrow), 8), np.uint8)
    octets[:, :width] = narrow
    return torch.from_numpy(octets.view("<i8").astype(np.int64).ravel())
