"""The conformance suite, run on every registered problem and solver, and shown to catch those that break a promise."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import (
    Alternative,
    Blocks,
    Choice,
    ClosedSet,
    MinMaxShares,
    MixedIntegerProgram,
    OfdmaLink,
    Precedence,
    Sum,
    Term,
)
from rasolve.problems import problems, register, registry
from rasolve.solvers import solvers
from rasolve.solvers.counts import Counts, CountsState
from rasolve.testing import check_problem, check_solver
from tests.instances import density_link, link, multiple_choice, shares, wide_link

WORK = np.asarray([[1.0, 2.0], [5.0, 0.5]])

CHAIN = Precedence(5, np.array([[0, 1], [1, 2], [0, 3], [2, 3], [3, 4]]), np.array([0]), np.ones(5))
LINE = ClosedSet(CHAIN, np.array([0.0, 1, 4, 2, 3]), np.array([1.0, 2, 1, 5, 1]), np.array([3.0, 1, 2, 1, 0]))
PROGRAM = MixedIntegerProgram(
    cost=np.asarray([-5.0, -4.0, -3.0]),
    matrix=np.asarray([[2.0, 3.0, 1.0], [4.0, 1.0, 2.0], [3.0, 4.0, 2.0]]),
    row_low=np.full(3, -np.inf),
    row_high=np.asarray([5.0, 11.0, 8.0]),
    low=np.zeros(3),
    high=np.full(3, 10.0),
    whole=np.asarray([True, True, False]),
)

EXAMPLES = {
    "CutNetwork": [ra.DagSplit.sample(layers=12, seed=seed).formulate(ClosedSet).form.network() for seed in range(4)],
    "ClosedSet": [LINE],
    "MixedIntegerProgram": [PROGRAM]
    + [ra.DagSplit.sample(layers=8, seed=seed).formulate(MixedIntegerProgram).form for seed in range(3)],
    "OfdmaLink": [link(seed, 4, 10) for seed in range(4)],
    "MinMaxShares": [MinMaxShares(lambda tau: WORK / tau[..., None], np.zeros(2), np.ones(2), np.ones((2, 2)))],
    "FdmaShares": [shares(seed, clients) for seed, clients in ((0, 4), (1, 4), (2, 1))],
    "Sum": [Sum((Term(2.0, link(0)), Term(1.0, link(1))), constant=3.0)],
    "Choice": [
        Choice(tuple(Alternative(i, 0.0, link(i)) for i in range(5))),
        Choice((Alternative("a", 2.0), Alternative("b", 1.0))),
    ],
    "Link": [wide_link(1, 3, 5), density_link(1), density_link(2), link(5, 4, 10, selective=True)],
    "MultipleChoice": [multiple_choice(seed) for seed in range(8)],
    "Blocks": [ra.FedsLLM.sample(seed=seed).formulate(Blocks).form for seed in range(3)],
}
"""Forms for each solver to be checked on, by the name of the form."""


SIZES = {
    "fedsllm": [
        {},
        {"selective": True, "clients": 3, "subchannels": 8},
        {"downlink": True, "regime": "narrowband", "model": "gpt-mini"},
    ],
    "fedsllm-fdma": [{}, {"downlink": True, "regime": "narrowband", "model": "gpt-mini", "label_bits": 1e3}],
    "dag-split": [{}, {"layers": 9}, {"model": "googlenet-mini", "uplink_bps": 3e8}],
}
"""Sizes for each problem to be sampled with; the defaults where none are named."""


@pytest.mark.parametrize("name", [name for name, cls in solvers().items() if cls.__module__.startswith("rasolve.")])
def test_every_shipped_solver_conforms(name):
    solver = solvers()[name]
    check_solver(solver, EXAMPLES[solver.form.name])


def test_greedy_conforms_on_selective_gains():
    check_solver(solvers()["greedy"], [link(seed, 4, 10, selective=True) for seed in range(4)])


@pytest.mark.parametrize(("name", "sizes"), [(name, sizes) for name in problems() for sizes in SIZES.get(name, [{}])])
def test_every_shipped_problem_conforms(name, sizes):
    check_problem(problems()[name], **sizes)


@dataclass(frozen=True)
class Boastful(Counts):
    """Claims a bound that is not proved."""

    def step(self, form: OfdmaLink, state: CountsState, limits) -> CountsState:
        honest = super().step(form, state, limits)
        return replace(honest, bound=max(state.bound, honest.objective * 1.01))


@dataclass(frozen=True)
class Flattering(Counts):
    """Claims an objective that its value does not have."""

    def step(self, form: OfdmaLink, state: CountsState, limits) -> CountsState:
        honest = super().step(form, state, limits)
        return replace(honest, objective=honest.objective * 0.9, bound=state.bound) if honest.closed else honest


@dataclass(frozen=True)
class Forgetful(Counts):
    """Gets worse at its last step."""

    def step(self, form: OfdmaLink, state: CountsState, limits) -> CountsState:
        honest = super().step(form, state, limits)
        return replace(honest, objective=honest.objective * 1.5) if honest.closed else honest


@pytest.mark.parametrize(
    ("cls", "complaint"),
    [(Boastful, "bound above objective"), (Flattering, "claims"), (Forgetful, "the objective rose")],
)
def test_broken_solvers_are_caught(cls, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_solver(cls, EXAMPLES["OfdmaLink"])


class Careless(ra.FedsLLM):
    """A problem whose cheap bound is too high."""

    def lower_bound(self):
        return super().lower_bound() * 10


class Fickle(ra.FedsLLM):
    """A problem whose judgement contradicts its forms."""

    def evaluate(self, decision):
        honest = super().evaluate(decision)
        return replace(honest, objective=honest.objective * 0.5)


@pytest.mark.parametrize(("cls", "complaint"), [(Careless, "bound"), (Fickle, "bound")])
def test_broken_problems_are_caught(cls, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_problem(cls, seeds=[0])


def test_a_registered_problem_is_solved_stored_and_read_by_its_name(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(problems()))

    @register
    class Mine(ra.FedsLLM):
        kind = "mine"

    check_problem(Mine, seeds=[0])
    assert problems()["mine"] is Mine and ra.Result.from_json(ra.solve(Mine.sample(seed=0)).to_json()).problem == "mine"
    with pytest.raises(InputError, match="a problem named 'mine' is registered already"):
        register(type("Other", (ra.FedsLLM,), {"kind": "mine"}))
