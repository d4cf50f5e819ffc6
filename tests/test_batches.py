"""Whole problems in a batch, and composite forms in step: every answer is that of the instance by itself."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import Alternative, Choice, Chosen, FdmaShares, Sum, Term, Termination
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import Limits, solve_form
from tests.instances import link


def same(together, alone):
    """Assert that two results say the same of a problem."""
    assert together.objective == alone.objective and together.bound == alone.bound and together.gap == alone.gap
    assert together.termination is alone.termination and together.bound_kind is alone.bound_kind
    assert together.feasible == alone.feasible and together.reasons == alone.reasons and together.notes == alone.notes
    assert together.iterations == alone.iterations == len(together.history) - 1
    assert [(p.objective, p.bound) for p in together.history] == [(p.objective, p.bound) for p in alone.history]
    assert together.solver == alone.solver and together.instance == alone.instance
    assert together.multipliers == alone.multipliers
    if alone.decision is not None:
        assert together.decision.to_fields() == alone.decision.to_fields()
        assert together.check.feasible and together.plan().to_json() == alone.plan().to_json()


def agree(together, alone):
    """Assert that two results are proved to be of one optimum; sums in another order may take them elsewhere."""
    assert together.solver == alone.solver and together.instance == alone.instance
    assert together.termination is alone.termination and together.check.feasible and alone.check.feasible
    assert together.bound <= alone.objective and alone.bound <= together.objective
    assert together.objective == pytest.approx(alone.objective, rel=1e-9)
    assert together.multipliers == pytest.approx(alone.multipliers, rel=1e-4)


@pytest.mark.parametrize("regime", ["wideband", "midband", "narrowband"])
def test_sampled_problems_get_the_results_that_each_gets_alone(regime):
    problems = [
        ra.FedsLLM.sample(clients=clients, subchannels=4 * clients, seed=seed, regime=regime, downlink=seed % 2 == 0)
        for seed, clients in enumerate([1, 3, 5, 5, 8, 5, 20, 3])
    ]
    for together, problem in zip(ra.solve_batch(problems), problems, strict=True):
        same(together, ra.solve(problem))
        assert together.termination is Termination.OPTIMAL and together.gap <= 1e-9
    for together, problem in zip(ra.solve_batch(problems, gap=0.5), problems, strict=True):
        same(together, ra.solve(problem, gap=0.5))


def test_infeasible_and_selective_ones_stand_beside_the_others():
    problems = [
        ra.FedsLLM.sample(seed=0),
        ra.FedsLLM.sample(seed=1, clients=9, subchannels=7),
        ra.FedsLLM.sample(seed=2, selective=True),
        ra.FedsLLM.sample(seed=3, client_memory_bytes=1e6),
        ra.FedsLLM.sample(seed=4, cuts=(2,), ranks=(4,)),
        ra.FedsLLM.sample(seed=5, client_memory_bytes=1.2e9),
    ]
    together = ra.solve_batch(problems)
    for result, problem in zip(together, problems, strict=True):
        same(result, ra.solve(problem))
    assert [r.termination.value for r in together].count("infeasible") == 2
    assert together[2].solver == "enumeration" and together[2].gap < 0.01


@pytest.mark.parametrize("solver", ["enumeration", "alternating", "baseline:a", "baseline:c"])
def test_any_solver_takes_several_problems(solver):
    problems = [ra.FedsLLM.sample(seed=seed) for seed in range(3)]
    for together, problem in zip(ra.solve_batch(problems, solver, bound=True, seed=7), problems, strict=True):
        same(together, ra.solve(problem, solver, bound=True, seed=7))


def test_seconds_are_shared():
    began = ra.solve_batch([ra.FedsLLM.sample(seed=seed) for seed in range(20)])
    assert all(0 < result.seconds < 1 for result in began)


@pytest.mark.parametrize(
    ("problems", "settings", "message"),
    [
        ([], {}, "instances is empty: at least one is needed"),
        ([ra.FedsLLM.sample(), link(0)], {}, "instances holds OfdmaLink: a form or a problem, as the others are"),
        ([ra.FedsLLM.sample()], {"start": []}, "start: 0 values for 1 problems"),
        ([ra.FedsLLM.sample()], {"start": [3]}, "start: a result or a decision of fedsllm is needed, not 3"),
        ([ra.FedsLLM.sample()], {"gap": -1}, "gap = -1: must be finite and at least 0"),
        ([ra.FedsLLM.sample()], {"solver": "count"}, "unknown solver 'count'; did you mean counts"),
    ],
)
def test_bad_batches_are_refused(problems, settings, message):
    with pytest.raises(InputError, match=message):
        ra.solve_batch(problems, **settings)


def test_a_solver_of_another_form_is_refused():
    with pytest.raises(SolverUnavailable, match="fedsllm is solved by: enumeration"):
        ra.solve_batch([ra.FedsLLM.sample()], "counts")


def choices(seeds):
    """Return choices among sums of two links, the second of which all alternatives share, and one without a form."""
    for seed in seeds:
        shared = link(100 + seed, 4, 9)
        mains = [link(200 + 10 * seed + i, 3, 7) for i in range(6)]
        terms = [(Term(1.0 + i, main, main.lower_bound()), Term(0.5, shared)) for i, main in enumerate(mains)]
        alternatives = [Alternative(i, 0.0, Sum(pair, constant=float(i))) for i, pair in enumerate(terms)]
        yield Choice((*alternatives, Alternative("known", 1e3)))


def test_choices_of_sums_go_in_step():
    forms = list(choices(range(12)))
    together = ra.solve_batch(forms)
    for form, one in zip(forms, together, strict=True):
        alone = ra.solve(form)
        assert one.objective == alone.objective == form.judge(one.value) and one.value.label == alone.value.label
        assert one.termination is Termination.OPTIMAL and one.bound <= one.objective
        assert one.multipliers == alone.multipliers and one.solver == alone.solver
    everything = [min(solve_form(a.form).objective for a in form.alternatives if a.form is not None) for form in forms]
    assert together.objective == pytest.approx(np.minimum(everything, 1e3), rel=1e-9)


def shares(rng):
    """Return a random pool of bandwidth and power."""
    offset, payload, cap = rng.uniform(0, 1, 4), rng.uniform(1e6, 1e8, 4), rng.uniform(1, 2, 4)
    return FdmaShares(offset, payload, 10 ** -rng.uniform(7, 10, 4), 4e-21, cap, 1e7, 3.0)


def test_other_batched_solvers_inside_choices_profit_from_the_same_path():
    rng = np.random.default_rng(0)
    forms = []
    for _ in range(5):
        shared = shares(rng)
        forms.append(
            Choice(tuple(Alternative(i, 0.0, Sum((Term(2.0, shares(rng)), Term(1.0, shared)))) for i in range(5)))
        )
    for form, one in zip(forms, ra.solve_batch(forms), strict=True):
        alone = min(solve_form(a.form).objective for a in form.alternatives)
        assert one.objective == pytest.approx(alone, rel=1e-9) and one.termination is Termination.OPTIMAL


def test_what_a_shared_term_came_to_counts_for_all_alternatives():
    form = next(choices([3]))
    limits = Limits()
    first = form.alternatives[0].form
    shared = solve_form(first.terms[1].form, limits=limits)
    stopped = solve_form(first, limits=Limits(cutoff=0.5 * shared.objective, solved=limits.solved))
    assert stopped.termination is Termination.CUTOFF and stopped.iterations == 0


def test_the_alternative_of_the_start_is_looked_at_first():
    form = next(choices([0]))
    best = ra.solve(form)
    others = [a.label for a in form.alternatives if a.form is not None and a.label != best.value.label]
    worst = Chosen(others[-1], solve_form(form.alternatives[others[-1]].form).value)
    once = ra.solve(form, start=worst, max_iterations=1)
    assert once.value.label == others[-1] and once.objective <= form.judge(worst)
    assert ra.solve(form, start=worst).objective == best.objective
    assert ra.solve(form, start=Chosen("no such", None)).objective == best.objective
    assert ra.solve(form, start=best.value, max_iterations=1).objective == best.objective


@pytest.mark.parametrize("kind", [ra.FedsLLM, ra.FedsLLMFdma])
def test_problems_of_several_kinds_in_one_batch(kind):
    problems = [kind.sample(seed=seed, clients=clients) for seed, clients in enumerate([4, 6, 4])]
    mixed = [*problems, ra.FedsLLM.sample(seed=9), ra.FedsLLMFdma.sample(seed=9)]
    for together, problem in zip(ra.solve_batch(mixed), mixed, strict=True):
        (same if isinstance(problem, ra.FedsLLM) else agree)(together, ra.solve(problem))


def faded(problem, seed, spread=0.1):
    """Return the problem after all gains have changed by up to `spread`."""
    rng = np.random.default_rng(seed)
    changes = rng.uniform(1 - spread, 1 + spread, (2, problem.clients))
    gains = zip(("main_gain", "fed_gain"), changes, strict=True)
    return problem.replace(**{name: (getattr(problem, name).T * change).T for name, change in gains})


@pytest.mark.parametrize("kind", [ra.FedsLLM, ra.FedsLLMFdma])
@pytest.mark.parametrize("seed", range(6))
def test_warm_and_cold_agree_when_gains_have_changed(kind, seed):
    before = ra.solve(kind.sample(seed=seed, clients=8))
    for now in (faded(kind.sample(seed=seed, clients=8), seed), faded(kind.sample(seed=seed, clients=8), seed, 0.9)):
        cold, warm = ra.solve(now), ra.solve(now, start=before)
        assert warm.termination is Termination.OPTIMAL and warm.feasible
        assert warm.objective == pytest.approx(cold.objective, rel=1e-9) and warm.bound <= cold.objective


def test_a_warm_link_takes_fewer_steps():
    cold_steps = warm_steps = 0
    for seed in range(10):
        problem = ra.FedsLLM.sample(seed=seed, clients=20, subchannels=100)
        before, now = main_link(problem, 1, 8), main_link(faded(problem, seed, 0.02), 1, 8)
        cold, warm = ra.solve(now), ra.solve(now, start=ra.solve(before).value)
        assert warm.objective == pytest.approx(cold.objective, rel=1e-12)
        cold_steps, warm_steps = cold_steps + cold.iterations, warm_steps + warm.iterations
    assert warm_steps < 0.6 * cold_steps


def test_a_start_may_be_infeasible_by_now_or_no_candidate():
    problem = ra.FedsLLM.sample(seed=2)
    before = ra.solve(problem)
    for changes in ({"client_power_w": 0.5 * problem.client_power_w}, {"cuts": (5, 6)}, {"ranks": (1, 2)}):
        now = problem.replace(**changes)
        assert not now.check(before.decision).feasible
        warm = ra.solve(now, start=before)
        assert warm.feasible and warm.objective == ra.solve(now).objective


@pytest.mark.parametrize("kind", [ra.FedsLLM, ra.FedsLLMFdma])
def test_starts_of_a_batch(kind):
    problems = [kind.sample(seed=seed) for seed in range(4)]
    results = ra.solve_batch(problems)
    now = [faded(problem, seed) for seed, problem in enumerate(problems)]
    warm = ra.solve_batch(now, start=[*results[:2], None, results[3].decision])
    for one, problem in zip(warm, now, strict=True):
        assert one.objective == pytest.approx(ra.solve(problem).objective, rel=1e-9) and one.gap <= 1e-9
    for one, before in zip(ra.solve_batch(problems, start=results, max_iterations=1), results, strict=True):
        assert one.objective <= before.objective
