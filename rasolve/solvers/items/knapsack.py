"""The multiple-choice program of a `Separable` with one budget: which alternative of each item, by its dual values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rasolve.forms import MixedIntegerProgram, Separable
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.highs import TOLERANCE, as_lp, quiet_highs

MARGIN = 1000 * TOLERANCE
"""What is taken off HiGHS's bound, in units of the gap that is left. Less than this is no gain."""

CLEAR = 1e4
"""Largest ratio of what a row leaves open to the gap that is left, up to which it is used to tell choices apart."""


@dataclass(frozen=True, eq=False)
class Master:
    """min over x of max over k of Σ_i table[k, i, x_i] - offset[k], subject to Σ_i cheapest[i, x_i] <= budget.

    ``table`` [K, N, S] holds what each alternative adds to the dual value at the k-th price, inf where there is no such
    alternative, ``offset`` [K] price·budget, ``cheapest`` [N, S] the least cost of each alternative. The choices
    ``visited`` [V, N] are solved and not to be found again.
    """

    table: FloatArray
    offset: FloatArray
    cheapest: FloatArray
    budget: float
    visited: IntArray

    @property
    def floor(self) -> FloatArray:
        """The dual value at each price [K]."""
        return np.asarray(self.table.min(axis=2).sum(axis=1) - self.offset)

    @property
    def reduced(self) -> FloatArray:
        """By how much each alternative raises the dual value at each price [K, N, S]."""
        return np.asarray(self.table - self.table.min(axis=2, keepdims=True))


def master_of(form: Separable, price: float) -> Master:
    """Return the program with the row of one price."""
    assert form.each is not None
    cheapest = form.each(slice(0, form.items), 0.0, np.ones(1))
    empty, none = np.zeros((0, *cheapest.penalty.shape)), np.zeros((0, form.items), dtype=np.int64)
    costs = np.where(np.isfinite(cheapest.penalty), cheapest.cost[..., 0] * form.share, np.inf)
    return with_price(form, Master(empty, np.zeros(0), costs, float(form.allowed[0]), none), price)


def with_price(form: Separable, master: Master, price: float) -> Master:
    """Return the program with the row of one more price."""
    assert form.each is not None
    found = form.each(slice(0, form.items), 1.0, np.array([price]))
    row = (found.penalty + price * found.cost[..., 0]) * form.share
    offset = np.append(master.offset, price * master.budget)
    return replace(master, table=np.concatenate([master.table, row[None]]), offset=offset)


def without(master: Master, which: IntArray) -> Master:
    """Return the program with one choice [N] visited."""
    return replace(master, visited=np.concatenate([master.visited, which[None]]))


def least_choice(master: Master, objective: float, bound: float, seconds: float) -> tuple[IntArray | None, float]:
    """Return the unvisited choice [N] of least value below `objective`, None where none was found, and a bound on all.

    A gain of less than MARGIN of the gap is none. Alternatives whose reduced cost at some price takes them so far are
    left out, and items that are left with one are decided. HiGHS sees w = (value - bound) / (objective - bound),
    between 0 and 1 whatever the units; it may take so many seconds.
    """
    gap = objective - bound
    slack = gap * (1 - MARGIN) + (bound - master.floor)
    useful = np.asarray((master.reduced < slack[:, None, None]).all(axis=0))
    left = useful.sum(axis=1)
    if left.min() == 0:
        return None, objective - MARGIN * gap
    which = useful.argmax(axis=1)
    open_items = np.flatnonzero(left > 1)
    place, alternative = np.nonzero(useful[open_items])
    item = open_items[place]
    program = _program(master, which, left == 1, item, alternative, slack, gap)
    anything, chosen, lowest = _solved(program, seconds)
    if not anything:
        return None, objective - 2 * MARGIN * gap
    proved = bound + gap * max(lowest - MARGIN, 0.0)
    if chosen is None:
        return None, proved
    taken = chosen[: len(item)] > 0.5
    which[item[taken]] = alternative[taken]
    return which, proved


def _program(
    master: Master,
    which: IntArray,
    decided: NDArray[np.bool_],
    item: IntArray,
    alternative: IntArray,
    slack: FloatArray,
    gap: float,
) -> MixedIntegerProgram:
    """Return the program over the open alternatives, which are whole, and w, which is least.

    One of each item; a dual value that leaves little open (`slack`) bounds w, one that leaves much must only stay below
    the objective; no visited choice; within the budget at least cost. `decided` items [N] have their only alternative.
    """
    kept, at = np.flatnonzero(decided), which[decided]
    slack = slack - master.reduced[:, kept, at].sum(axis=1)
    clear = slack <= CLEAR * gap
    reduced = master.reduced[:, item, alternative]
    items = np.unique(item)
    one_each = (item == items[:, None]).astype(float)
    again = master.visited[(master.visited[:, kept] == at).all(axis=1)]
    room = master.budget - master.cheapest[kept, at].sum()
    cheapest = master.cheapest[item, alternative]
    scale = max(abs(room), float(cheapest.max(initial=0.0)), np.finfo(float).tiny)
    much = np.maximum(slack[~clear, None], np.finfo(float).tiny)
    parts = (
        (one_each, 0.0, 1.0, 1.0),
        (-reduced[clear] / gap, 1.0, 1 - slack[clear] / gap, np.inf),
        (reduced[~clear] / much, 0.0, -np.inf, 1.0),
        ((again[:, item] == alternative).astype(float), 0.0, -np.inf, len(items) - 1.0),
        (cheapest[None] / scale, 0.0, -np.inf, room / scale),
    )
    least, most = (np.concatenate([np.broadcast_to(part[end], len(part[0])) for part in parts]) for end in (2, 3))
    last = np.append(np.zeros(len(item)), 1.0)
    return MixedIntegerProgram(
        cost=last,
        matrix=np.concatenate([np.column_stack([rows, np.full(len(rows), w)]) for rows, w, _, _ in parts]),
        row_low=least,
        row_high=most,
        low=np.asarray(0.0),
        high=np.asarray(1.0),
        whole=last == 0,
    )


def _solved(program: MixedIntegerProgram, seconds: float) -> tuple[bool, FloatArray | None, float]:
    """Return whether HiGHS leaves anything feasible, the columns that it found in so many seconds, and its bound."""
    import highspy

    highs = quiet_highs()
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", TOLERANCE)
    highs.setOptionValue("time_limit", float(np.clip(seconds, 0.01, 1e7)))
    highs.passModel(as_lp(program))
    highs.run()
    nothing = highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible
    if highs.getModelStatus() in nothing:
        return False, None, 1.0
    info = highs.getInfo()
    known = info.primal_solution_status == highspy.kSolutionStatusFeasible
    bound = float(info.mip_dual_bound)
    return True, np.array(highs.getSolution().col_value) if known else None, bound if np.isfinite(bound) else 0.0
