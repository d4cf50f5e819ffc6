"""Many links at once: every answer is that of the link by itself."""

from dataclasses import replace

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import Spectrum, Termination
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import Limits, solve_form
from rasolve.solvers.batch import solve_many
from rasolve.solvers.counts import CountsTogether
from rasolve.solvers.each import solve_each
from rasolve.solvers.links import descent
from rasolve.solvers.links.flat_links import FlatLinks
from rasolve.testing import check_solver
from tests.brute_force import best_flat_link
from tests.instances import link


def random_links(count, seed=0, clients=6, spare=12):
    """Return links of many shapes, some with fewer subchannels than clients, some with a single client."""
    rng = np.random.default_rng(seed)
    links = []
    for i in range(count):
        size = int(rng.integers(1, clients + 1))
        form = link(1000 * seed + i, size, size + int(rng.integers(0, spare)), tight=("total", "caps", "both")[i % 3])
        if i % 7 == 0 and size > 1:
            form = replace(form, gain=form.gain[:, : size - 1], width_hz=form.width_hz[: size - 1])
        links.append(form)
    return links


def test_hundreds_of_links_get_the_answers_that_each_gets_alone():
    links = random_links(400)
    together = ra.solve_batch(links)
    for form, one in zip(links, together, strict=True):
        alone = solve_form(form, "counts")
        assert one.termination is alone.termination and one.solver == alone.solver
        assert one.objective == alone.objective and one.bound == alone.bound
        if alone.value is None:
            assert one.termination is Termination.INFEASIBLE and one.value is None and one.multipliers == {}
            continue
        assert (one.value.owner == alone.value.owner).all() and one.multipliers == alone.multipliers
        assert form.judge(one.value) == one.objective and one.bound <= one.objective and one.gap <= 1e-9
    assert {t.value for t in together.terminations} == {"optimal", "infeasible"}


@pytest.mark.parametrize("tight", ["total", "caps", "both"])
def test_a_batch_equals_brute_force(tight):
    links = [link(seed, 3, 6, tight=tight) for seed in range(40)]
    together = ra.solve_batch(links)
    best = np.array([best_flat_link(form) for form in links])
    assert together.objective == pytest.approx(best, rel=1e-9)
    assert (together.bound <= best * (1 + 1e-12)).all()


@pytest.mark.parametrize("regime", ["wideband", "midband", "narrowband"])
def test_links_of_sampled_problems_with_few_and_many_steps(regime):
    problems = [ra.FedsLLM.sample(clients=12, subchannels=60, seed=seed, regime=regime) for seed in range(12)]
    problems += [problem.replace(main_total_power_w=1e3) for problem in problems[:6]]
    links = [main_link(problem, 1, 8) for problem in problems]
    together = ra.solve_batch(links)
    alone = [solve_form(form) for form in links]
    steps = [s.iterations for s in alone]
    assert together.iterations == max(steps) and (regime != "wideband" or max(steps) > 5 > min(steps))
    assert (together.objective == [s.objective for s in alone]).all()
    assert (together.bound == [s.bound for s in alone]).all()


def test_neither_order_nor_the_size_of_parts_matters(monkeypatch):
    links = random_links(60, seed=1)
    together = ra.solve_batch(links)
    order = np.random.default_rng(0).permutation(60)
    assert (ra.solve_batch([links[i] for i in order]).objective == together.objective[order]).all()
    monkeypatch.setattr(descent, "AT_ONCE", 7)
    in_parts = ra.solve_batch(links)
    assert (in_parts.objective == together.objective).all() and (in_parts.bound == together.bound).all()


