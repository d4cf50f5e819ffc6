"""The meter: what every party spent, by stage, while it trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch.utils.flop_counter import FlopCounterMode

Key = tuple[str, str]
"""(party, stage)."""


@dataclass(frozen=True)
class Meter:
    """Bits sent and FLOPs worked so far, by (party, stage); a multiply-accumulate is 2 FLOPs."""

    bits: Counter[Key] = field(default_factory=Counter)
    flops: Counter[Key] = field(default_factory=Counter)

    @contextmanager
    def work(self, party: str, stage: str) -> Iterator[None]:
        """Count the FLOPs of the torch work done inside."""
        with FlopCounterMode(display=False) as counter:
            yield
        self.flops[party, stage] += counter.get_total_flops()
