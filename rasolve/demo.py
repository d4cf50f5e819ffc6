"""The demonstration: solve a small FedsLLM in every way, draw it, train by the plan, and see whether it told the truth.

`demo()` does it from Python; `rasolve demo` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasolve import plots
from rasolve.comparing import Comparison, compare
from rasolve.files import writable_folder
from rasolve.plan import Plan
from rasolve.problems.fedsllm import FedsLLM
from rasolve.result import Result

if TYPE_CHECKING:
    from rasolve.executor.report import Report
    from rasolve.executor.steps import Step

SLOWER = 30.0
"""The demonstration's model is thousands of times smaller than GPT2-S; with devices this much slower than the
published ones, computing and sending take comparable time (ours)."""

LOCAL_STEPS = 4
STEPS = 3 * LOCAL_STEPS
"""Local steps trained: three rounds."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """Everything that the demonstration made; `best` is the first result of the comparison, the proved optimum."""

    problem: FedsLLM
    comparison: Comparison
    best: Result
    plan: Plan
    report: Report
    files: dict[str, Path]

    def to_fields(self) -> dict[str, Any]:
        """Return what matters, for JSON."""
        rows = [row.model_dump() for row in self.report.rows]
        return {
            "comparison": self.comparison.to_fields(),
            "report": {"rounds": self.report.rounds, "loss": self.report.loss.tolist(), "rows": rows},
            "files": {name: str(path) for name, path in self.files.items()},
        }


@contextmanager
def unwatched(_: int) -> Iterator[None]:
    """Watch nothing."""
    yield None


def demo(
    seed: int = 0,
    folder: str | Path = "out",
    *,
    steps: int = STEPS,
    say: Callable[[str], object] = print,
    watch: Callable[[int], AbstractContextManager[Callable[[Step], None] | None]] = unwatched,
) -> Demonstration:
    """Run the demonstration with the instance of a seed, write its files to a folder, and return everything.

    `say` gets each part of the story as text; `watch` is entered with the number of steps while the training lasts, and
    what it yields hears of every local step.
    Raises InputError where the folder cannot be written, SolverUnavailable without torch or matplotlib.
    """
    from rasolve.executor.run import run

    folder = writable_folder(folder)
    problem = instance(seed)
    say(_opening(problem))
    comparison = compare([problem], seed=seed)
    best, *others = comparison.results
    say(f"\nEvery solver and every baseline, against the best proved bound:\n\n{comparison}")
    files = _files(problem, best, {result.solver: result for result in others}, folder)
    plan = best.plan()
    say(f"\n{best}\n\n" + "\n".join(f"saved {path}" for path in files.values()))
    say(f"\nTraining by the plan: {steps} local steps, split and, to compare the losses, unsplit.\n")
    with watch(steps) as callback:
        report = run(plan, steps, seed=seed, callback=callback)
    say(f"{report}\n\n{_next(files)}")
    return Demonstration(problem, comparison, best, plan, report, files)


def instance(seed: int) -> FedsLLM:
    """Return the demonstration's problem: eight small devices that fine-tune gpt-mini over 200 MHz."""
    drawn = FedsLLM.sample(
        seed=seed, clients=8, subchannels=30, model="gpt-mini", downlink=True, local_steps=LOCAL_STEPS
    )
    return drawn.replace(
        client_flops_per_s=drawn.client_flops_per_s / SLOWER, server_flops_per_s=drawn.server_flops_per_s / SLOWER
    )


def _opening(problem: FedsLLM) -> str:
    return (
        f"FedsLLM ({problem.reference}): {problem.clients} devices fine-tune gpt-mini together with a server.\n"
        f"Each holds the first blocks, sends activations over {problem.dimension('M')} shared subchannels, and now and "
        "then its LoRA adapters.\nWho gets which subchannels, at what power, where is the model cut, and at what rank?"
    )


def _files(problem: FedsLLM, best: Result, others: dict[str, Result], folder: Path) -> dict[str, Path]:
    return {
        "problem": problem.save(folder / "problem.json"),
        "result": best.save(folder / "result.json"),
        "plan": best.plan().save(folder / "plan.json"),
        "optimum": plots.delay_by_stage(problem, best, folder / "delay-optimum.png"),
        "equal shares": plots.delay_by_stage(problem, others["baseline:equal"], folder / "delay-equal-shares.png"),
        "convergence": plots.convergence(problem, others["alternating"], folder / "convergence.png", best=best),
    }


def _next(files: dict[str, Path]) -> str:
    return "\n".join(
        [
            "What to try next:",
            f"  rasolve check {files['problem']} {files['result']}",
            f"  rasolve run {files['plan']} --steps 40",
            f"  rasolve solve {files['problem']} --set 'cuts=[2,3]' --solver alternating --bound",
            "  rasolve compare fedsllm --set clients=12 --set subchannels=60",
            "  rasolve explain fedsllm --set clients=30",
            "  rasolve list",
        ]
    )
