"""Random instances: those of FedsLLM, each link's band in one piece (all constants reconstructed)."""

from __future__ import annotations

from typing import Any

import numpy as np

from rasolve.problems.fedsllm import instances


def draw(
    rng: np.random.Generator,
    clients: int = 5,
    regime: str = "wideband",
    model: str = "gpt2-s",
    path_loss: str = "macro",
    downlink: bool = False,
) -> dict[str, Any]:
    """Return the drawn fields; the same generator gives FedsLLM the same clients and channels."""
    fields = instances.draw(rng, clients, 1, regime, model, path_loss, downlink=downlink)
    for link in ("main", "fed"):
        fields[f"{link}_bandwidth_hz"] = float(fields.pop(f"{link}_subchannel_hz").sum())
        fields[f"{link}_gain"] = fields[f"{link}_gain"][:, 0]
    return fields
