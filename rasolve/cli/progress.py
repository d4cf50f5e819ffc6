"""Progress on standard error, for people at a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from rasolve.forms import Progress
from rasolve.tables import percent

if TYPE_CHECKING:
    from rasolve.calibration.rounds import Training
    from rasolve.executor.steps import Step


@contextmanager
def solving(label: str, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show what a solver has reached; yields the callback to hand to it, or None where nobody watches."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with console.status(f"{escape(label)} ...") as status:
        yield lambda progress: status.update(f"{escape(label)}: {_reached(progress)}")


def _reached(progress: Progress) -> str:
    gap = f"gap {percent(progress.gap)}" if progress.gap is not None else "no gap yet"
    return (
        f"iteration {progress.iteration}, objective {progress.objective:.6g}, bound {progress.bound:.6g}, "
        f"{gap}, {progress.seconds:.1f} s"
    )


@contextmanager
def training(steps: int, quiet: bool) -> Iterator[Callable[[Step], None] | None]:
    """Show the local steps done and the loss; yields the callback to hand to the executor, or None."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Bar(*_columns("training"), console=console, transient=True) as bar:
        task = bar.add_task("", total=steps)
        yield lambda step: bar.update(task, completed=step.number, description=f"loss {step.loss:.4f}")


@contextmanager
def trainings(quiet: bool) -> Iterator[Callable[[Training], None] | None]:
    """Show which of several trainings runs, its steps and its loss; yields the callback to hand to the fit, or None."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Bar(*_columns("training"), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def heard(training: Training) -> None:
            said = f"run {training.run} of {training.of}, rank {training.rank}, seed {training.seed}, "
            step = training.step
            bar.update(task, total=step.of, completed=step.number, description=f"{said}loss {step.loss:.4f}")

        yield heard


@contextmanager
def timing(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many timings are done; yields the callback to hand to the fit, or None where nobody watches."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Bar(*_columns("timing"), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda number, of: bar.update(task, total=of, completed=number)


def _columns(doing: str) -> tuple[ProgressColumn, ...]:
    """Return the columns of a bar for what is being done."""
    return (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
