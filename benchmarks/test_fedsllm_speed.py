"""The exact FedsLLM solver and the rivals on its main link at small sizes, under pytest-benchmark.

pytest benchmarks --benchmark-enable [--benchmark-json FILE]

Objective, bound, gap and status of every run stand in ``extra_info``; a run that proves nothing, or that contradicts
the library's optimum, fails and is kept in the report.
"""

from __future__ import annotations

from typing import Any

import pytest

import rasolve as ra
from benchmarks.bisection import bisection
from benchmarks.link import sampled_link
from benchmarks.mip import outer_approximation
from rasolve.solvers import solve_form

SIZES = ((5, 20), (10, 50), (20, 100))
TOLERANCE = 1e-6
"""Relative: the gap asked of the loosest rival, the MIP."""
LINK_METHODS = {
    "counts": lambda form: solve_form(form, "counts"),
    "bisection": bisection,
    "highs": outer_approximation,
}


def note(benchmark: Any, answer: Any) -> None:
    """Keep what a time alone does not say."""
    benchmark.extra_info.update(
        objective=answer.objective, bound=answer.bound, gap=answer.gap, status=answer.termination.value
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_whole_problem(benchmark: Any, size: tuple[int, int]) -> None:
    benchmark.group = f"FedsLLM {size[0]}x{size[1]}"
    problem = ra.FedsLLM.sample(clients=size[0], subchannels=size[1], seed=0)
    result = benchmark(ra.solve, problem)
    note(benchmark, result)
    assert result.feasible and result.gap <= TOLERANCE


@pytest.mark.parametrize("method", LINK_METHODS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_link(benchmark: Any, size: tuple[int, int], method: str) -> None:
    benchmark.group = f"link {size[0]}x{size[1]}"
    form = sampled_link(*size, seed=0)
    optimum = solve_form(form, "counts").objective
    answer = benchmark.pedantic(LINK_METHODS[method], args=(form,), rounds=5, warmup_rounds=1)
    note(benchmark, answer)
    assert answer.gap <= TOLERANCE
    assert answer.objective == pytest.approx(optimum, rel=TOLERANCE)
    assert form.objective(answer.value) == pytest.approx(answer.objective, rel=1e-12)
