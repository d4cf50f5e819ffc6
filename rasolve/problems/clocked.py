"""The decision of a cut and a server clock for each of many turns, and the clock that is best at a cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.base import Decision
from rasolve.scenario.workload import Profile

SHOWN = 6
"""Cuts that a summary lists, the most frequent first."""


@dataclass(frozen=True, eq=False)
class ClockedDecision(Decision):
    """A cut and a server clock [Hz] for every turn, two arrays of the same shape, which the problem says."""

    cut: IntArray
    clock_hz: FloatArray

    def summary(self) -> tuple[str, ...]:
        """Return how often each cut is taken, and the range of the clock."""
        cuts, times = np.unique(self.cut, return_counts=True)
        often = np.argsort(-times, kind="stable")[:SHOWN]
        listed = ", ".join(f"{cuts[i]} in {100 * times[i] / self.cut.size:.3g} %" for i in often)
        more = f", {len(cuts) - SHOWN} more" if len(cuts) > SHOWN else ""
        low, middle, high = (q / 1e9 for q in np.quantile(self.clock_hz, (0, 0.5, 1)))
        return f"cut        {listed}{more}", f"clock      {low:.4g} to {high:.4g} GHz, median {middle:.4g}"


def reject_misfit(decision: ClockedDecision, shape: tuple[int, ...], profile: Profile) -> None:
    """Raise InputError where cuts and clocks are no arrays of a shape, or out of range."""
    for name, kinds in (("cut", "iu"), ("clock_hz", "iuf")):
        values = getattr(decision, name)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds:
            needed = "whole numbers" if name == "cut" else "numbers"
            raise InputError(f"decision.{name} must be an array of {needed}")
        if values.shape != shape:
            raise InputError(f"decision.{name} has shape {list(values.shape)}, needs {list(shape)}")
    if not (np.isfinite(decision.clock_hz) & (decision.clock_hz > 0)).all():
        raise InputError("decision.clock_hz must be finite and above 0")
    if decision.cut.min() < 0 or decision.cut.max() > profile.blocks:
        raise InputError(f"decision.cut must lie in 0 to {profile.blocks}")


def cheapest_clock(
    per_second: FloatArray | float,
    per_joule: FloatArray | float,
    epsilon: float,
    least_hz: FloatArray | float,
    most_hz: float,
) -> FloatArray:
    """Return the server clock [...] of least α·C/f + β·ε·f²·C, whatever the cycles C (arXiv 2403.05158, 2412.00090).

        f* = ( α / (2·β·ε) )^(1/3), clipped to [f_min, f_max]                                            (published)

    α is what a second costs, β what a joule does, ε [J/(cycle·Hz²)] that of the server; f_max where energy is free.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        clock_hz = np.cbrt(per_second / (2 * epsilon * np.asarray(per_joule)))
    return np.asarray(np.clip(np.where(np.isnan(clock_hz), np.inf, clock_hz), least_hz, most_hz))
