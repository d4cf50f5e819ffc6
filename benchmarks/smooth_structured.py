"""The shared band in epigraph form at growing size: sparse solvers beside dense ones, against the exact optimum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rasolve as ra
from benchmarks.counted import Run, run
from benchmarks.report import figures, seconds, tiny, watched
from benchmarks.smooth_forms import sampled_band

STRUCTURED = (
    "sqp",
    "sqp, BFGS",
    "augmented Lagrangian",
    "augmented Lagrangian, BFGS",
    "trust-constr in bounds",
    "SLSQP",
)
"""Methods that are measured; one that exceeds its limit is not asked about larger sizes."""


def measure(sizes: Sequence[int], limit_s: float) -> dict[tuple[int, str], tuple[Run, float]]:
    """Return each run with how far its objective is above the exact one, relative, by clients and method."""
    found: dict[tuple[int, str], tuple[Run, float]] = {}
    late: set[str] = set()
    run("sqp", sampled_band(3, 0).program())  # loads everything before the clock counts
    for clients in watched(sizes, "shared band"):
        band = sampled_band(clients, 0)
        exact = ra.solve(band.shares()).objective
        for name in STRUCTURED:
            if name not in late:
                result = run(name, band.program(), limit_s)
                found[clients, name] = result, result.objective / exact - 1
                if result.ending == "time_limit":
                    late.add(name)
    return found


def table(found: dict[tuple[int, str], tuple[Run, float]]) -> str:
    """Return one line for each run, and how time grows with size for each method."""
    head = ("clients, method", "ended", "steps", "functions", "time", "above the optimum", "proved gap", "kkt")
    rows = []
    for (clients, name), (result, above) in found.items():
        gap = abs(result.objective - result.bound) / abs(result.objective)
        rows.append(
            (
                f"{clients}, {name}",
                result.ending,
                str(result.steps),
                str(result.calls.objective),
                seconds(result.seconds),
                tiny(above) if np.isfinite(above) else "no value",
                tiny(gap) if np.isfinite(gap) else "-",
                tiny(result.kkt) if np.isfinite(result.kkt) else "-",
            )
        )
    return "\n".join([figures(head, rows), *(_growth(found, name) for name in STRUCTURED)])


def _growth(found: dict[tuple[int, str], tuple[Run, float]], name: str) -> str:
    """Return the exponent of time in size, by least squares in logarithms over the runs that ended in time."""
    ended = [(k, r.seconds) for (k, of), (r, _) in found.items() if of == name and r.ending != "time_limit"]
    if len(ended) < 2:
        return f"{name}: time grows with size: too few runs"
    exponent = np.polyfit(*np.log(np.array(ended)).T, 1)[0]
    return f"{name}: time grows as clients^{exponent:.2f} from {ended[0][0]} to {ended[-1][0]}"
