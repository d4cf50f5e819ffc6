"""Images of handwritten digits, which scikit-learn brings along: nothing is downloaded."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rasolve.errors import InputError, SolverUnavailable
from rasolve.plan import DIGIT_CHANNELS, DIGIT_CLASSES
from rasolve.scenario.chain import LayerChain
from rasolve.scenario.workload import VisionTransformer

DIGITS = "scikit-learn's digits"

LARGEST_PIXEL = 16.0
"""The images' brightest value (published, UCI optical recognition of handwritten digits)."""


def digits(spec: VisionTransformer | LayerChain) -> tuple[Tensor, Tensor]:
    """Return all images [1797, 1, side, side], float32 in [-1, 1], and their classes [1797].

    The 8x8 images are resized to the model's by bilinear interpolation. Raises InputError for a model of colour images
    or of fewer than ten classes, SolverUnavailable without scikit-learn.
    """
    if spec.channels != DIGIT_CHANNELS:
        raise InputError(f"{spec.name}: channels = {spec.channels}: digits have {DIGIT_CHANNELS}")
    if spec.classes < DIGIT_CLASSES:
        raise InputError(f"{spec.name}: classes = {spec.classes}: digits need at least {DIGIT_CLASSES}")
    small, classes = small_digits()
    sized = functional.interpolate(small, size=(spec.image, spec.image), mode="bilinear", align_corners=False)
    return sized, classes


def small_digits() -> tuple[Tensor, Tensor]:
    """Return all images as they are [1797, 1, 8, 8], float32 in [-1, 1], and their classes [1797]."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise SolverUnavailable("training on digits needs scikit-learn: install rasolve[executor]") from None
    images, classes = load_digits(return_X_y=True)
    small = torch.from_numpy(images.reshape(-1, 1, 8, 8) / LARGEST_PIXEL * 2 - 1).to(torch.float32)
    return small, torch.from_numpy(classes.astype(np.int64))
