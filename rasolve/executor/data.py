"""Training data: text or images, one shard per client, mini-batches by (client, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rasolve.errors import InputError
from rasolve.executor.digits import DIGITS, digits
from rasolve.executor.need import GENERATED_SAMPLES
from rasolve.executor.streams import Stream, numpy_generator
from rasolve.executor.text import generated, read_csv
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import ASCII
from rasolve.scenario.workload import Buildable, Transformer

SHORTEST_LINE = 100
"""Characters that a generated line has at least; the test of the text holds it (ours)."""


@dataclass(frozen=True, eq=False)
class Shards:
    """Inputs and labels of every client, one tensor [samples, ...] each, and where the data come from."""

    inputs: tuple[Tensor, ...]
    labels: tuple[Tensor, ...]
    source: str
    seed: int

    def batch(self, client: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return inputs and labels, [size, ...] each, of client 0..K-1 at a step.

        Samples are drawn uniformly with replacement; the same (seed, client, step) gives the same batch.
        """
        rng = numpy_generator(self.seed, Stream.BATCHES, client, step)
        drawn = torch.from_numpy(rng.integers(len(self.labels[client]), size=size))
        return self.inputs[client][drawn], self.labels[client][drawn]


def load(spec: Buildable, data_sizes: FloatArray, path: str | Path | None, seed: int) -> Shards:
    """Return the shards of K clients, sized in proportion to data_sizes [K].

    A decoder trains on windows of text, from a CSV file or generated, with the next tokens as labels; an image
    classifier on scikit-learn's digits. Raises InputError when the model does not suit the data, when the file cannot
    be used, or when there are too few samples to give every client one; SolverUnavailable without scikit-learn where it
    is needed.
    """
    if not isinstance(spec, Transformer):
        if path is not None:
            raise InputError(f"{spec.name} trains on digits: a file of text does not suit it")
        inputs, labels = digits(spec)
        source, what = DIGITS, "images"
    else:
        found, source = _text(spec, GENERATED_SAMPLES * len(data_sizes), path, seed)
        inputs, labels, what = found[:, :-1], found[:, 1:], f"samples of {spec.tokens + 1} characters"
    order = numpy_generator(seed, Stream.SHARDS).permutation(len(labels))
    sizes = apportion(len(labels), data_sizes)
    if sizes.min() < 1:
        poorest = int(sizes.argmin())
        raise InputError(
            f"{source}: {len(labels)} {what} leave none for client {poorest + 1}, "
            f"whose share is {data_sizes[poorest] / data_sizes.sum():.3g}"
        )
    shards = np.split(order, np.cumsum(sizes)[:-1])
    return Shards(tuple(inputs[own] for own in shards), tuple(labels[own] for own in shards), source, seed)


def _text(spec: Transformer, samples: int, path: str | Path | None, seed: int) -> tuple[Tensor, str]:
    """Return windows of n+1 tokens, of a file or so many generated ones, and where they come from."""
    if spec.vocabulary < ASCII:
        raise InputError(f"{spec.name}: vocabulary = {spec.vocabulary}: text needs at least the {ASCII} ASCII tokens")
    if path is not None:
        return torch.from_numpy(windows(read_csv(path), spec.tokens)), str(path)
    rows = samples * (spec.tokens + 1) // SHORTEST_LINE + 1
    lines = generated(rows, numpy_generator(seed, Stream.TEXT))
    return torch.from_numpy(windows(lines, spec.tokens)[:samples]), f"generated text, seed {seed}"


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
