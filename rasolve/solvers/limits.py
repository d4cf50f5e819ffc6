"""Limits: when a solver stops, what it starts from and whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from time import perf_counter
from typing import Any

import numpy as np

from rasolve.forms import Form, Progress, Solution
from rasolve.numerics import FloatArray

INFINITY = float("inf")

DEFAULT_GAP = 1e-9
"""Relative gap within which an objective counts as optimal unless another is asked for."""


@dataclass(frozen=True)
class Limits:
    """When to stop, what to start from and whom to tell; handed down to the solvers of sub-forms.

    ``deadline`` is an instant of `time.perf_counter`. ``cutoff``: the caller has no use for anything at or above it;
    ``cutoff_each`` [...] has one for each of many instances, in place of ``cutoff``.
    ``nested`` marks the solver of a sub-form. ``solved`` remembers forms solved to optimality in this run, so that a
    form shared by many alternatives is solved once. ``interrupted`` is set once an interrupt has come: as after the
    deadline, whoever runs within these limits ends with what there is; who has nothing yet may take one step.
    """

    deadline: float = INFINITY
    gap: float = DEFAULT_GAP
    max_iterations: int | None = None
    cutoff: float = INFINITY
    cutoff_each: FloatArray | None = None
    seed: int = 0
    start: Any = None
    callback: Callable[[Progress], object] | None = None
    nested: bool = False
    solved: dict[Form, Solution] = field(default_factory=dict, repr=False)
    interrupted: Event = field(default_factory=Event, repr=False)

    def starting(self, start: Any) -> Limits:
        """Return the same limits with a start."""
        return replace(self, start=start)

    def sharing(self, share: float) -> Limits:
        """Return the same limits with a share of what time is left."""
        now = perf_counter()
        if not now < self.deadline < INFINITY:
            return self
        return replace(self, deadline=now + share * (self.deadline - now))

    @property
    def cutoff_or_each(self) -> float | FloatArray:
        """From where on objectives are of no use to the caller: one cutoff for all, or each instance's own [...]."""
        return self.cutoff if self.cutoff_each is None else self.cutoff_each

    @property
    def has_cutoff(self) -> bool:
        """Whether the caller has said from where on objectives are of no use."""
        return self.cutoff < INFINITY or self.cutoff_each is not None

    def cutoffs(self, batch: tuple[int, ...]) -> FloatArray:
        """Return every instance's cutoff [...]."""
        return np.broadcast_to(np.asarray(self.cutoff_or_each), batch)

    def cutoff_below(self, objective: float, cutoff: float | None = None) -> float:
        """Return the least objective that is no use any more beside an incumbent's, which is inf without one.

        It is within half the asked gap of the incumbent, or at the caller's cutoff: these limits' own unless another is
        given.
        """
        callers = self.cutoff if cutoff is None else cutoff
        return callers if objective == INFINITY else min(callers, objective - 0.5 * self.gap * abs(objective))

    def of(self, members: Sequence[int]) -> Limits:
        """Return the limits of some of many instances, each with its own start and cutoff where it has one."""
        each = None if self.cutoff_each is None else self.cutoff_each[list(members)]
        return replace(self, cutoff_each=each, start=None if self.start is None else [self.start[i] for i in members])

    def alone(self, member: int) -> Limits:
        """Return the limits of one of many instances, as it has them by itself."""
        cutoff = self.cutoff if self.cutoff_each is None else float(self.cutoff_each[member])
        start = None if self.start is None else self.start[member]
        return replace(self, cutoff=cutoff, cutoff_each=None, start=start)

    def inner(self, cutoff: float = INFINITY) -> Limits:
        """Return the limits for a sub-form: same clock, gap and seed; no iteration limit, start or callback."""
        return replace(
            self, max_iterations=None, cutoff=cutoff, cutoff_each=None, start=None, callback=None, nested=True
        )

    def inner_each(self, cutoffs: Sequence[float], starts: Sequence[Any]) -> Limits:
        """Return the limits for many sub-forms, each with its own cutoff and its start or None."""
        return replace(self.inner(), cutoff_each=np.asarray(cutoffs, dtype=np.float64), start=starts)
