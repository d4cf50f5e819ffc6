"""Rounds by rank from runs of which some stopped short: log rounds = rank + seed + noise, falling with the rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.numerics import FloatArray, IntArray
from rasolve.surrogate_models.monotone import non_increasing

MOST_ITERATIONS = 10_000
STILL = 1e-9
"""Change of the logarithms below which an iteration has converged."""
LEAST_VARIANCE = 1e-12
"""Variance of logarithms that is taken where all runs agree."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs [n]: index of the rank, index of the seed, log rounds, and whether the target was reached.

    A run that did not reach it is censored: its true logarithm is above.
    """

    rank: IntArray
    seed: IntArray
    log_rounds: FloatArray
    reached: np.typing.NDArray[np.bool_]

    @property
    def ranks(self) -> int:
        """How many ranks there are."""
        return int(self.rank.max()) + 1

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return int(self.seed.max()) + 1


@dataclass(frozen=True, eq=False)
class Fit:
    """log rounds = centre[rank] + seed's own effect + noise: centres [ranks], effects [seeds] and both variances."""

    centre: FloatArray
    effect: FloatArray
    seed_variance: float
    noise_variance: float

    def spread(self, runs: Runs) -> float:
        """Return the standard deviation of the logarithm of one more run, corrected for the parameters fitted."""
        seeds, free = runs.seeds, len(runs.rank) - len(np.unique(self.centre)) - runs.seeds + 1
        noise = self.noise_variance * (len(runs.rank) / free if free > 0 else 1.0)
        return float(np.sqrt(self.seed_variance * seeds / (seeds - 1) + noise))


def fit(runs: Runs) -> Fit:
    """Return the fit of runs of at least two seeds, centres non-increasing in the rank.

    Ranks are compared within seeds, because a seed (model, text, mini-batches) makes all ranks fast or slow together: a
    further run of one rank with a lucky seed moves that rank alone by no more than it should. Expectation-maximisation
    with normal seed effects; a censored logarithm is replaced by its mean given that it is larger; the centres pool
    adjacent violators. Exact maximum likelihood where all runs reached the target; with censored ones the dependence
    between their true values and the seed's effect is left out (mean field). Every rank needs a run that reached the
    target, at that rank or a lower one. Textbook (mixed models, censored regression, order-restricted likelihood);
    their combination is ours.
    """
    filled, extra = runs.log_rounds.copy(), np.zeros(len(runs.rank))
    per_seed = np.bincount(runs.seed)
    centre = _centres(runs, filled)
    effect = np.zeros(runs.seeds)
    seed_variance = noise_variance = max(float(np.var(filled - centre[runs.rank])), LEAST_VARIANCE)
    for _ in range(MOST_ITERATIONS):
        before = centre
        short = ~runs.reached
        if short.any():
            expected = (centre[runs.rank] + effect[runs.seed])[short]
            filled[short], extra[short] = _above(runs.log_rounds[short], expected, float(np.sqrt(noise_variance)))
        own = 1 / (per_seed / noise_variance + 1 / seed_variance)
        effect = own * np.bincount(runs.seed, filled - centre[runs.rank]) / noise_variance
        centre = _centres(runs, filled - (effect - effect.mean())[runs.seed])
        effect = effect - effect.mean()
        residual = filled - centre[runs.rank] - effect[runs.seed]
        noise_variance = max(float(np.mean(residual**2 + own[runs.seed] + extra)), LEAST_VARIANCE)
        seed_variance = max(float(np.mean(effect**2 + own)), LEAST_VARIANCE)
        if np.abs(centre - before).max() < STILL:
            break
    return Fit(centre, effect, seed_variance, noise_variance)


def standard_errors(fitted: Fit, runs: Runs, resamples: int) -> FloatArray:
    """Return the standard error [ranks] of the centres, by a bootstrap over whole seeds.

    A censored run takes part with a value drawn from the fit, above its limit. Draws without any run of some rank are
    repeated. Inflated by √(n/(n-1)) for the n seeds of a rank, without which a bootstrap of few is too narrow
    (Hesterberg 2015).
    """
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(runs.seed == seed) for seed in range(runs.seeds)]
    expected = fitted.centre[runs.rank] + fitted.effect[runs.seed]
    short = ~runs.reached
    centres: list[FloatArray] = []
    while len(centres) < resamples:
        drawn = [members[i] for i in rng.integers(runs.seeds, size=runs.seeds)]
        picked = np.concatenate(drawn)
        if len(np.unique(runs.rank[picked])) < runs.ranks:
            continue
        values = runs.log_rounds.copy()
        if short.any():
            values[short] = _drawn_above(rng, values[short], expected[short], float(np.sqrt(fitted.noise_variance)))
        again = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn])
        centres.append(_given_variances(Runs(runs.rank[picked], again, values[picked], runs.reached[picked]), fitted))
    own = np.array([len(np.unique(runs.seed[runs.rank == rank])) for rank in range(runs.ranks)])
    return np.asarray(np.std(centres, axis=0) * np.sqrt(own / (own - 1)))


def _given_variances(runs: Runs, fitted: Fit) -> FloatArray:
    """Return the centres of runs without censoring, at variances that are known."""
    shrink = np.bincount(runs.seed) + fitted.noise_variance / fitted.seed_variance
    centre = _centres(runs, runs.log_rounds)
    for _ in range(MOST_ITERATIONS):
        effect = np.bincount(runs.seed, runs.log_rounds - centre[runs.rank]) / shrink
        before, centre = centre, _centres(runs, runs.log_rounds - (effect - effect.mean())[runs.seed])
        if np.abs(centre - before).max() < STILL:
            break
    return centre


def _centres(runs: Runs, values: FloatArray) -> FloatArray:
    """Return the non-increasing least-squares centres [ranks] of values [n]."""
    counts = np.bincount(runs.rank)
    return non_increasing(np.bincount(runs.rank, values) / counts, counts).curve


def _above(limit: FloatArray, centre: FloatArray, spread: float) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of a normal value given that it is above `limit`."""
    from scipy.stats import norm

    z = (limit - centre) / spread
    hazard = np.exp(norm.logpdf(z) - norm.logsf(z))
    return centre + spread * hazard, np.maximum(spread**2 * (1 + z * hazard - hazard**2), 0.0)


def _drawn_above(rng: np.random.Generator, limit: FloatArray, centre: FloatArray, spread: float) -> FloatArray:
    """Return normal values drawn given that each is above its limit, by inversion in logarithms."""
    from scipy.special import log_ndtr, ndtri_exp

    tail = log_ndtr((centre - limit) / spread) + np.log(rng.uniform(size=len(limit)))
    return np.asarray(centre - spread * ndtri_exp(tail))
