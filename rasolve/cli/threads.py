"""How the threads of torch wait when a command trains."""

from __future__ import annotations

import os


def wait_patiently() -> None:
    """Let idle OpenMP threads sleep instead of spin, unless the user's environment says how; before torch is imported.

    Where other work wants the cores too, spinning made a local step of gpt-mini ten to a hundred times slower (measured
    on two cores); the price is a wake-up for every operation.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
