"""The decision of both problems: a cut and a server clock for every slot."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.problems.clocked import ClockedDecision


@dataclass(frozen=True, eq=False)
class SplitDecision(ClockedDecision):
    """Cut and server clock [Hz] of every slot, shape [T], or of every slot and device, shape [T, N]."""
