"""Timing on a noisy machine: methods take turns on the same input, and only ratios of neighbours are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any


def in_turn(
    methods: Mapping[str, Callable[[], Any]], turns: int, clock: Callable[[], float] = perf_counter
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Run all methods one after another, `turns` times; return the last answers and all seconds, by method.

    The clock is the wall's; `time.process_time` leaves out what other work on the machine takes.
    """
    answers: dict[str, Any] = {}
    taken: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(turns):
        for name, method in methods.items():
            began = clock()
            answers[name] = method()
            taken[name].append(clock() - began)
    return answers, taken


def paired_ratio(rival: list[float], ours: list[float]) -> float:
    """Return the median over turns of rival/ours."""
    return median(r / o for r, o in zip(rival, ours, strict=True))
