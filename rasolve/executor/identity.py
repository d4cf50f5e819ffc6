"""What determines a run, name by name, so that a checkpoint is continued by the same run or by none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from rasolve.executor.training import Data
from rasolve.plan import Plan

LONGEST_SHOWN = 60
"""Characters up to which a value stands for itself; a longer one is named by its SHA-256 (ours)."""


def identity(
    plan: Plan, model: nn.Module, data: Data, seed: int, learning_rate: float, reference: bool
) -> dict[str, str]:
    """Return every field of the plan, the seed and the learning rate, and fingerprints of data and frozen weights."""
    fields = json.loads(plan.to_json())
    return {
        **{f"plan.{name}": _shown(json.dumps(value)) for name, value in fields.items()},
        "seed": str(seed),
        "learning_rate": repr(float(learning_rate)),
        "reference": str(reference).lower(),
        "data": fingerprint([*data.inputs, *data.labels]),
        "frozen weights": fingerprint(model.state_dict().values()),
    }


def fingerprint(tensors: Iterable[Tensor]) -> str:
    """Return a short SHA-256 of the tensors' types, shapes and bytes, in their order."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.numpy().tobytes())
    return _short(found.hexdigest())


def differences(saved: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return one phrase for each name whose value was another."""
    names = {**saved, **now}
    return [
        f"{name} was {saved.get(name, 'absent')} and is {now.get(name, 'absent')}"
        for name in names
        if saved.get(name) != now.get(name)
    ]


def _shown(value: str) -> str:
    return value if len(value) <= LONGEST_SHOWN else _short(hashlib.sha256(value.encode()).hexdigest())


def _short(digest: str) -> str:
    return f"sha256:{digest[:16]}"
