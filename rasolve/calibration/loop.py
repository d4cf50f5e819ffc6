"""The whole loop: fit rounds, solve with them, train by the plan to the target, compare, and fit again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rasolve import plots
from rasolve.calibration.rounds import MOST_ROUNDS, SEEDS, Training, fit_rounds, train_to
from rasolve.calibration.time import fit_time
from rasolve.documents import Document
from rasolve.files import writable_folder
from rasolve.plan import SplitFederatedPlan
from rasolve.problems.fedsllm import FedsLLM
from rasolve.result import Result
from rasolve.scenario.units import quantity
from rasolve.solving import solve
from rasolve.surrogate_models.crossing import Crossing
from rasolve.surrogate_models.fitting import LEVEL, refit
from rasolve.surrogate_models.rounds import Rounds
from rasolve.surrogate_models.time import TimeModel
from rasolve.tables import aligned

if TYPE_CHECKING:
    from rasolve.executor.report import Report

RANKS = (1, 2, 4, 8)


@dataclass(frozen=True, eq=False)
class Loop:
    """One turn of the loop: what was fitted, solved, trained and fitted again, and where it was saved."""

    fitted: Rounds
    time_model: TimeModel
    result: Result
    plan: SplitFederatedPlan
    report: Report
    measured: Crossing
    refitted: Rounds
    again: Result
    files: dict[str, Path]

    @property
    def rank(self) -> int:
        """The rank of the plan."""
        return int(self.plan.rank[0])

    @property
    def round_s(self) -> float:
        """Simulated seconds of a round as the plan predicts them."""
        return self.plan.objective / self.plan.rounds

    @property
    def measured_round_s(self) -> float:
        """Simulated seconds of a round: its measured FLOPs and bits at the plan's speeds and rates."""
        return next(delay.measured for delay in self.report.delays if delay.span == "round")

    @property
    def measured_delay_s(self) -> float:
        """Simulated seconds of the rounds that the training needed, each as measured."""
        return self.measured_round_s * self.measured.rounds

    def to_fields(self) -> dict[str, Any]:
        """Return what matters, for JSON."""
        interval, wall = self.fitted.run_interval(self.rank), self.report.wall_clock
        return {
            "model": self.fitted.model,
            "target": self.fitted.evidence.target if self.fitted.evidence else None,
            "cut": int(self.plan.cut[0]),
            "rank": self.rank,
            "rounds": {
                "predicted": self.plan.rounds,
                "interval": interval,
                "measured": self.measured.rounds,
                "reached": self.measured.reached,
            },
            "delay_s": {
                "predicted": self.plan.objective,
                "interval": [self.round_s * end for end in interval] if interval else None,
                "measured": self.measured_delay_s,
            },
            "wall_s": wall.model_dump() if wall else None,
            "bits_agree": self.report.bits_agree,
            "worst_flops_difference": self.report.worst_flops_difference,
            "fitted": self.fitted.table,
            "refitted": self.refitted.table,
            "rank_after": int(self.again.decision.rank[0]),
            "files": {name: str(path) for name, path in self.files.items()},
        }

    def __str__(self) -> str:
        return "\n\n".join([self._comparison(), self._tables(), self._next()])

    def _comparison(self) -> str:
        """Return rounds, delay and wall-clock, predicted and measured."""
        low, high = self.fitted.run_interval(self.rank) or (self.plan.rounds, self.plan.rounds)
        reached = "" if self.measured.reached else "more than "
        wall = self.report.wall_clock
        rows = [
            ("", "predicted", f"{100 * LEVEL:g} % of such runs", "measured"),
            ("rounds", f"{self.plan.rounds:.4g}", f"{low:.4g} to {high:.4g}", f"{reached}{self.measured.rounds:.4g}"),
            (
                "delay",
                quantity(self.plan.objective, "s"),
                f"{quantity(self.round_s * low, 's')} to {quantity(self.round_s * high, 's')}",
                f"{reached}{quantity(self.measured_delay_s, 's')}",
            ),
        ]
        if wall is not None:
            expected = f"{quantity(wall.low, 's')} to {quantity(wall.high, 's')}"
            rows.append(("wall-clock", quantity(wall.predicted, "s"), expected, quantity(wall.measured, "s")))
        return "\n".join(aligned(rows))

    def _tables(self) -> str:
        """Return the rounds by rank before and after the new run was counted in."""
        rows = [("rank", "rounds fitted", "and with the new run", "change")]
        for rank, rounds in self.refitted.table.items():
            before = self.fitted.said(rank) if rank in self.fitted.table else "not known"
            change = f"{100 * (rounds / self.fitted(rank) - 1):+.1f} %" if rank in self.fitted.table else ""
            rows.append((str(rank), before, self.refitted.said(rank), change))
        return "\n".join(aligned(rows))

    def _next(self) -> str:
        rank = int(self.again.decision.rank[0])
        kept = f"rank {rank} again" if rank == self.rank else f"rank {rank} instead of {self.rank}"
        delay = quantity(self.again.objective or 0.0, "s")
        saved = "\n".join(f"saved {path}" for path in self.files.values())
        return f"With the refitted rounds the plan has {kept}, and a predicted delay of {delay}.\n\n{saved}"


