import subprocess
import sys
from dataclasses import dataclass, replace
from time import perf_counter
from typing import ClassVar

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import (
    Alternative,
    Block,
    Blocks,
    Choice,
    Chosen,
    Form,
    Formulation,
    MinMaxShares,
    Sum,
    Term,
    Termination,
)
from rasolve.solvers import Limits, Solver, State, iterate, register, registry, solve_form, solver_named, solvers_for
from rasolve.solvers.deadline_mip import DeadlineMip
from rasolve.solvers.registry import proves, tightens
from tests.instances import link


@dataclass(frozen=True, eq=False)
class Countdown(Form):
    name: ClassVar[str] = "Countdown"
    says: ClassVar[str] = "count down from a number"
    top: int


@register
@dataclass(frozen=True)
class Counting(Solver[Countdown, State]):
    name = "counting"
    form = Countdown
    purpose = "counts down by one, for these tests"
    exact = True
    by: int = 1

    def init(self, form, limits):
        return State(None, float("inf"), 0.0)

    def step(self, form, state, limits):
        value = form.top if state.value is None else max(state.value - self.by, 0)
        return State(value, float(value), 0.0)

    def done(self, form, state, limits):
        return state.value == 0


def test_runs_to_the_end_with_history():
    solution = solve_form(Countdown(3))
    assert solution.termination is Termination.OPTIMAL and solution.value == 0
    assert [line.objective for line in solution.history] == [float("inf"), 3, 2, 1, 0]


def test_limits_leave_the_incumbent():
    assert solve_form(Countdown(9), limits=Limits(max_iterations=3)).value == 7
    assert solve_form(Countdown(9), limits=Limits(max_iterations=3)).termination is Termination.ITERATION_LIMIT
    late = solve_form(Countdown(9), limits=Limits(deadline=0.0))
    assert late.termination is Termination.TIME_LIMIT and late.value == 9, "one step is always taken"
    assert solve_form(Countdown(9), limits=Limits(gap=1.0)).termination is Termination.GAP_REACHED


def test_options_are_the_fields():
    assert solve_form(Countdown(9), "counting", by=4).iterations == 4
    with pytest.raises(InputError, match="unknown option of solver counting 'bye'; did you mean by"):
        solve_form(Countdown(9), "counting", bye=4)
    with pytest.raises(InputError, match="solver 'sum' has no option 'tolerance': it takes none"):
        solver_named("sum", {"tolerance": 1})


def test_an_interrupt_leaves_the_incumbent_and_all_within_the_same_limits_end():
    class Impatient(Counting):
        def step(self, form, state, limits):
            if state.value == 5:
                raise KeyboardInterrupt
            return super().step(form, state, limits)

    limits = Limits()
    for within in (limits.inner(), Limits()):
        ended = iterate(Impatient(), Countdown(9), within)
        assert ended.termination is Termination.INTERRUPTED and ended.value == 5
    assert limits.interrupted.is_set()
    later = iterate(Counting(), Countdown(9), limits)
    assert later.termination is Termination.INTERRUPTED and later.iterations == 1, "without anything one step is taken"


@pytest.mark.parametrize("steps", [1, 2])
def test_an_interrupt_in_the_depths_of_a_choice_leaves_a_whole_decision(monkeypatch, steps):
    problem, step, taken = ra.FedsLLM.sample(clients=4, subchannels=10, selective=True, seed=1), DeadlineMip.step, []

    def interrupted(solver, form, state, limits):
        taken.append(form)
        if len(taken) == steps + 1:
            raise KeyboardInterrupt
        return step(solver, form, state, limits)

    best = ra.solve(problem)
    monkeypatch.setattr(DeadlineMip, "step", interrupted)
    result = ra.solve(problem)
    assert result.termination is Termination.INTERRUPTED and result.iterations == 1
    assert result.feasible and result.bound <= best.objective <= result.objective
    assert len(taken) <= steps + 2, "after the interrupt only a link without a plan takes a step"


def test_registry_errors():
    with pytest.raises(InputError, match="unknown solver 'cuonts'; did you mean counts"):
        solve_form(link(0), "cuonts")
    with pytest.raises(SolverUnavailable, match="solver 'counts' takes the form OfdmaLink, not Countdown"):
        solve_form(Countdown(1), "counts")
    with pytest.raises(SolverUnavailable, match="solver 'counts' cannot take this OfdmaLink: gains differ"):
        solve_form(link(0, selective=True), "counts")
    with pytest.raises(InputError, match="a solver named 'counts' is registered already"):
        register(type("Other", (Counting,), {"name": "counts"}))

    class Nobody(Form):
        name = "Nobody"

    with pytest.raises(SolverUnavailable, match="no solver takes the form Nobody"):
        solve_form(Nobody())


