"""Progress on standard error, for people at a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
    console = _terminal(quiet)
    if console is None:
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
    with _bar("training", quiet, total=steps) as update:
        yield update and (lambda step: update(completed=step.number, description=f"loss {step.loss:.4f}"))


@contextmanager
def trainings(quiet: bool) -> Iterator[Callable[[Training], None] | None]:
    """Show which of several trainings runs, its steps and its loss; yields the callback to hand to the fit, or None."""

    def said(training: Training) -> str:
        which = f"run {training.run} of {training.of}, rank {training.rank}, seed {training.seed}"
        return f"{which}, loss {training.step.loss:.4f}"

    with _bar("training", quiet) as update:
        yield update and (lambda t: update(total=t.step.of, completed=t.step.number, description=said(t)))


@contextmanager
def timing(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many timings are done; yields the callback to hand to the fit, or None where nobody watches."""
    with _bar("timing", quiet) as update:
        yield update and (lambda number, of: update(total=of, completed=number))


@contextmanager
def passes(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many passes over a model are timed; yields the callback to hand to the timing, or None."""
    with _bar("timing layers", quiet) as update:
        yield update and (lambda number, of: update(total=of, completed=number))


def _terminal(quiet: bool) -> Console | None:
    """Return the console to show progress on, or None where nobody watches."""
    console = Console(stderr=True)
    return console if console.is_terminal and not quiet else None


@contextmanager
def _bar(doing: str, quiet: bool, total: int | None = None) -> Iterator[Callable[..., None] | None]:
    """Show a bar; yields the function that updates it, or None where nobody watches."""
    console = _terminal(quiet)
    if console is None:
        yield None
        return
    with Bar(*_columns(doing), console=console, transient=True) as bar:
        yield partial(bar.update, bar.add_task("", total=total))


def _columns(doing: str) -> tuple[ProgressColumn, ...]:
    """Return the columns of a bar for what is being done."""
    return (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