def test_each_may_have_its_own_cutoff():
    links = [link(seed, 4, 9) for seed in range(30)]
    best = ra.solve_batch(links).objective
    cutoffs = best * np.where(np.arange(30) % 2, 1.001, 0.999)
    answers = solve_each(links, Limits().inner_each(cutoffs, [None] * 30))
    for i, (form, cutoff) in enumerate(zip(links, cutoffs, strict=True)):
        alone = solve_form(form, limits=Limits(cutoff=cutoff))
        assert answers.objective[i] == alone.objective and answers.bound[i] == alone.bound
        assert answers[i].termination is (Termination.OPTIMAL if i % 2 else Termination.CUTOFF)
        assert i % 2 or (answers[i].value is None and cutoff <= answers[i].bound <= best[i])


def test_limits_of_a_batch_leave_incumbents_and_valid_bounds():
    links = [main_link(ra.FedsLLM.sample(clients=20, subchannels=100, seed=seed), 1, 8) for seed in range(10)]
    best = ra.solve_batch(links)
    for limited in (ra.solve_batch(links, max_iterations=1), ra.solve_batch(links, time_limit=1e-9)):
        assert limited.iterations == 1 and (limited.bound <= best.objective).all()
        assert (limited.objective >= best.objective * (1 - 1e-12)).all() and np.isfinite(limited.objective).all()
    rough = ra.solve_batch(links, gap=0.5)
    assert (rough.gap <= 0.5).all() and rough.iterations < best.iterations
    assert [s.objective for s in rough] == [ra.solve(form, gap=0.5).objective for form in links]


def test_a_start_saves_steps_and_changes_nothing():
    links = [main_link(ra.FedsLLM.sample(clients=20, subchannels=100, seed=seed), 1, 8) for seed in range(10)]
    cold = ra.solve_batch(links)
    warm = ra.solve_batch(links, start=cold)
    assert (warm.objective <= cold.objective).all() and warm.objective == pytest.approx(cold.objective, rel=1e-12)
    assert warm.iterations < cold.iterations
    stopped = ra.solve_batch(links, start=cold, max_iterations=1)
    assert (stopped.objective <= cold.objective).all()


@pytest.mark.parametrize(
    "owner", [np.zeros(6, int), np.arange(5) % 3, np.array([0, 1, 2, 3, 0, 1]), np.array([0, 1, 2, -1, 0, 1])]
)
def test_starts_that_do_not_fit_are_not_used(owner):
    links, lost = [link(0), link(1)], Spectrum(owner, np.full(len(owner), 1e-9))
    started = solve_many(links, "counts", Limits(start=[lost, lost]))
    assert [each.objective for each in started] == ra.solve_batch(links).objective.tolist()


def test_the_solver_of_many_links_conforms():
    check_solver(
        CountsTogether, [FlatLinks.of([link(seed, 4, 10) for seed in range(first, first + 3)]) for first in (0, 5)]
    )


def test_links_that_share_all_but_their_loads():
    form = link(0, 3, 8)
    rng = np.random.default_rng(0)
    offsets, payloads = rng.uniform(0, 1, (5, 3)), rng.uniform(1e6, 1e8, (5, 3))
    for row, loaded in enumerate(form.loaded(offsets, payloads)):
        built = replace(form, offset_s=offsets[row], payload_bits=payloads[row])
        assert solve_form(loaded).objective == solve_form(built).objective
        assert loaded.gain is form.gain and loaded.interchangeable


@pytest.mark.parametrize(
    ("offsets", "payloads", "message"),
    [
        (np.zeros((2, 4)), np.ones((2, 3)), r"OfdmaLink.offset_s has shape \[2, 4\], needs \[P, 3\]"),
        (np.zeros((2, 3)), np.ones(3), r"OfdmaLink.payload_bits has shape \[3\], needs \[P, 3\]"),
        (np.full((2, 3), -1.0), np.ones((2, 3)), r"OfdmaLink.offset_s\[0, 0\] = -1 must be finite and at least 0"),
        (np.zeros((2, 3)), np.zeros((2, 3)), r"OfdmaLink.payload_bits\[0, 0\] = 0 must be from 1e-60 to 1e[+]60"),
    ],
)
def test_bad_loads_are_refused(offsets, payloads, message):
    with pytest.raises(InputError, match=message):
        link(0).loaded(offsets, payloads)
