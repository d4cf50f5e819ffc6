"""Many items and budgets: the dual against linear programs, exact choices against enumeration, honest bounds."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import Response, Separable, Slots, Termination
from rasolve.forms.dual import best_ray, lower_bound, settled
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.items.repair import mixed
from tests.instances import separable


def tables(form):
    """Return penalty [N, S] and cost [N, S, B] of a form whose alternatives hold nothing to choose."""
    found = form.each(slice(0, form.items), 1.0, np.zeros(form.budgets))
    return found.penalty, found.cost


def relaxed(form):
    """Return the optimum over shares of alternatives: what the dual must reach."""
    from scipy.optimize import linprog
    from scipy.sparse import kron

    penalty, cost = tables(form)
    items, alternatives = penalty.shape
    program = linprog(
        penalty.ravel() * form.share,
        A_ub=np.moveaxis(cost, 2, 0).reshape(form.budgets, -1) * form.share,
        b_ub=form.budget,
        A_eq=kron(np.eye(items), np.ones((1, alternatives))),
        b_eq=np.ones(items),
    )
    return program.fun if program.status == 0 else np.inf


def enumerated(form):
    """Return the least objective over all combinations of alternatives."""
    penalty, cost = tables(form)
    rows, best = np.arange(form.items), np.inf
    for which in product(range(penalty.shape[1]), repeat=form.items):
        if (cost[rows, which].sum(axis=0) * form.share <= form.budget).all():
            best = min(best, penalty[rows, which].sum() * form.share)
    return best


@pytest.mark.parametrize("budgets", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_dual_reaches_the_linear_relaxation(seed, budgets):
    form = separable(seed, 200, budgets=budgets)
    solution = solve_form(form, "prices")
    assert solution.bound == pytest.approx(relaxed(form), rel=1e-7) and solution.bound <= relaxed(form) * (1 + 1e-12)
    assert form.judge(solution.value) == solution.objective < np.inf
    assert solution.gap < (0.006 if budgets == 1 else 0.03)
    again = form.priced(1.0, solution.multipliers["prices"])
    assert again.value == pytest.approx(solution.bound, rel=1e-12), "the bound is the dual value at the multipliers"


@pytest.mark.parametrize("seed", range(8))
def test_the_exact_choice_is_that_of_enumeration(seed):
    form = separable(seed, 7, alternatives=4)
    solution = solve_form(form, "clairvoyant")
    assert solution.objective == pytest.approx(enumerated(form), rel=1e-12)
    assert solution.termination is Termination.OPTIMAL
    assert lower_bound(form) <= solution.bound <= solution.objective * (1 + 1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.floats(0.05, 0.6))
def test_exact_bounds_and_infeasibility_agree_with_enumeration(seed, items, alternatives, budget):
    form = replace(separable(seed, items, alternatives=alternatives), budget=np.array([budget]))
    best, solution = enumerated(form), solve_form(form, "clairvoyant")
    if best == np.inf:
        assert solution.termination is Termination.INFEASIBLE and lower_bound(form) == np.inf
    else:
        assert solution.objective == pytest.approx(best, rel=1e-12)
        assert lower_bound(form) <= best * (1 + 1e-12)
        assert solve_form(form, "prices").objective >= best * (1 - 1e-12)


def test_hundreds_of_items_are_closed_by_highs():
    form = separable(3, 300)
    solution = solve_form(form, "clairvoyant")
    rough = solve_form(form, "prices")
    assert solution.gap <= 1e-9 and rough.bound < solution.bound and solution.objective <= rough.objective


def test_a_budget_equal_to_the_least_cost_leaves_one_choice_and_below_it_none():
    form = separable(0, 9)
    least = form.priced(0.0, np.ones(1)).cost
    only = solve_form(replace(form, budget=least), "clairvoyant")
    assert only.termination is Termination.OPTIMAL and form.spent(only.value) == pytest.approx(least)
    for solver in ("prices", "clairvoyant"):
        none = solve_form(replace(form, budget=least * (1 - 1e-6)), solver)
        assert none.termination is Termination.INFEASIBLE and none.value is None


@pytest.mark.parametrize("solver", ["prices", "clairvoyant"])
def test_a_budget_too_small_to_divide_by_is_proved_out_of_reach(solver):
    form = replace(separable(0, 8), budget=np.array([1e-320]))
    solution = solve_form(form, solver)
    assert solution.termination is Termination.INFEASIBLE and solution.value is None
    free = Separable(3, lambda items, *_: Response(np.ones(3)[items], np.zeros((3, 1))[items]), [1e-320])
    assert ra.solve(free, "prices").objective == 3.0


def test_budgets_that_clash_only_together_are_proved_infeasible():
    cost = np.array([[[1.0, 0.0], [0.0, 1.0]]] * 5)

    def each(at, _weight, _prices):
        return Response(np.zeros((5, 2))[at], cost[at])

    def respond(at, weight, prices):
        value = (cost[at] @ prices[..., None])[..., 0]
        return each(at, weight, prices).of(value.argmin(axis=1))

    clash = Separable(5, respond, [0.45, 0.45], mean=True)
    assert solve_form(clash, "prices").termination is Termination.INFEASIBLE
    assert solve_form(replace(clash, budget=[0.6, 0.6]), "prices").termination is Termination.OPTIMAL


def test_without_budgets_every_item_is_by_itself():
    form = separable(1, 20, budgets=0)
    solution = solve_form(form)
    assert (solution.solver, solution.gap) == ("separate", 0.0)
    assert solution.objective == pytest.approx(tables(form)[0].min(axis=1).mean(), rel=1e-14)
    with pytest.raises(SolverUnavailable, match="cannot take this Separable: its items are joined by 1 budget"):
        solve_form(separable(1, 3), "separate")


def test_a_price_of_nothing_is_enough_where_the_budget_is_ample():
    form = replace(separable(2, 50), budget=np.array([2.0]))
    solution = solve_form(form, "prices")
    assert solution.termination is Termination.OPTIMAL and solution.iterations == 0
    assert solution.multipliers["prices"] == [0.0]


def test_sums_and_means_say_the_same():
    mean = separable(5, 40)
    total = replace(mean, mean=False, budget=mean.budget * 40)
    of_mean, of_total = (solve_form(form, "clairvoyant") for form in (mean, total))
    assert of_total.objective == pytest.approx(40 * of_mean.objective, rel=1e-9)


def test_shares_of_responses_round_to_an_answer_within_all_budgets():
    form = separable(0, 100, budgets=3)
    prices = solve_form(form, "prices").multipliers["prices"]
    found = mixed(form, [form.answer(1.0, prices * factor) for factor in (0.5, 0.9, 1.1, 2.0, 8.0)])
    assert found is not None and form.keeps(found)
    assert mixed(replace(form, budget=np.full(3, 0.05)), [form.answer(1.0, prices)]) is None


def test_held_items_are_settled_at_the_least_price_that_keeps_the_budget():
    """Penalty 1/x and cost x² of one alternative: the whole budget is spent, x = √0.25."""

    def each(at, weight, prices):
        price = np.broadcast_to(prices[..., 0], at.stop - at.start)
        with np.errstate(divide="ignore"):
            x = np.clip(np.cbrt(weight / (2 * price)), 0.1, 1.0)[:, None]
        return Response(1 / x, (x**2)[..., None], (x,))

    form = Separable(4, lambda at, weight, prices: each(at, weight, prices).of(np.zeros(4, int)), [0.25], True, each)
    price, found = settled(form.held(np.zeros(4, int)), guess=9.0)
    assert found.choice[0] == pytest.approx(0.5, rel=1e-12) and price == pytest.approx(4.0, rel=1e-10)
    solution = solve_form(form, "clairvoyant")
    assert solution.objective == pytest.approx(2.0, rel=1e-12) and solution.bound == pytest.approx(2.0, rel=1e-12)


def test_many_items_are_asked_in_batches(monkeypatch):
    asked = []

    def respond(at, _weight, _prices):
        asked.append(at.stop - at.start)
        return Response(np.ones(at.stop - at.start), np.ones((at.stop - at.start, 1)))

    monkeypatch.setattr("rasolve.forms.separable.BATCH", 64)
    form = Separable(200, respond, [1.0], mean=True)
    assert form.priced(1.0, np.zeros(1)).penalty == 1.0 and len(form.answer(1.0, np.zeros(1)).penalty) == 200
    assert max(asked) == 64 and sum(asked) == 400


def test_a_time_limit_leaves_an_answer_within_the_budget():
    form = separable(0, 50)
    late = solve_form(form, "prices", Limits(deadline=0.0))
    assert late.termination is Termination.TIME_LIMIT and form.keeps(late.value) and late.bound <= late.objective


def test_ray_encloses_the_best_price():
    ray = best_ray(separable(0, 40))
    assert ray.least <= ray.prices[0] / ray.direction[0] <= ray.most and ray.ceiling >= ray.best


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": 0}, "Separable.items = 0: must be a whole number of at least 1"),
        ({"respond": 3}, "Separable.respond must be a function of items, weight and prices"),
        ({"budget": [np.nan]}, "Separable.budget must hold one finite number for each budget"),
        ({"budget": "much"}, "Separable.budget must hold one finite number for each budget"),
    ],
)
def test_bad_forms(change, message):
    good = {"items": 2, "respond": lambda *_: None, "budget": [1.0]}
    with pytest.raises(InputError, match=message):
        Separable(**{**good, **change})


def test_bad_responses_and_refusals():
    nan = Separable(2, lambda *_: Response(np.full(2, np.nan), np.zeros((2, 1))), [1.0])
    with pytest.raises(InputError, match=r"Separable.respond must not give nan, which it does between 0, 2"):
        ra.solve(nan, "prices")
    for not_one in (None, Response([0.0, 0.0], [[0.0], [0.0]])):
        with pytest.raises(InputError, match=r"Separable.respond must give a Response with arrays of penalty and cost"):
            ra.solve(Separable(2, lambda *_, given=not_one: given, [1.0]), "prices")
    flat = Separable(2, lambda *_: Response(np.zeros(2), np.zeros(2)), [1.0])
    with pytest.raises(
        InputError, match=r"gave penalty and cost of shapes \[\[2\], \[2\]\], needs \[\[2\], \[2, 1\]\]"
    ):
        ra.solve(flat, "prices")
    with pytest.raises(InputError, match=r"Slots.target must hold at most the budget for each budget"):
        Slots(2, lambda *_: None, [1.0], target=[2.0])
    with pytest.raises(SolverUnavailable, match="its items have no alternatives to choose from"):
        ra.solve(replace(separable(0, 3), each=None), "clairvoyant")
    with pytest.raises(SolverUnavailable, match="it has 2 budgets, not one"):
        ra.solve(separable(0, 3, budgets=2), "clairvoyant")
    with pytest.raises(SolverUnavailable, match="it has 30 items, more than most_items = 20"):
        ra.solve(separable(0, 30), "clairvoyant", most_items=20)
