"""Independent random streams from one seed, without touching any global random state."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What a random stream is for; each (seed, stream) pair gives its own numbers."""

    WEIGHTS = 1
    ADAPTERS = 2
    TEXT = 3
    SHARDS = 4
    BATCHES = 5


def numpy_generator(seed: int, stream: Stream, *keys: int) -> np.random.Generator:
    """Return the generator of a stream; further `keys` (client, step) give it independent children."""
    return np.random.default_rng([seed, stream, *keys])


def torch_generator(seed: int, stream: Stream) -> torch.Generator:
    """Return the CPU torch generator of a stream."""
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))
