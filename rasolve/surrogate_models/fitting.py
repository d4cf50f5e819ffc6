"""Rounds fitted from training runs: median over seeds, never rising with the rank, censored runs included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rasolve.errors import InputError
from rasolve.surrogate_models import censored
from rasolve.surrogate_models.evidence import Evidence, TrainingRun, TrainingSettings
from rasolve.surrogate_models.rounds import Rounds

LEVEL = 0.9
"""Confidence of the intervals."""

RESAMPLES = 400
"""Draws of the bootstrap; its standard error is then good to 4 %."""


def rounds_from_runs(runs: Sequence[TrainingRun], model: str, settings: TrainingSettings, target: float) -> Rounds:
    """Return the rounds that a model needs to a target loss at each rank of its training runs.

    E(r) is the median over seeds of log-normal rounds, which cannot rise with the rank: the models that rank r reaches
    are among those of rank r+1. No shape is assumed beyond that, because a handful of ranks cannot tell one from
    another; where the measurements already fall, isotonic regression changes nothing. Ranks are compared within seeds.
    A run that never reached the target counts with the rounds that it had as a lower limit. A rank below all ranks with
    a run that reached it has no upper limit: it stays out of the table and in the evidence. Confidence interval:
    Student's t (seeds - 1) times the bootstrap standard error; for one more run the spread between runs is added.
    Raises InputError for ranks with fewer than two seeds, for a target that a run starts below, or that no run reaches.
    """
    runs = sorted(runs, key=lambda run: (run.rank, run.seed))
    _check_seeds(runs)
    crossings = [run.crossing(settings.local_steps, target) for run in runs]
    arrived = [run.rank for run, crossing in zip(runs, crossings, strict=True) if crossing.reached]
    if not arrived:
        raise InputError(f"target = {target:g}: no run reached it; train longer or choose a higher loss")
    below = sum(run.curve(settings.local_steps).starts_below(target) for run in runs)
    if 2 * below >= len(runs):
        raise InputError(f"target = {target:g}: {below} of {len(runs)} runs start below it; choose a lower loss")
    known = [i for i, run in enumerate(runs) if run.rank >= min(arrived)]
    ranks = sorted({runs[i].rank for i in known})
    _, seed = np.unique([runs[i].seed for i in known], return_inverse=True)
    measured = censored.Runs(
        rank=np.array([ranks.index(runs[i].rank) for i in known]),
        seed=seed,
        log_rounds=np.log([crossings[i].rounds for i in known]),
        reached=np.array([crossings[i].reached for i in known]),
    )
    fitted = censored.fit(measured)
    error = censored.standard_errors(fitted, measured, RESAMPLES)
    t = _student(np.array([len(np.unique(seed[measured.rank == r])) - 1 for r in range(len(ranks))]))
    centre, own, further = fitted.centre, t * error, t * np.hypot(error, fitted.spread(measured))

    def by_rank(logarithms: np.typing.NDArray[np.float64]) -> dict[int, float]:
        return dict(zip(ranks, np.exp(logarithms).tolist(), strict=True))

    evidence = Evidence(
        target=target,
        settings=settings,
        runs=tuple(runs),
        level=LEVEL,
        low=by_rank(centre - own),
        high=by_rank(centre + own),
        run_low=by_rank(centre - further),
        run_high=by_rank(centre + further),
    )
    return Rounds(table=by_rank(centre), source="fitted", model=model, evidence=evidence)


def refit(rounds: Rounds, further: Sequence[TrainingRun]) -> Rounds:
    """Return fitted rounds with further runs of the same settings counted in; InputError for rounds never fitted."""
    if rounds.evidence is None:
        raise InputError(f"{rounds} cannot be refitted: they hold no runs")
    e = rounds.evidence
    return rounds_from_runs([*e.runs, *further], rounds.model, e.settings, e.target)


def retarget(rounds: Rounds, target: float) -> Rounds:
    """Return fitted rounds read off the same runs at another target loss; InputError for rounds never fitted."""
    if rounds.evidence is None:
        raise InputError(f"{rounds} cannot be read at another target: they hold no runs")
    return rounds_from_runs(rounds.evidence.runs, rounds.model, rounds.evidence.settings, target)


def median_target(runs: Sequence[TrainingRun], local_steps: int) -> float:
    """Return the lowest loss that at least half of the runs are confirmed to have reached (ours)."""
    lowest = sorted(run.curve(local_steps).confirmed() for run in runs)
    return lowest[len(lowest) // 2]


def _check_seeds(runs: Sequence[TrainingRun]) -> None:
    seeds: dict[int, set[int]] = {}
    for run in runs:
        seeds.setdefault(run.rank, set()).add(run.seed)
    for rank, found in seeds.items():
        if len(found) < 2:
            raise InputError(f"rank {rank} has runs of 1 seed: at least 2 are needed, the interval is their spread")


def _student(freedom: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.float64]:
    """Return the two-sided quantile of Student's t at LEVEL, by degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(freedom, (1 + LEVEL) / 2), dtype=np.float64)