def test_automatic_choice_prefers_exact_and_knows_what_it_proves():
    assert [s.name for s in solvers_for(link(0))][:2] == ["counts", "deadline_mip"]
    assert solvers_for(link(0, selective=True))[0].name == "deadline_mip"
    flat, selective = (
        Choice((Alternative("only", 0.0, Sum((Term(1.0, link(0, selective=s)),))),)) for s in (False, True)
    )
    assert proves(flat) and not proves(selective) and tightens(selective)


def test_a_solver_registered_before_all_others_is_not_the_automatic_choice():
    code = """
from rasolve.solvers import register, solvers
from rasolve.solvers.base import Solver
register(type("Early", (Solver,), {"name": "early"}))
print(list(solvers()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("['counts', 'deadline_mip'") and done.stdout.endswith("'early']\n")


def test_choice_of_constants_takes_the_least_and_looks_no_further():
    form = Choice((Alternative("b", 2.0), Alternative("a", 1.0), Alternative("never", 9.0)))
    solution = solve_form(form)
    assert solution.value == Chosen("a") and solution.objective == solution.bound == 1.0 and solution.iterations == 1


@pytest.mark.parametrize("alternatives", [(), (Alternative("x", float("inf")),)])
def test_choice_of_nothing_is_infeasible(alternatives):
    assert solve_form(Choice(alternatives)).termination is Termination.INFEASIBLE


def test_enumeration_prunes_by_bound_and_by_cutoff_and_stays_exact():
    forms = [Countdown(3) for _ in range(6)]
    optima = [5.0, 4.0, 7.0, 2.0, 9.0, 3.0]
    bounds = [0.5, 3.5, 1.0, 2.0, 2.5, 2.9]
    parts = [Sum((Term(1.0, f),), constant=best) for f, best in zip(forms, optima, strict=True)]
    solution = solve_form(Choice(tuple(map(Alternative, range(6), bounds, parts))))
    assert solution.value.label == 3 and solution.objective == solution.bound == 2.0
    assert solution.iterations == 3, "0, 2 and 3 in the order of their bounds, then nothing can be better"


def test_shared_form_is_solved_once():
    shared = Countdown(4)
    limits = Limits()
    solve_form(Choice(tuple(Alternative(i, 0.0, Sum((Term(1.0, shared),), 1.0 + i)) for i in range(3))), limits=limits)
    assert list(limits.solved).count(shared) == 1
    assert solve_form(shared, limits=limits) is limits.solved[shared]


def test_sum_adds_objectives_and_bounds():
    form = Sum((Term(2.0, link(0)), Term(3.0, link(1))), constant=7.0)
    solution = solve_form(form)
    parts = [solve_form(t.form).objective for t in form.terms]
    assert solution.objective == pytest.approx(7 + 2 * parts[0] + 3 * parts[1], rel=1e-12)
    assert solution.bound == pytest.approx(solution.objective, rel=1e-11)
    refuted = solve_form(form, limits=Limits(cutoff=solution.objective * 0.99))
    assert refuted.termination is Termination.CUTOFF and refuted.bound <= solution.objective


def test_alternating_refuses_to_get_worse():
    worse = Block("worse", lambda point: Formulation(Choice((Alternative(point + 1, 0.0),)), lambda c: c.label))
    better = Block("better", lambda point: Formulation(Choice((Alternative(point - 1, 0.0),)), lambda c: c.label))
    stuck = solve_form(Blocks((worse,), objective=float, start=5))
    assert stuck.value == 5 and stuck.termination is Termination.CONVERGED and stuck.bound_kind == "none"
    mixed = solve_form(Blocks((worse, better), objective=lambda p: abs(float(p)), start=3, bound=0.0))
    assert mixed.value == 0 and mixed.termination is Termination.OPTIMAL


def test_shares_that_can_never_be_met_are_infeasible():
    never = MinMaxShares(lambda tau: np.full((*np.shape(tau), 2), 5.0), floor=0.0, budget=1.0, cap=np.full(2, 9.0))
    assert solve_form(never).termination is Termination.INFEASIBLE


def test_deadline_solves_a_batch_at_once():
    work = np.random.default_rng(0).uniform(1, 9, (50, 4))
    form = MinMaxShares(
        lambda tau: work / tau[..., None], floor=np.zeros(50), budget=np.full(50, 2.0), cap=np.ones((50, 4))
    )
    solution = solve_form(form)
    assert solution.value.deadline == pytest.approx(np.maximum(work.sum(1) / 2, work.max(1)), rel=1e-12)
    assert solution.iterations <= 60 and solution.gap <= 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_no_instance_of_a_batch_is_left_behind_by_the_latest(seed):
    load = 10 ** np.random.default_rng(seed).uniform(-3, 2.5, (6, 1))

    def form(rows):
        return MinMaxShares(
            lambda tau: np.expm1(np.minimum(rows / tau[..., None], 700.0)), np.zeros(len(rows)), 2.0, 1.5
        )

    together = solve_form(form(load))
    assert together.termination is Termination.OPTIMAL
    assert together.value.deadline == pytest.approx(load[:, 0] / np.log1p(1.5), rel=1e-8)


def test_term_without_weight_needs_a_value_but_no_cutoff():
    solution = solve_form(Sum((Term(1.0, link(0)), Term(0.0, link(1)))), limits=Limits(cutoff=1e9))
    assert solution.termination is Termination.OPTIMAL and solution.value[1] is not None
    assert solution.objective == solve_form(link(0)).objective


@pytest.mark.parametrize(("field", "value"), [("budget", 0.0), ("cap", [1.0, -1.0]), ("floor", float("nan"))])
def test_shares_reject_bad_limits(field, value):
    good = {"need": lambda tau: 1 / tau, "floor": 0.0, "budget": 1.0, "cap": [1.0, 1.0]}
    with pytest.raises(InputError, match=f"MinMaxShares.{field} must be"):
        MinMaxShares(**{**good, field: value})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("payload_bits", [1.0], " has shape [1], needs [3]"),
        ("client_power_w", "loud", " must be a non-empty array of numbers"),
        ("width_hz", [], " must be a non-empty array of numbers"),
        ("gain", [[1.0], [1.0, 2.0]], " must be a non-empty array of numbers"),
        ("total_power_w", 1e-300, " = 1e-300 must be from 1e-60 to 1e+60"),
        ("total_power_w", [1.0, 2.0], " has shape [2], needs one number"),
        ("noise_w_per_hz", [[1.0]], " has shape [1, 1], needs one number"),
    ],
)
def test_links_reject_misshapen_data(field, value, message):
    with pytest.raises(InputError) as caught:
        replace(link(0), **{field: value})
    assert f"OfdmaLink.{field}{message}" in str(caught.value)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_terms_reject_bad_weights(weight):
    with pytest.raises(InputError, match=r"Term.weight = .*: must be finite and at least 0"):
        Term(weight, link(0))


def test_a_callback_may_stop_with_a_truth_value_of_numpy():
    stopped = solve_form(Countdown(9), limits=Limits(callback=lambda _: np.True_))
    assert stopped.termination is Termination.INTERRUPTED and stopped.iterations == 1


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("offset_s", [0.0, -1.0, 0.0], r"\[1\] = -1"),
        ("payload_bits", [0.0, 1.0, 1.0], r"\[0\] = 0"),
        ("total_power_w", float("nan"), " = nan"),
    ],
)
def test_links_reject_bad_numbers(field, value, named):
    with pytest.raises(InputError, match=f"OfdmaLink.{field}{named} must be (finite|from 1e-60 to)"):
        replace(link(0), **{field: value})


@dataclass(frozen=True)
class Slow(Counting):
    """Counts down and needs its share of the time for every step."""

    def step(self, form, state, limits):
        heard.append(limits.deadline - perf_counter())
        return super().step(form, state, limits)

    def init(self, form, limits):
        return State(None, float("inf"), 0.0)


heard: list[float] = []


def test_time_is_shared_among_terms_and_alternatives(monkeypatch):
    monkeypatch.setitem(registry._registered, "counting", Slow)
    heard.clear()
    limits = Limits(deadline=perf_counter() + 100)
    total = Sum((Term(1.0, Countdown(0)), Term(1.0, Countdown(0))))
    solve_form(Choice((Alternative("likely", 0.0, total), Alternative("dear", 1e9))), limits=limits)
    assert heard == pytest.approx([40.0, 80.0], abs=2), "the first of two terms gets half of 80 %, the second all of it"


def test_who_runs_out_of_its_share_makes_the_whole_end_by_time():
    total = Sum((Term(1.0, Countdown(9)),))
    late = solve_form(Choice((Alternative("only", 0.0, total),)), limits=Limits(deadline=0.0))
    assert late.termination is Termination.TIME_LIMIT and late.value is not None


def test_a_term_solved_before_counts_with_its_optimum():
    limits = Limits()
    dear = solve_form(link(1), limits=limits).objective
    form = Sum((Term(1.0, link(0)), Term(1.0, next(iter(limits.solved)))))
    assert solve_form(form, limits=limits).history[0].bound == pytest.approx(dear, rel=1e-9)
