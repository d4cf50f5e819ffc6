"""The decision of CutAndClock: a cut and a server clock for every round and device."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.problems.clocked import ClockedDecision


@dataclass(frozen=True, eq=False)
class CutAndClockDecision(ClockedDecision):
    """Cut and server clock [Hz] of every round and device, shape [N, M]; at cut J the clock is not used."""
