"""Training data: bytes as tokens, windows of n tokens, one shard per client, mini-batches by (client, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rasolve.errors import InputError
from rasolve.executor.streams import Stream, numpy_generator
from rasolve.executor.text import generated, read_csv
from rasolve.numerics import FloatArray, IntArray
from rasolve.scenario.workload import Transformer

ASCII = 128
"""Byte tokens in use: ASCII, with '?' in the place of every other character (ours)."""

GENERATED_SAMPLES = 256
"""Samples generated per client (ours)."""

SHORTEST_LINE = 100
"""Characters that a generated line has at least; the test of the text holds it (ours)."""


@dataclass(frozen=True, eq=False)
class Shards:
    """Windows of n+1 tokens, one int64 array [samples, n+1] per client, and where the text comes from."""

    windows: tuple[Tensor, ...]
    source: str
    seed: int

    def batch(self, client: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return inputs and labels (the next tokens), [size, n] each, of client 0..K-1 at a step.

        Samples are drawn uniformly with replacement; the same (seed, client, step) gives the same batch.
        """
        own = self.windows[client]
        rng = numpy_generator(self.seed, Stream.BATCHES, client, step)
        drawn = own[torch.from_numpy(rng.integers(len(own), size=size))]
        return drawn[:, :-1], drawn[:, 1:]


def load(spec: Transformer, data_sizes: FloatArray, path: str | Path | None, seed: int) -> Shards:
    """Return the shards of K clients, sized in proportion to data_sizes [K], from a CSV file or generated.

    Raises InputError when the vocabulary does not hold ASCII, when the file cannot be used, or when its text is too
    short to give every client a sample.
    """
    if spec.vocabulary < ASCII:
        raise InputError(f"{spec.name}: vocabulary = {spec.vocabulary}: text needs at least the {ASCII} ASCII tokens")
    if path is None:
        samples = GENERATED_SAMPLES * len(data_sizes)
        rows = samples * (spec.tokens + 1) // SHORTEST_LINE + 1
        lines = generated(rows, numpy_generator(seed, Stream.TEXT))
        found = windows(lines, spec.tokens)[:samples]
        source = f"generated text, seed {seed}"
    else:
        found = windows(read_csv(path), spec.tokens)
        source = str(path)
    found = numpy_generator(seed, Stream.SHARDS).permutation(found)
    sizes = apportion(len(found), data_sizes)
    if sizes.min() < 1:
        poorest = int(sizes.argmin())
        raise InputError(
            f"{source}: {len(found)} samples of {spec.tokens + 1} characters leave none for client {poorest + 1}, "
            f"whose share is {data_sizes[poorest] / data_sizes.sum():.3g}"
        )
    shards = np.split(found, np.cumsum(sizes)[:-1])
    return Shards(tuple(torch.from_numpy(shard) for shard in shards), source, seed)


def windows(lines: Sequence[str], tokens: int) -> IntArray:
    """Return the lines' text as windows [samples, tokens+1]; neighbours share one token, a rest is left out."""
    text = "".join(lines).encode("ascii", "replace")
    stream = np.frombuffer(text, np.uint8).astype(np.int64)
    samples = max(0, (len(stream) - 1) // tokens)
    starts = tokens * np.arange(samples)
    return np.asarray(stream[starts[:, None] + np.arange(tokens + 1)])


def apportion(total: int, shares: FloatArray) -> IntArray:
    """Return whole numbers that add up to `total` in proportion to `shares` [K], by largest remainder (textbook)."""
    exact = total * shares / shares.sum()
    whole: IntArray = np.floor(exact).astype(np.int64)
    largest_first = np.argsort(whole - exact, kind="stable")
    whole[largest_first[: total - int(whole.sum())]] += 1
    return whole
