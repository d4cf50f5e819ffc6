"""Isotonic regression against brute force over all partitions into blocks."""

from itertools import combinations

import numpy as np
import pytest

from rasolve.surrogate_models.monotone import non_increasing


def by_brute_force(values, weights):
    """Return the best non-increasing curve among all that are constant on blocks of neighbours."""
    best, least = None, np.inf
    n = len(values)
    for count in range(n):
        for ends in combinations(range(1, n), count):
            blocks = np.split(np.arange(n), ends)
            curve = np.concatenate([np.full(len(b), np.average(values[b], weights=weights[b])) for b in blocks])
            cost = float((weights * (values - curve) ** 2).sum())
            if (np.diff(curve) <= 1e-12).all() and cost < least:
                best, least = curve, cost
    return best


@pytest.mark.parametrize("seed", range(30))
def test_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=7), rng.uniform(0.1, 3, 7)
    assert np.allclose(non_increasing(values, weights).curve, by_brute_force(values, weights))


def test_by_hand():
    found = non_increasing([5, 1, 3, 2, 2, 0])
    assert found.values.tolist() == [5, 2, 0] and found.sizes == (1, 4, 1)
    assert found.curve.tolist() == [5, 2, 2, 2, 2, 0]
    assert non_increasing([1, 2], [3, 1]).curve.tolist() == [1.25, 1.25]


def test_what_already_falls_stays():
    assert non_increasing([3.0, 2.0, 1.0]).curve.tolist() == [3.0, 2.0, 1.0]
