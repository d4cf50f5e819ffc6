"""FedsLLM with a cut for every client as an algebraic model in Pyomo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import Menu
from rasolve.problems.fedsllm import algebra, choice, per_client
from rasolve.problems.fedsllm.decision import FedsLLMDecision
from rasolve.problems.modeling import pyomo

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.problem import FedsLLM


def to_pyomo(problem: FedsLLM, decision: FedsLLMDecision | None = None) -> Any:
    """Return the multiple choice as a `pyomo.environ.ConcreteModel`, at `decision` where one is given.

    level[r] in {0,1} picks the common rank, which loses nothing, and pick[k,c,r] in {0,1} each client's cut at it; the
    deadlines of the two links and every other largest delay are variables. The links are those of a common cut (ours).
    Raises InfeasibleError where nothing fits, InputError for a decision whose rank is no level, SolverUnavailable
    without Pyomo.
    """
    pyo = pyomo()
    if problem.explain():
        raise InfeasibleError("; ".join(problem.explain()))
    menus = {rank: per_client.menu(problem, rank) for rank in per_client.levels(problem)}
    cuts = problem.candidate_cuts
    picks = [(int(k), cuts[j], rank) for rank, menu in menus.items() for k, j in np.argwhere(menu.allowed)]

    model = pyo.ConcreteModel(name=f"FedsLLM, {problem.reference}, a cut for every client")
    model.clients = pyo.RangeSet(0, problem.clients - 1)
    model.levels = pyo.Set(initialize=list(menus))
    model.picks = pyo.Set(initialize=picks, dimen=3)
    model.level = pyo.Var(model.levels, domain=pyo.Binary)
    model.pick = pyo.Var(model.picks, domain=pyo.Binary)
    model.one_level = pyo.Constraint(expr=pyo.quicksum(model.level.values()) == 1)

    @model.Constraint(model.clients, model.levels)  # type: ignore[untyped-decorator]
    def one_cut(model: Any, client: int, level: int) -> Any:
        return (
            pyo.quicksum(model.pick[k, c, r] for k, c, r in model.picks if (k, r) == (client, level))
            == model.level[level]
        )

    def picked(client: int, value_of: Any) -> Any:
        mine = [(k, c, r) for k, c, r in model.picks if k == client]
        return pyo.quicksum(float(value_of(menus[r])[k, cuts.index(c)]) * model.pick[k, c, r] for k, c, r in mine)

    def weighted(delay_s: Any, weight_of: Any) -> Any:
        return delay_s * pyo.quicksum(float(weight_of(menu)) * model.level[rank] for rank, menu in menus.items())

    tails = range(len(next(iter(menus.values())).tails))
    model.tail_s = pyo.Var(tails, domain=pyo.NonNegativeReals, initialize=1.0)

    @model.Constraint(model.clients, tails)  # type: ignore[untyped-decorator]
    def by_the_tail(model: Any, client: int, i: int) -> Any:
        return model.tail_s[i] >= picked(client, lambda menu: menu.tails[i].value)

    model.main, model.fed = pyo.Block(), pyo.Block()
    blocks = (model.main, model.fed)
    for i, (block, load) in enumerate(zip(blocks, next(iter(menus.values())).loads, strict=True)):
        algebra.state_link(pyo, block, load.link)
        _state_deadline(block, picked, i)
    model.delay_s = pyo.Objective(
        expr=pyo.quicksum(picked(k, lambda menu: menu.cost) for k in model.clients)
        + sum(weighted(model.tail_s[i], lambda menu, i=i: menu.tails[i].weight) for i in tails)
        + sum(weighted(block.deadline_s, lambda menu, i=i: menu.loads[i].weight) for i, block in enumerate(blocks))
    )
    if decision is not None:
        _set_to(model, problem, menus, decision)
    return model


def _state_deadline(block: Any, picked: Any, i: int) -> None:
    """State that every client's load i of the picked options is done by the block's deadline."""

    @block.Constraint(block.clients)  # type: ignore[untyped-decorator]
    def in_time(block: Any, k: int) -> Any:
        spare = block.deadline_s - picked(k, lambda menu: menu.loads[i].offset_s)
        return spare * block.rate_mbps[k] >= picked(k, lambda menu: menu.loads[i].payload_bits / choice.MEGABIT)


def _set_to(model: Any, problem: FedsLLM, menus: dict[int, Menu], decision: FedsLLMDecision) -> None:
    """Set the variables to a decision; deadlines and other largest delays to the earliest that it attains."""
    if np.ptp(decision.rank) > 0:
        raise InputError(f"decision.rank = {decision.rank.tolist()}: the algebraic model has one rank for all")
    rank = int(decision.rank[0])
    if rank not in menus:
        raise InputError(f"decision.rank = {rank}: a smaller rank needs no more rounds, known ranks: {list(menus)}")
    menu, option = menus[rank], np.searchsorted(problem.candidate_cuts, decision.cut)
    for level in model.levels:
        model.level[level] = int(level == rank)
    for k, c, r in model.picks:
        model.pick[k, c, r] = int(r == rank and c == decision.cut[k])
    for i, tail in enumerate(menu.tails):
        model.tail_s[i] = float(tail.value[np.arange(problem.clients), option].max())
    spectra = choice.spectra(decision)
    for block, load, spectrum in zip((model.main, model.fed), menu.loads, spectra, strict=True):
        block.deadline_s = load.at(option).objective(spectrum)
        algebra.set_link(block, spectrum)
