"""The meter: what every party spent, by stage, while it trained."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rasolve.errors import InputError
from rasolve.executor.flops import Formula, counter
from rasolve.executor.ledger import Ledger

Key = tuple[str, str]
"""(party, stage)."""

Tally = Sequence[tuple[str, str, float]]
"""(party, stage, amount), one by one: a counter as a checkpoint keeps it."""


@dataclass
class Meter:
    """Bits sent, FLOPs worked and wall-clock seconds by (party, stage), and what each watched party holds in memory.

    Bits and seconds count always. FLOPs and memory count while ``counting``, which the protocol ends after its first
    step: counting takes a third of a step's time, all steps do the same work, and the seconds of later steps are not
    disturbed. A multiply-accumulate is 2 FLOPs.
    """

    bits: Counter[Key] = field(default_factory=Counter)
    flops: Counter[Key] = field(default_factory=Counter)
    seconds: defaultdict[Key, float] = field(default_factory=lambda: defaultdict(float))
    memory: dict[str, Ledger] = field(default_factory=dict)
    counting: bool = True

    def watch(self, party: str, standing: Callable[[], Iterable[Tensor]]) -> None:
        """Account for the memory of a party, in which the tensors that `standing` returns stand."""
        self.memory[party] = Ledger(standing)

    def hold(self, party: str, tensor: Tensor) -> None:
        """Count a tensor that a party received or is about to send, for as long as it lives."""
        if self.counting:
            self.memory[party].hold(tensor)

    @contextmanager
    def timed(self, party: str, stage: str) -> Iterator[None]:
        """Add up the wall-clock time spent inside."""
        start = time.perf_counter()
        yield
        self.seconds[party, stage] += time.perf_counter() - start

    def state(self) -> dict[str, Tally]:
        """Return every counter, and the peaks of memory, by name."""
        return {
            "bits": tally(self.bits),
            "flops": tally(self.flops),
            "seconds": tally(self.seconds),
            "memory": [(party, "", ledger.peak) for party, ledger in self.memory.items()],
        }

    def restore(self, saved: Mapping[str, Tally]) -> None:
        """Put counters and peaks back to what :meth:`state` returned after at least one step.

        Raises InputError where one is lacking.
        """
        for name in self.state():
            if name not in saved:
                raise InputError(f"lacks the meter of {name}")
        self.bits, self.flops = whole(saved["bits"]), whole(saved["flops"])
        self.seconds.update({(party, stage): seconds for party, stage, seconds in saved["seconds"]})
        peaks = {party: int(peak) for party, _, peak in saved["memory"]}
        for party, ledger in self.memory.items():
            if party not in peaks:
                raise InputError(f"lacks the memory of {party}")
            ledger.peak = peaks[party]
        self.counting = False

    @contextmanager
    def work(self, party: str, stage: str, also: Mapping[Any, Formula] | None = None) -> Iterator[None]:
        """Measure the time, the FLOPs and the memory of the torch work done inside; `also` counts beside products."""
        with self.timed(party, stage):
            if not self.counting:
                yield
                return
            watching = self.memory[party].watching() if party in self.memory else nullcontext()
            with counter(also) as flops, watching:
                yield
            self.flops[party, stage] += flops.get_total_flops()


def tally(counter: Mapping[Key, float]) -> Tally:
    """Return a counter's amounts, one by one."""
    return [(*key, amount) for key, amount in counter.items()]


def whole(amounts: Tally) -> Counter[Key]:
    """Return the counter of whole amounts that :func:`tally` wrote."""
    return Counter({(party, stage): int(amount) for party, stage, amount in amounts})
