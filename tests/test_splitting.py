"""Splits over time and over all rates, against one problem after another."""

from dataclasses import replace

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import ClosedSet, Termination
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.scenario.graph import graph_named
from rasolve.solvers.cuts.envelope import envelope
from rasolve.splitting import splits_by_rate, splits_over_time
from tests.splits import all_splits, seconds_of, small_split


def at_rate(problem, uplink_bps):
    ratio = problem.downlink_bps / problem.uplink_bps
    return problem.replace(uplink_bps=float(uplink_bps), downlink_bps=float(uplink_bps * ratio))


def test_sweep_over_rates_equals_a_dense_grid_and_brute_force():
    pieces = 0
    for seed in range(40):
        problem = small_split(seed, local_steps=3)
        sweep = splits_by_rate(problem)
        splits = all_splits(problem.layers)
        for rate in np.logspace(2, 10, 25):
            best = seconds_of(at_rate(problem, rate), splits).min()
            assert sweep.seconds(rate) == pytest.approx(best, rel=1e-9)
            chosen = DagSplitDecision(sweep.tier[sweep.piece(rate)])
            assert at_rate(problem, rate).evaluate(chosen).objective == pytest.approx(best, rel=1e-9)
        assert sweep.gap <= 1e-9 and len(sweep.tier) == len(sweep.breaks_bps) + 1
        pieces += len(sweep.tier)
    assert pieces > 80


def test_both_neighbours_are_optimal_at_every_break():
    for seed in range(30):
        problem = small_split(seed)
        sweep = splits_by_rate(problem)
        assert (np.diff(sweep.breaks_bps) > 0).all()
        for index, rate in enumerate(sweep.breaks_bps):
            there = at_rate(problem, rate)
            best = ra.solve(there, "closed_sets").objective
            for tier in sweep.tier[index : index + 2]:
                assert there.evaluate(DagSplitDecision(tier)).objective == pytest.approx(best, rel=1e-9)
            assert (sweep.tier[index] != sweep.tier[index + 1]).any()


def test_sweeps_take_memory_limits_and_three_tiers():
    for seed in range(12):
        problem = small_split(seed, 4, 6)
        limited = problem.replace(device_memory_bytes=float(0.6 * problem.memory_bytes.sum()))
        tiered = problem.replace(
            cloud_seconds=0.3 * problem.server_seconds, cloud_uplink_bps=1e6, cloud_downlink_bps=1e6
        )
        for changed in (limited, tiered):
            sweep = splits_by_rate(changed)
            for rate in np.logspace(3, 9, 7):
                best = seconds_of(at_rate(changed, rate), all_splits(changed.layers, changed.tiers)).min()
                assert sweep.seconds(rate) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("model", ["googlenet", "densenet121", "gpt2-s"])
def test_sweep_of_a_real_model_equals_cuts_on_a_grid(model):
    problem = ra.DagSplit.sample(model=model, seed=2)
    sweep = splits_by_rate(problem)
    for rate in np.logspace(6, 11, 30):
        assert sweep.seconds(rate) == pytest.approx(ra.solve(at_rate(problem, rate), "min_cut").objective, rel=1e-9)


def test_an_envelope_needs_two_costs_on_one_precedence():
    one, other = (small_split(seed).formulate(ClosedSet).form for seed in (0, 1))
    with pytest.raises(InputError, match="two instances on the same precedence"):
        envelope(one, other)
    nothing = replace(one, use=np.ones(one.precedence.vertices), budget=0.0)
    with pytest.raises(InputError, match="an envelope needs optima, and budgeted_cut ended infeasible"):
        envelope(nothing, nothing)


TRACE = {
    "uplink_bps": np.random.default_rng(0).lognormal(np.log(8e7), 0.8, 40),
    "downlink_bps": np.random.default_rng(1).lognormal(np.log(3e8), 0.8, 40),
    "device_slowdown": np.random.default_rng(2).lognormal(0, 0.6, 40),
    "server_slowdown": 1.3,
}


