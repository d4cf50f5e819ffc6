"""The meter: what every party spent, by stage, while it trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch.utils.flop_counter import FlopCounterMode

from rasolve.errors import InputError

Key = tuple[str, str]
"""(party, stage)."""

Tally = Sequence[tuple[str, str, int]]
"""(party, stage, amount), one by one: a counter as a checkpoint keeps it."""


@dataclass(frozen=True)
class Meter:
    """Bits sent and FLOPs worked so far, by (party, stage); a multiply-accumulate is 2 FLOPs."""

    bits: Counter[Key] = field(default_factory=Counter)
    flops: Counter[Key] = field(default_factory=Counter)

    def state(self) -> dict[str, Tally]:
        """Return every counter by its name."""
        return {name: [(*key, amount) for key, amount in counter.items()] for name, counter in self._counters().items()}

    def restore(self, saved: Mapping[str, Tally]) -> None:
        """Put every counter back to what :meth:`state` returned; raises InputError where one is lacking."""
        counters = self._counters()
        if saved.keys() != counters.keys():
            raise InputError(f"meters are {', '.join(saved)}, needed are {', '.join(counters)}")
        for name, counter in counters.items():
            counter.clear()
            counter.update({(party, stage): amount for party, stage, amount in saved[name]})

    def _counters(self) -> dict[str, Counter[Key]]:
        return {"bits": self.bits, "flops": self.flops}

    @contextmanager
    def work(self, party: str, stage: str) -> Iterator[None]:
        """Count the FLOPs of the torch work done inside."""
        with FlopCounterMode(display=False) as counter:
            yield
        self.flops[party, stage] += counter.get_total_flops()
