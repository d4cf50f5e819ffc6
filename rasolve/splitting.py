"""What DagSplit is asked besides one decision: every slot of a trace at once, and all rates at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import ClosedSet, Termination
from rasolve.forms.formulation import numbers, require
from rasolve.numerics import FloatArray, IntArray
from rasolve.problems.dag_split import DagSplit, closed
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.cuts.envelope import Envelope, envelope
from rasolve.solvers.limits import DEFAULT_GAP


@dataclass(frozen=True, eq=False)
class SplitsOverTime:
    """The optimal split in every slot of a trace: ``tier`` [T, V] and the seconds of its round [T]; the form solved."""

    problem: DagSplit
    form: ClosedSet
    tier: IntArray
    seconds: FloatArray

    def kept(self, decision: DagSplitDecision) -> FloatArray:
        """Return the seconds [T] of a round in every slot if one decision is kept throughout.

        Raises InputError for a decision that breaks the graph's order, or is of another problem.
        """
        if not isinstance(decision, DagSplitDecision):
            raise InputError(f"kept: a decision of dag-split is needed, not {type(decision).__name__}")
        if violated := self.problem.check(decision).violated:
            raise InputError(f"kept: the decision is not feasible: {violated[0].name}")
        chosen = closed.set_of(self.problem, decision.tier)
        return self.form.objectives(np.broadcast_to(chosen, self.form.inside.shape))


def _rates(uplink_bps: Any) -> FloatArray:
    given = numbers("uplink_bps", uplink_bps)
    require("uplink_bps", given, given > 0, "must be above 0")
    return given


def _reject_others(problem: object) -> None:
    if not isinstance(problem, DagSplit):
        raise InputError(f"problem: a DagSplit is needed, not {type(problem).__name__}")


def splits_over_time(
    problem: DagSplit,
    solver: str = "auto",
    *,
    uplink_bps: Any = None,
    downlink_bps: Any = None,
    device_slowdown: Any = 1.0,
    server_slowdown: Any = 1.0,
) -> SplitsOverTime:
    """Return the optimal split in every slot of a trace.

    Each setting is one number or one for every slot [T], as in `DagSplit.over_time`. The graph is worked out once;
    `solver` is one that takes a batch of closed sets. Raises InputError for a trace out of range.
    """
    _reject_others(problem)
    form = problem.over_time(
        uplink_bps=uplink_bps,
        downlink_bps=downlink_bps,
        device_slowdown=device_slowdown,
        server_slowdown=server_slowdown,
    )
    solution = solve_form(form, solver)
    if solution.termination is not Termination.OPTIMAL:
        raise InputError(f"{solution.solver} ended {solution.termination.value}: a solver that proves optima is needed")
    return SplitsOverTime(problem, form, problem.tiers_of(solution.value), form.objectives(solution.value))


@dataclass(frozen=True, eq=False)
class SplitsByRate:
    """All optimal splits as the device's rates go from 0 to inf, uplink and downlink in a fixed ratio.

    Split b, ``tier`` [pieces, V], is optimal for uplink rates from ``breaks_bps[b - 1]`` to ``breaks_bps[b]``; the
    breaks [pieces - 1] rise. ``gap`` is the largest relative gap of the optima that prove them.
    """

    breaks_bps: FloatArray
    tier: IntArray
    envelope: Envelope

    def seconds(self, uplink_bps: Any) -> FloatArray:
        """Return the least seconds [...] of a round at uplink rates [...] in bit/s; InputError for one not above 0."""
        return self.envelope.cost(1 / _rates(uplink_bps))

    def piece(self, uplink_bps: Any) -> IntArray:
        """Return which split is optimal at uplink rates [...] in bit/s; InputError for one not above 0."""
        return np.asarray(len(self.tier) - 1 - self.envelope.piece(1 / _rates(uplink_bps)))

    @property
    def gap(self) -> float:
        """The largest relative gap of the optima that prove the breaks."""
        return self.envelope.gap


def splits_by_rate(problem: DagSplit, solver: str = "auto") -> SplitsByRate:
    """Return all optimal splits of a problem over its device's rate, exactly: the delay is concave in seconds per bit.

    With a memory limit too, and with three tiers, where the rates to the cloud stay. The rates of the problem itself
    only give the ratio. Raises InfeasibleError where nothing fits the device.
    """
    _reject_others(problem)
    if reasons := problem.explain():
        raise InfeasibleError("; ".join(reasons))
    fixed, growing = closed.by_rate(problem)
    found = envelope(fixed, growing, solver, Limits(gap=DEFAULT_GAP))
    return SplitsByRate(1 / found.breaks[::-1], problem.tiers_of(found.sets[::-1]), found)
