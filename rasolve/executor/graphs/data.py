"""What graph models train on: digits in the size of an image classifier, text in that of a decoder, or one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rasolve.errors import InputError
from rasolve.executor.data import load
from rasolve.executor.digits import DIGITS, small_digits
from rasolve.executor.graphs import GraphModel, Images
from rasolve.executor.streams import Stream, numpy_generator
from rasolve.plan import DIGIT_CLASSES


@dataclass(frozen=True, eq=False)
class Samples:
    """All samples of one device: a tensor [samples, ...] for each argument of the model, labels [samples, ...].

    Images are brought to ``image`` and its channels when they are drawn; ``dtype`` is that of real numbers.
    """

    inputs: tuple[Tensor, ...]
    labels: tuple[Tensor]
    source: str
    seed: int
    dtype: torch.dtype
    image: Images | None = None

    def batch(self, step: int, size: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the arguments and the labels, [size, ...] each, at a step.

        Samples are drawn uniformly with replacement; the same (seed, step) gives the same batch.
        """
        rng = numpy_generator(self.seed, Stream.BATCHES, 0, step)
        drawn = torch.from_numpy(rng.integers(len(self.labels[0]), size=size))
        return tuple(self._prepared(x[drawn]) for x in self.inputs), self.labels[0][drawn]

    def _prepared(self, x: Tensor) -> Tensor:
        if self.image is not None:
            side = self.image.side
            x = functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
            x = x.expand(-1, self.image.channels, -1, -1).contiguous()
        return x.to(self.dtype) if x.is_floating_point() else x


def samples_of(model: GraphModel, dtype: torch.dtype, path: str | Path | None, seed: int) -> Samples:
    """Return what a shipped model trains on: scikit-learn's digits, or text from a CSV file or generated.

    Raises InputError where a file does not suit the model, SolverUnavailable without scikit-learn where it is needed.
    """
    if not isinstance(model.data, Images):
        text = load(model.data, np.ones(1), path, seed)
        return Samples((text.inputs[0],), (text.labels[0],), text.source, seed, dtype)
    if path is not None:
        raise InputError(f"{model.name} trains on digits: a file of text does not suit it")
    assert model.data.classes >= DIGIT_CLASSES
    images, classes = small_digits()
    return Samples((images,), (classes,), DIGITS, seed, dtype, model.data)


def own_samples(data: object, dtype: torch.dtype, seed: int) -> Samples:
    """Return samples of one's own: `data` is (inputs, labels), inputs a tensor or one for each argument.

    Raises InputError for anything else, and where their numbers of samples differ.
    """
    if not (isinstance(data, Sequence) and len(data) == 2 and isinstance(data[1], Tensor)):
        raise InputError("data: a module of one's own needs (inputs, labels), tensors whose first dimension is samples")
    given, labels = data
    inputs = (given,) if isinstance(given, Tensor) else tuple(given)
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor) or x.dim() == 0 or len(x) != len(labels):
            raise InputError(f"data: inputs[{i}] must be a tensor of {len(labels)} samples, as many as labels")
    if not len(labels) or labels.is_floating_point() or labels.min() < 0:
        raise InputError("data: labels must be whole numbers from 0, the classes of at least one sample")
    return Samples(inputs, (labels,), "given tensors", seed, dtype)