@pytest.mark.parametrize("model", ["resnet18", "googlenet", "densenet121"])
def test_a_trace_is_every_slot_solved_by_itself(model):
    problem = ra.DagSplit.sample(model=model, seed=5)
    found = splits_over_time(problem, **TRACE)
    assert found.tier.shape == (40, problem.layers)
    usual = ra.solve(problem, "baseline:static").decision
    for t in range(0, 40, 3):
        slot = problem.replace(
            uplink_bps=float(TRACE["uplink_bps"][t]),
            downlink_bps=float(TRACE["downlink_bps"][t]),
            device_seconds=problem.device_seconds * TRACE["device_slowdown"][t],
            server_seconds=problem.server_seconds * 1.3,
        )
        assert found.seconds[t] == pytest.approx(ra.solve(slot, "min_cut").objective, rel=1e-9)
        assert slot.evaluate(DagSplitDecision(found.tier[t])).objective == pytest.approx(found.seconds[t], rel=1e-9)
        assert found.kept(usual)[t] == pytest.approx(slot.evaluate(usual).objective, rel=1e-9)
    assert (found.kept(usual) >= found.seconds * (1 - 1e-12)).all()


def test_a_trace_of_nothing_is_the_problem_itself():
    problem = small_split(4)
    found = splits_over_time(problem)
    assert found.seconds.tolist() == pytest.approx([ra.solve(problem).objective])


def test_the_graph_is_worked_out_once():
    profile = graph_named("resnet18")
    speeds = {"device_flops_per_s": 1e12, "server_flops_per_s": 1e13}
    one = ra.DagSplit.from_profile(profile, uplink_bps=1e8, downlink_bps=1e8, **speeds)
    other = ra.DagSplit.from_profile(
        profile, uplink_bps=3e7, downlink_bps=1e9, **{**speeds, "device_flops_per_s": 3e12}
    )
    first, second = (p.formulate(ClosedSet).form for p in (one, other))
    assert first.precedence is second.precedence and first.network().wiring is second.network().wiring


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: splits_over_time(3), "problem: a DagSplit is needed, not int"),
        (lambda _: splits_by_rate(ra.FedsLLM.sample()), "problem: a DagSplit is needed, not FedsLLM"),
        (lambda p: splits_over_time(p, uplink_bps="x"), "uplink_bps must be a non-empty array of numbers"),
        (lambda p: splits_over_time(p, uplink_bps=True), "uplink_bps must be a non-empty array of numbers"),
        (lambda p: splits_over_time(p, uplink_bps=[1e6, -1.0]), "uplink_bps[1] = -1 must be finite and above 0"),
        (
            lambda p: splits_over_time(p, uplink_bps=[1e6, 1e6], server_slowdown=[1.0] * 3),
            "uplink_bps has 2 slots, another setting has 3: one number or as many each",
        ),
        (lambda p: splits_by_rate(p).seconds(0), "uplink_bps = 0 must be above 0"),
        (lambda p: splits_by_rate(p).piece([1e6, np.nan]), "uplink_bps[1] = nan must be above 0"),
        (lambda p: splits_over_time(p).kept(ra.solve(p)), "kept: a decision of dag-split is needed, not Result"),
        (lambda p: splits_over_time(p).kept(DagSplitDecision(np.zeros(1, int))), "decision.tier has shape [1], needs"),
        (
            lambda p: splits_over_time(p).kept(DagSplitDecision(np.ones(p.layers, int))),
            "kept: the decision is not feasible: raw data that is not on the device",
        ),
    ],
)
def test_bad_questions_are_refused_in_one_line(call, message):
    with pytest.raises(InputError) as caught:
        call(small_split(0))
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_where_raw_data_do_not_fit_there_is_no_split_at_any_rate():
    problem = ra.DagSplit.sample(model="resnet18", device_memory_bytes=1.0)
    with pytest.raises(InfeasibleError, match=r"the device needs 9\.634 MB for the raw data alone and has 1 B"):
        splits_by_rate(problem)
    for solver in ("budgeted_cut", "min_cut", "closed_sets", "highs"):
        result = ra.solve(problem, solver, start=DagSplitDecision(np.zeros(problem.layers, int)))
        assert result.termination is Termination.INFEASIBLE and result.decision is None and result.reasons
