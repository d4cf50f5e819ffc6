"""Can an `OfdmaLink` meet a deadline? Decided over whole sets of subchannels for each client (ours).

A plan picks for each client a set of subchannels on which its least power is within its cap; the sets are disjoint and
the powers add up to at most the total. The relaxation that mixes sets (`Relaxation`) is far tighter than one that
shares single subchannels, since a client's rate and cap hold for each set as a whole; where its prices refute the
deadline, they prove it. Where they do not, every plan in time consists of sets whose excess over the minima adds up to
at most what is missing: these few sets are listed, and a search decides (`Partition`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rasolve.forms import MixedIntegerProgram, OfdmaLink
from rasolve.numerics import FloatArray, IntArray
from rasolve.solvers.lagrangian import Prices as Multipliers
from rasolve.solvers.limits import INFINITY
from rasolve.solvers.links.partition import EffortSpent, Listed, Partition
from rasolve.solvers.links.pricing import Sets
from rasolve.solvers.links.question import Answer
from rasolve.solvers.links.relaxation import PROOF, Effort, Memory, Relaxation, suggested
from rasolve.solvers.registry import solve_form

SHARES_SEARCHED = (1 / 16, 1 / 4, 1.0)
"""Parts of what is missing that the searched sets may lose against the relaxation; nothing at 1 is a refutation."""

MIX_GAP = 1e-6
"""Relative gap within which the least power of a whole choice is sought among known sets: what is wanted is a plan."""


def ask(
    form: OfdmaLink, deadline: float, owner: IntArray, near: Multipliers, memory: Memory | None, effort: Effort
) -> Answer:
    """Return owners that meet the deadline, or that it is refuted, or neither where effort or time are spent.

    ``owner`` [M] is a plan to begin with, ``near`` the multipliers of a deadline nearby.
    """
    demand = form.demand(deadline)
    if demand.short:
        return Answer(refuted=deadline, memory=memory)
    start = memory.prices if memory is not None else suggested(demand, near)
    relaxation = Relaxation(demand, near.expected, start, effort)
    relaxation.learn(np.arange(form.clients), owner == np.arange(form.clients)[:, None])
    if memory is not None:
        relaxation.learn(memory.of, memory.sets)
    if relaxation.solve():
        return Answer(refuted=deadline, memory=relaxation.memory)
    try:
        found = _whole(relaxation)
    except EffortSpent:
        return Answer(memory=relaxation.memory)
    if found is None:
        return Answer(refuted=deadline, memory=relaxation.memory)
    return Answer(owner=_owners(form, found), memory=relaxation.memory)


def _owners(form: OfdmaLink, sets: Sets) -> IntArray:
    """Return the owners of disjoint sets [K, M]; what is in none goes to whoever hears it best."""
    return np.asarray(np.where(sets.any(axis=0), sets.argmax(axis=0), form.gain.argmax(axis=0)))


def _whole(relaxation: Relaxation) -> Sets | None:
    """Return disjoint sets [K, M] in time, None where there are none; raises EffortSpent where that stays open."""
    found = _among_known(relaxation)
    for share in SHARES_SEARCHED:
        if found is not None:
            return found
        found = _searched(relaxation, share)
    return found


def _among_known(relaxation: Relaxation) -> Sets | None:
    """Return disjoint sets [K, M] in time from those known that a plan in time may have, by a whole program."""
    master, best = relaxation.master, relaxation.best
    excess = best.cost(master.of, master.sets, master.power) - best.least[master.of]
    kept = np.flatnonzero(excess <= relaxation.missing + PROOF)
    of, sets, power = master.of[kept], master.sets[kept], master.power[kept]
    if len(np.unique(of)) < len(relaxation.clients):
        return None
    limits = replace(relaxation.effort.limits.inner(), gap=MIX_GAP)
    program = _one_set_each(relaxation.clients, of, sets, power)
    solution = solve_form(program, "highs", limits, nodes=relaxation.effort.nodes)
    if solution.value is None:
        return None
    chosen = solution.value > 0.5
    if power[chosen].sum() > 1:
        return None
    return np.asarray(sets[chosen][np.argsort(of[chosen])])


def _one_set_each(clients: IntArray, of: IntArray, sets: Sets, power: FloatArray) -> MixedIntegerProgram:
    """Return the choice of one of the given sets [S, M] for each client, least power in total."""
    matrix = np.vstack([of == clients[:, None], sets.T, power])
    low = np.concatenate([np.ones(len(clients)), np.full(sets.shape[1] + 1, -INFINITY)])
    none, all_of_it = np.zeros(len(power)), np.ones(len(power))
    return MixedIntegerProgram(power, matrix, low, np.ones(len(low)), none, all_of_it, True)


def _searched(relaxation: Relaxation, share: float) -> Sets | None:
    """Return disjoint sets [K, M] in time with at most a share of the excess that a plan may have, None if none.

    Any plan in time consists of sets whose excess over the minima adds up to at most what is missing. Raises
    EffortSpent.
    """
    best, lists, slack = relaxation.best, [], share * relaxation.missing
    for client in relaxation.clients.tolist():
        found = relaxation.listed(client, best, best.least[client] + slack)
        if found is None:
            raise EffortSpent
        sets, power, cost = found
        order = np.argsort(cost, kind="stable")
        lists.append(Listed(sets[order], cost[order] - best.least[client], power[order]))
    if any(len(listed.excess) == 0 for listed in lists):
        return None
    whole = Partition(lists, slack + PROOF, 1 + PROOF, relaxation.effort.nodes).search()
    return None if whole is None else np.asarray(whole)