def loop(
    problem: FedsLLM,
    ranks: Sequence[int] = RANKS,
    *,
    folder: str | Path = "out",
    seeds: int = SEEDS,
    target: float | None = None,
    most_rounds: int = MOST_ROUNDS,
    data: str | Path | None = None,
    say: Callable[[str], object] = print,
    callback: Callable[[Training], object] | None = None,
) -> Loop:
    """Go once around the loop with a problem whose model trains here, and write everything to a folder.

    Fits rounds, solves with them, times the machine, trains by the plan to the target with a seed that the fit has not
    seen, compares rounds, simulated delay and wall-clock with what was predicted, counts the new run in and solves
    again. The training may take twice `most_rounds`. The measured delay is the rounds that it needed times the
    simulated seconds of a round, from its measured FLOPs and bits. `say` hears of every stage, `callback` of every
    local step. What is done when an interrupt comes has been saved; the interrupt passes on.
    """
    files: dict[str, Path] = {}
    place = writable_folder(folder)

    def keep(name: str, document: Document) -> None:
        files[name] = document.save(place / f"{name}.json")

    say(f"Training at ranks {', '.join(map(str, ranks))} with {seeds} seeds each ...")
    fitted = fit_rounds(
        problem, ranks, seeds=seeds, target=target, most_rounds=most_rounds, data=data, callback=callback
    )
    keep("rounds", fitted)
    evidence = fitted.evidence
    assert evidence is not None
    if len(evidence.runs) < seeds * len(set(ranks)):
        raise KeyboardInterrupt
    say(f"  {fitted}\nSolving with these rounds ...")
    result = solve(problem.replace(rounds=fitted, ranks=tuple(fitted.table)))
    keep("result", result)
    plan = cast(SplitFederatedPlan, result.plan())
    keep("plan", plan)
    say(f"{result}\nTiming small pieces of work on this machine ...")
    time_model = fit_time()
    keep("time", time_model)
    say(f"  {time_model}\nTraining by the plan to loss {evidence.target:.4g}, with a new seed ...")
    new = max(run.seed for run in evidence.runs) + 1
    run, report = train_to(
        plan,
        evidence.target,
        seed=new,
        most_rounds=2 * most_rounds,
        data=data,
        callback=None if callback is None else lambda step: callback(Training(1, 1, int(plan.rank[0]), new, step)),
        time_model=time_model,
    )
    keep("report", report)
    refitted = refit(fitted, [run])
    keep("refitted", refitted)
    again = solve(problem.replace(rounds=refitted, ranks=tuple(refitted.table)))
    files["picture of rounds"] = plots.rounds_by_rank(refitted, place / "rounds.png", before=fitted)
    files["picture of times"] = plots.time_fit(time_model, place / "time.png")
    measured = run.crossing(plan.local_steps, evidence.target)
    return Loop(fitted, time_model, result, plan, report, measured, refitted, again, files)
