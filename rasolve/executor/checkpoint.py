"""A checkpoint on disk: one safetensors file that is replaced whole, never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from rasolve.documents import Document
from rasolve.errors import InputError, SolverUnavailable

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ModuleNotFoundError:
    raise SolverUnavailable("checkpoints need safetensors: install rasolve[executor]") from None

from torch import Tensor

FILE = "checkpoint.safetensors"
UNFINISHED = "checkpoint.unfinished"
"""What is being written; a run that dies meanwhile leaves it behind, and the next checkpoint overwrites it."""


class Checkpoint(Document):
    """What a run has done after S complete steps, apart from its tensors.

    ``run`` says, name by name, what determines the run, ``data_source`` where its data come from. ``loss``,
    ``reference_loss`` (absent without a reference) and ``seconds`` have one number for each step. ``meters`` holds
    every tally of the meter as (party, stage, amount), ``first_step`` those of bits and seconds after the first step.
    """

    kind: ClassVar[str] = "checkpoint"

    run: dict[str, str]
    data_source: str
    loss: tuple[float, ...] = Field(min_length=1)
    reference_loss: tuple[float, ...] | None
    seconds: tuple[float, ...]
    meters: dict[str, tuple[tuple[str, str, int | float], ...]]
    first_step: dict[Literal["bits", "seconds"], tuple[tuple[str, str, int | float], ...]] = Field(min_length=2)

    def model_post_init(self, context: object) -> None:
        """Reject histories of different lengths."""
        super().model_post_init(context)
        for name in ("reference_loss", "seconds"):
            history = getattr(self, name)
            if history is not None and len(history) != len(self.loss):
                raise InputError(f"{name} has {len(history)} steps, loss has {len(self.loss)}")

    @property
    def steps(self) -> int:
        """S, the steps completed."""
        return len(self.loss)


def write(directory: Path, checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> None:
    """Replace the directory's checkpoint; whatever happens meanwhile, the old or the new one is there, complete.

    The new one is written and flushed under another name and then renamed. Its header holds the checkpoint as JSON and
    a SHA-256 of all it says. Raises InputError when the directory cannot be written.
    """
    text = checkpoint.to_json(indent=None)
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    octets = save(whole, metadata={"checkpoint": text, "sha256": _digest(text, whole)})
    unfinished = directory / UNFINISHED
    try:
        with unfinished.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, directory / FILE)  # noqa: PTH105
        _flush(directory)
    except OSError as error:
        raise InputError(f"cannot write {directory / FILE}: {error.strerror}") from None


def read(directory: Path) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Return the directory's checkpoint; raises InputError when it is missing, truncated, corrupt or newer."""
    path = directory / FILE
    if not path.is_file():
        raise InputError(f"{directory} holds no checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except SafetensorError as error:
        raise InputError(f"{path}: not a whole checkpoint: {error}") from None
    if not {"checkpoint", "sha256"} <= header.keys():
        raise InputError(f"{path}: this is a safetensors file, not a checkpoint")
    try:
        checkpoint = Checkpoint.from_json(header["checkpoint"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if _digest(header["checkpoint"], tensors) != header["sha256"]:
        raise InputError(f"{path}: corrupt: the contents do not have the SHA-256 in its header")
    return checkpoint, tensors


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the text and of every tensor's name, type, shape and bytes."""
    found = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def _flush(directory: Path) -> None:
    """Have the directory itself on disk, so that the new name outlives a loss of power."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
