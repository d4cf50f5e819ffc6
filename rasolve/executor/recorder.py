"""The recorder of a run: it writes checkpoints of the training, and puts the training back where one left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rasolve.errors import InputError
from rasolve.executor.checkpoint import FILE, Checkpoint, read, write
from rasolve.executor.identity import differences
from rasolve.executor.meters import Key, tally, whole
from rasolve.executor.steps import Done, Step, add, losses
from rasolve.executor.training import Reference, Training


@dataclass(frozen=True)
class Recorder:
    """Checkpoints of one run in one directory; ``run`` is what determines it, name by name.

    Recorded are all that the parties train, with Adam's moments and step counts, the meters and the losses so far;
    batches follow from seed and step. On the same machine, torch and number of threads a resumed run therefore has the
    losses of an uninterrupted one, bit for bit.
    """

    directory: Path
    run: dict[str, str]
    data_source: str
    split: Training
    unsplit: Reference | None

    def begin(self) -> None:
        """Make the directory; raises InputError when it cannot be, or holds a checkpoint that would be overwritten."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {self.directory}: {error.strerror}") from None
        if (self.directory / FILE).exists():
            raise InputError(f"{self.directory} holds a checkpoint already: resume it or name another directory")

    def resume(self, steps: int) -> list[Done]:
        """Put the training back to the last checkpoint and return the steps done, of `steps`.

        Raises InputError when there is none, when it is of another run (and what differs) or beyond `steps`.
        """
        saved, tensors = read(self.directory)
        if found := differences(saved.run, self.run):
            if saved.run.get("data") != self.run["data"]:
                found.append(f"the data were {saved.data_source} and are {self.data_source}")
            raise InputError(f"{self.directory / FILE} is of another run: {'; '.join(found)}")
        if saved.steps > steps:
            raise InputError(f"steps = {steps}: must be at least the {saved.steps} of {self.directory / FILE}")
        try:
            self.split.restore(saved.steps, tensors)
            if self.unsplit is not None:
                self.unsplit.restore(saved.steps, tensors)
            self.split.meter.restore(saved.meters)
        except InputError as error:
            raise InputError(f"{self.directory / FILE}: {error}") from None
        return self._done(saved, steps)

    def save(self, done: Sequence[Done]) -> None:
        """Write the checkpoint of the steps done."""
        loss, reference_loss = losses(done)
        checkpoint = Checkpoint(
            run=self.run,
            data_source=self.data_source,
            loss=loss,
            reference_loss=reference_loss,
            seconds=[each.seconds for each in done],
            meters=self.split.meter.state(),
            first_step={"bits": tally(done[0].bits), "seconds": tally(done[0].wall)},
        )
        tensors: dict[str, Tensor] = self.split.state()
        if self.unsplit is not None:
            tensors |= self.unsplit.state()
        write(self.directory, checkpoint, tensors)

    def _done(self, saved: Checkpoint, steps: int) -> list[Done]:
        """Return the steps of a checkpoint as done; between the first and the last the meter's state is not known."""
        first_bits = whole(saved.first_step["bits"])
        first_wall: dict[Key, float] = {(party, stage): each for party, stage, each in saved.first_step["seconds"]}
        meter, local_steps = self.split.meter, self.split.plan.local_steps
        done: list[Done] = []
        for i, (loss, seconds) in enumerate(zip(saved.loss, saved.seconds, strict=True)):
            other = saved.reference_loss[i] if saved.reference_loss is not None else None
            progress = Step(i + 1, steps, loss, other, (i + 1) // local_steps)
            bits, wall = (first_bits, first_wall) if i == 0 else (meter.bits.copy(), dict(meter.seconds))
            add(done, Done(progress, bits, wall, seconds))
        return done
