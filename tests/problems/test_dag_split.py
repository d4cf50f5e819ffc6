from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError
from rasolve.forms import ClosedSet, CutNetwork, MixedIntegerProgram, Termination, Wiring
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.scenario.graph import graph_named
from rasolve.solvers import solve_form
from rasolve.solvers.cuts.interiors import interiors
from tests.splits import all_splits, best_seconds, seconds_of, small_split

MODELS = ("resnet18", "resnet50", "googlenet", "densenet121", "gpt2-s", "vit-b-16")


def closed_set(problem):
    return problem.formulate(ClosedSet).form


def test_every_exact_way_equals_brute_force_on_3000_random_graphs():
    several_children = 0
    for seed in range(3000):
        problem = small_split(seed)
        best = best_seconds(problem)
        form = closed_set(problem)
        by_blocks, by_cut = solve_form(form, "block_wise"), solve_form(form.network(), "min_cut")
        assert by_blocks.objective == pytest.approx(best, rel=1e-12)
        assert by_cut.objective == pytest.approx(best, rel=1e-12) and by_cut.bound <= best * (1 + 1e-12)
        tier = problem.tiers_of(by_blocks.value)
        assert problem.evaluate(DagSplitDecision(tier)).objective == pytest.approx(best, rel=1e-12)
        several_children += len(problem.edges) > len(np.unique(problem.edges[:, 0]))
    assert several_children > 2400


def test_delay_and_judgement_of_every_split_are_those_of_the_card():
    for seed in range(25):
        problem = small_split(seed, 3, 5, device_memory_bytes=15.0)
        splits = all_splits(problem.layers)
        for tier, seconds in zip(splits, seconds_of(problem, splits), strict=True):
            decision = DagSplitDecision(tier)
            assert problem.check(decision).feasible == np.isfinite(seconds)
            if np.isfinite(seconds):
                assert problem.evaluate(decision).objective == pytest.approx(seconds, rel=1e-12)


def without_gates(problem):
    """Return the network in which every edge carries its parent's output: it is paid once for each consumer."""
    form = closed_set(problem)
    precedence, n = form.precedence, form.precedence.vertices
    parent, child = precedence.edges.T
    every, ends = np.arange(n), (np.full(n, n), np.full(n, n + 1))
    tails = np.concatenate([ends[0], every, parent, child, np.full(len(precedence.held), n)])
    heads = np.concatenate([every, ends[1], child, parent, precedence.held])
    never = np.full(len(parent) + len(precedence.held), np.inf)
    return CutNetwork(
        Wiring(tails, heads, n, n + 1), np.concatenate([form.outside, form.inside, form.toll[parent], never])
    )


def without_reverse_arcs(problem):
    """Return the network of the package without the arcs from child to parent."""
    network = closed_set(problem).network()
    precedence = closed_set(problem).precedence
    capacities = network.capacities.copy()
    first = len(capacities) - len(precedence.requires) - len(precedence.held)
    capacities[first : first + len(precedence.requires)] = 0.0
    return replace(network, capacities=capacities)


@pytest.mark.parametrize(("build", "most_right"), [(without_gates, 0.85), (without_reverse_arcs, 0.6)])
def test_both_constructions_are_needed(build, most_right):
    """Without either, many cuts are no split at all, or cost more than the best."""
    right, tried = 0, 400
    for seed in range(tried):
        problem = small_split(seed, 6, 10)
        cut = solve_form(build(problem)).value
        tier = problem.tiers_of(cut[: problem.layers])
        right += seconds_of(problem, tier[None])[0] <= best_seconds(problem) * (1 + 1e-9)
    assert 0 < right < most_right * tried


def agrees_with_the_full_cut(problem):
    """Check that block-wise gives the full optimum, and return whether that ends within a block."""
    form = closed_set(problem)
    full, by_blocks = solve_form(form.network(), "min_cut"), solve_form(form, "block_wise")
    assert by_blocks.objective == pytest.approx(full.objective, rel=1e-9)
    assert by_blocks.bound <= full.objective * (1 + 1e-12) and by_blocks.termination is Termination.OPTIMAL
    return form.precedence.position[by_blocks.value].max() not in form.precedence.waists


@pytest.mark.parametrize("model", MODELS)
def test_block_wise_is_the_full_optimum_on_the_six_graphs(model):
    """Over rates and speeds, the device faster than the server included, by FLOPs and with every layer its own."""
    profile, rng = graph_named(model), np.random.default_rng(0)
    within = 0
    for rate in np.logspace(6, 11, 7):
        for device in np.logspace(10.5, 14.5, 7):
            for server in (1e12, 1e13, 1e14):
                problem = ra.DagSplit.from_profile(
                    profile,
                    device_flops_per_s=device,
                    server_flops_per_s=server,
                    uplink_bps=rate,
                    downlink_bps=3 * rate,
                    batch_size=16,
                    local_steps=20,
                )
                agrees_with_the_full_cut(problem)
                uneven = problem.replace(device_seconds=problem.device_seconds * rng.lognormal(0, 2, problem.layers))
                within += agrees_with_the_full_cut(uneven)
    assert within > 0 or model in ("densenet121", "resnet18")


def test_block_wise_is_the_full_optimum_on_random_blocks():
    """Blocks of random branches in a row: the optimum ends within a block often enough."""
    within = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        edges, last = [], 0
        for _ in range(rng.integers(2, 5)):
            ends, newest = [], last
            for length in rng.integers(0, 4, rng.integers(2, 4)):
                chain = [last, *range(newest + 1, newest + 1 + length)]
                edges += list(pairwise(chain))
                newest += length
                ends.append(chain[-1])
            last = newest + 1
            edges += [(end, last) for end in ends]
        layers = last + 1
        problem = ra.DagSplit(
            edges=edges,
            device_seconds=rng.lognormal(0, 1, layers),
            server_seconds=rng.lognormal(-0.3, 1, layers),
            output_bits=rng.lognormal(0, 1, layers),
            weight_bits=rng.lognormal(-1, 1, layers),
            uplink_bps=10 ** rng.uniform(-0.5, 1.5),
            downlink_bps=10 ** rng.uniform(-0.5, 1.5),
            local_steps=1,
        )
        within += agrees_with_the_full_cut(problem)
    assert within > 50


def sealed_blocks(model):
    profile = graph_named(model)
    blocks = interiors(
        closed_set(
            ra.DagSplit.from_profile(
                profile, device_flops_per_s=1e12, server_flops_per_s=1e13, uplink_bps=1e8, downlink_bps=1e8
            )
        ).precedence
    )
    return {profile.names[block.end - 1 if block.end == profile.vertices else block.end]: block for block in blocks}


def test_which_blocks_collapse_is_as_derived():
    """The published blocks: all of ResNet18, DenseNet121 and GPT-2, not GoogLeNet 4a-4d, 5a, 5b, three of ResNet50."""
    open_blocks = {
        model: [name.split(".")[0] for name, block in sealed_blocks(model).items() if not block.sealed]
        for model in MODELS
    }
    assert open_blocks["resnet18"] == open_blocks["densenet121"] == open_blocks["gpt2-s"] == []
    assert open_blocks["resnet50"] == ["stage2", "stage3", "stage4"]
    inceptions = ["4a", "4b", "4c", "4d", "5a", "5b"]
    assert open_blocks["googlenet"] == [f"inception{name}" for name in inceptions]
    equal = [block.least_size == block.entering for block in sealed_blocks("resnet18").values()]
    assert equal == [True, True, True]


def test_repeated_and_parallel_edges_count_once():
    problem = small_split(7)
    doubled = problem.replace(edges=np.concatenate([problem.edges, problem.edges[::-1]]))
    assert ra.solve(doubled).objective == ra.solve(problem).objective


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_numbering_of_layers_does_not_matter(seed):
    problem = small_split(seed)
    new = np.random.default_rng(seed).permutation(problem.layers)
    old = np.argsort(new)
    names = ("device_seconds", "server_seconds", "output_bits", "weight_bits", "memory_bytes")
    renamed = problem.replace(
        edges=new[problem.edges], inputs=new[problem.inputs], **{name: getattr(problem, name)[old] for name in names}
    )
    for solver in ("auto", "min_cut", "closed_sets", "baseline:server"):
        assert ra.solve(renamed, solver).objective == pytest.approx(ra.solve(problem, solver).objective, rel=1e-12)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_units_of_time_scale_and_faster_parties_never_hurt(seed, factor):
    problem = small_split(seed)
    best = ra.solve(problem).objective
    slower = problem.replace(
        device_seconds=problem.device_seconds * factor,
        server_seconds=problem.server_seconds * factor,
        uplink_bps=problem.uplink_bps / factor,
        downlink_bps=problem.downlink_bps / factor,
    )
    assert ra.solve(slower).objective == pytest.approx(factor * best, rel=1e-9)
    better = problem.replace(uplink_bps=2 * problem.uplink_bps, server_seconds=problem.server_seconds / 2)
    assert ra.solve(better).objective <= best * (1 + 1e-12)


def test_memory_limit_against_brute_force():
    binding = 0
    for seed in range(250):
        problem = small_split(seed, 4, 9)
        rng = np.random.default_rng(seed)
        least, free = problem.memory_bytes[0], ra.solve(problem)
        needed = problem.memory_bytes[free.decision.tier == 0].sum()
        limited = problem.replace(device_memory_bytes=float(rng.uniform(least, max(needed, 1.01 * least))))
        best = best_seconds(limited)
        result = ra.solve(limited)
        assert result.solver in ("budgeted_cut", "chain") and result.termination is Termination.OPTIMAL
        assert result.objective == pytest.approx(best, rel=1e-9) and result.feasible
        repaired = ra.solve(limited, "min_cut")
        assert repaired.feasible and repaired.bound <= best * (1 + 1e-12) <= repaired.objective * (1 + 1e-9)
        binding += best > free.objective * (1 + 1e-9)
    assert binding > 60


def test_memory_too_small_for_the_raw_data_is_explained():
    problem = small_split(0, device_memory_bytes=0.5)
    result = ra.solve(problem)
    assert result.termination is Termination.INFEASIBLE and result.decision is None
    (reason,) = result.reasons
    assert reason.startswith("the device needs ") and reason.endswith("for the raw data alone and has 500 mB")
    with pytest.raises(InfeasibleError, match="for the raw data alone"):
        result.plan()


def three_tiers(seed, **changes):
    rng = np.random.default_rng(seed)
    problem = small_split(seed, 3, 6)
    return problem.replace(
        server_seconds=problem.device_seconds * rng.lognormal(-0.7, 0.7, problem.layers),
        cloud_seconds=problem.device_seconds * rng.lognormal(-1.4, 0.7, problem.layers),
        uplink_bps=10 ** rng.uniform(6, 7.5),
        downlink_bps=10 ** rng.uniform(6, 7.5),
        cloud_uplink_bps=10 ** rng.uniform(6, 7.5),
        cloud_downlink_bps=10 ** rng.uniform(6, 7.5),
        **changes,
    )


def test_three_tiers_against_brute_force():
    tiers_used = 0
    for seed in range(150):
        problem = three_tiers(seed)
        best = best_seconds(problem)
        for solver in ("block_wise", "min_cut", "closed_sets"):
            result = ra.solve(problem, solver)
            assert result.objective == pytest.approx(best, rel=1e-9) and result.feasible
        tiers_used += len(np.unique(result.decision.tier)) == 3
        limited = problem.replace(device_memory_bytes=float(problem.memory_bytes[0] + 5.0))
        assert ra.solve(limited).objective == pytest.approx(best_seconds(limited), rel=1e-9)
    assert tiers_used > 20


def test_third_tier_is_told_apart():
    problem = next(p for p in map(three_tiers, range(50)) if ra.solve(p).decision.tier.max() == 2)
    result = ra.solve(problem)
    assert "in the cloud" in str(result) or "on the cloud" in str(result)
    assert len(result.notes) == 2 and "to the cloud" in result.notes[1]
    assert ra.solve(problem, "baseline:cloud").objective >= result.objective
    with pytest.raises(InputError, match="tier = 2: must be at most 1 in a plan"):
        result.plan()
    with pytest.raises(InputError, match="two tiers"):
        problem.over_time()


def test_highs_agrees():
    for seed in range(12):
        problem = small_split(seed)
        result = ra.solve(problem, "highs")
        assert result.objective == pytest.approx(best_seconds(problem), rel=1e-9)
        assert result.termination is Termination.OPTIMAL
        limited = problem.replace(device_memory_bytes=float(0.5 * problem.memory_bytes.sum()))
        result = ra.solve(limited, "highs")
        assert result.objective == pytest.approx(best_seconds(limited), rel=1e-9)
        assert result.bound <= result.objective * (1 + 1e-9)


def test_starts_are_lowered_to_every_form():
    problem = small_split(3)
    best = ra.solve(problem)
    for form in (ClosedSet, CutNetwork, MixedIntegerProgram):
        formulation = problem.formulate(form)
        start = formulation.lower(best.decision)
        judged = formulation.lift_bound(formulation.form.judge(start))
        assert judged == pytest.approx(best.objective, rel=1e-9)
        np.testing.assert_array_equal(formulation.lift(start).tier, best.decision.tier)
    with pytest.raises(InputError, match="unknown form of dag-split 'Sum'"):
        problem.formulate(ra.forms.Sum)


def test_algebraic_model_states_the_same_problem():
    pytest.importorskip("pyomo")
    import pyomo.environ as pyo

    for problem in (small_split(5, device_memory_bytes=40.0), three_tiers(3)):
        for tier in all_splits(problem.layers, problem.tiers)[::97]:
            decision = DagSplitDecision(tier)
            model = problem.to_pyomo(decision)
            judged = problem.evaluate(decision).objective
            if (tier[problem.inputs] == 0).all():
                assert pyo.value(model.delay_s) == pytest.approx(judged, rel=1e-12)
            kept = all(pyo.value(c.body) <= pyo.value(c.upper) + 1e-9 for c in rows(pyo, model) if c.upper is not None)
            assert kept == problem.check(decision).feasible or (tier[problem.inputs] > 0).any()
        assert "DagSplit" in problem.to_pyomo().name


def rows(pyo, model):
    return model.component_data_objects(pyo.Constraint, active=True)


def test_plan_predicts_what_the_round_costs():
    problem = ra.DagSplit.sample(seed=4, model="resnet-mini")
    result = ra.solve(problem)
    plan = result.plan()
    assert plan.protocol == "dag" and plan.names == problem.names and plan.model == "resnet-mini"
    seconds = {per: sum(p.value for p in plan.predicted("seconds") if p.per == per) for per in ("step", "round")}
    assert problem.local_steps * seconds["step"] + seconds["round"] == pytest.approx(result.objective, rel=1e-9)
    flops = sum(p.value for p in plan.predicted("flops"))
    assert flops == pytest.approx((problem.forward_flops + problem.backward_flops).sum(), rel=1e-12)


def test_baselines_are_what_they_say():
    for seed in range(20):
        problem = ra.DagSplit.sample(layers=20, seed=seed)
        found = {name: ra.solve(problem, f"baseline:{name}") for name in problem.baselines()}
        best = ra.solve(problem).objective
        assert (found["device"].decision.tier == 0).all()
        assert np.flatnonzero(found["server"].decision.tier == 0).tolist() == problem.inputs.tolist()
        one_cut = [DagSplitDecision((np.arange(20) >= length).astype(int)) for length in range(1, 21)]
        assert found["chain"].objective == pytest.approx(min(problem.evaluate(d).objective for d in one_cut))
        usual = problem.replace(uplink_bps=problem.usual_uplink_bps, downlink_bps=problem.usual_downlink_bps)
        np.testing.assert_array_equal(found["static"].decision.tier, ra.solve(usual).decision.tier)
        assert all(result.objective >= best * (1 - 1e-12) for result in found.values())


def test_static_baseline_without_usual_rates_is_the_optimum():
    problem = small_split(1)
    assert ra.solve(problem, "baseline:static").objective == ra.solve(problem).objective


def test_from_profile_counts_the_work_of_a_mini_batch():
    profile = graph_named("resnet18")
    problem = ra.DagSplit.from_profile(
        profile, device_flops_per_s=1e12, server_flops_per_s=1e13, uplink_bps=1e8, downlink_bps=2e8, batch_size=8
    )
    work = 8 * (profile.forward_flops + profile.backward_flops).sum()
    assert problem.device_seconds.sum() == pytest.approx(work / 1e12) == 10 * problem.server_seconds.sum()
    assert problem.output_bits[0] == 8 * 3 * 224 * 224 * 32
    assert problem.memory_bytes.sum() > 4 * profile.weight_bits.sum() / 8
    measured = ra.DagSplit.from_profile(
        profile,
        device_flops_per_s=1e12,
        server_flops_per_s=1e13,
        uplink_bps=1e8,
        downlink_bps=2e8,
        device_seconds=np.ones(profile.vertices),
    )
    assert measured.device_seconds.sum() == profile.vertices


def test_sample_reads_a_profile_from_a_file(tmp_path):
    path = graph_named("resnet-mini").save(tmp_path / "mine.json")
    assert ra.DagSplit.sample(model=str(path)).layers == graph_named("resnet-mini").vertices


GOOD = {
    "edges": [[0, 1], [1, 2], [1, 3], [2, 3]],
    "device_seconds": [0, 1, 1, 1],
    "server_seconds": [0, 0.1, 0.1, 0.1],
    "output_bits": [4, 3, 2, 1],
    "weight_bits": [0, 1, 1, 1],
    "uplink_bps": 10.0,
    "downlink_bps": 20.0,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": [[0, 1], [1, 2], [2, 3], [3, 1]]}, "edges make a cycle: 1 -> 2 -> 3 -> 1"),
        ({"edges": [[0, 1], [2, 2], [1, 3]]}, "edges make a cycle: 2 -> 2"),
        ({"edges": [[0, 1], [1, 3]]}, "vertex '2' has no path from an input"),
        ({"edges": [[0, 1], [1, 3], [2, 3]], "names": ("x", "a", "b", "c")}, "vertex 'b' has no path from an input"),
        ({"edges": [[0, 1], [1, 9]]}, "edges names vertex 9: must be at most 3"),
        ({"edges": [[0, 1, 2]]}, "edges has shape [1, 3], needs [E,2]: a parent and a child in each row"),
        ({"edges": []}, "edges has 1 dimensions, needs 2: [E,ends]"),
        ({"inputs": [1]}, "inputs holds vertex '1', which has parents: raw data has none"),
        ({"device_seconds": []}, "device_seconds is empty"),
        ({"device_seconds": [0, -1, 1, 1]}, "device_seconds[1] = -1 must be at least 0"),
        ({"server_seconds": [0, 1, float("nan"), 1]}, "server_seconds[2] = nan is not finite"),
        ({"server_seconds": [0, 1, 1]}, "server_seconds has shape [3], but [V] is [4] elsewhere"),
        ({"output_bits": [4, 3, -2, 1]}, "output_bits[2] = -2 must be at least 0"),
        ({"uplink_bps": 0}, "uplink_bps = 0: must be at least 0.001"),
        ({"downlink_bps": -5.0}, "downlink_bps = -5.0: must be at least 0.001"),
        ({"local_steps": 0}, "local_steps = 0: must be at least 1"),
        ({"names": ("a", "b")}, "names has 2 entries for 4 layers"),
        ({"cloud_seconds": [0, 0, 0, 0]}, "cloud_uplink_bps is missing: cloud_seconds and cloud_uplink_bps and"),
        ({"device_memory_bytes": 5.0}, "memory_bytes is missing: device_memory_bytes limits its sum"),
        ({"tier": [0]}, "unknown field of dag-split 'tier'"),
    ],
)
def test_bad_input_is_named(change, message):
    ra.DagSplit(**GOOD)
    with pytest.raises(InputError) as caught:
        ra.DagSplit(**{**GOOD, **change})
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ra.DagSplit.sample(model="resnet19"), "unknown model 'resnet19'; did you mean resnet18"),
        (lambda: ra.DagSplit.sample(layers=1), "layers = 1: must be a whole number of at least 2"),
        (lambda: ra.DagSplit.sample(layers=10**7), "layers = 10000000: must be at most 1000000"),
        (lambda: ra.DagSplit.sample(width=0, layers=5), "width = 0: must be a whole number of at least 1"),
        (lambda: ra.DagSplit.sample(batch_size=0), "batch_size = 0: must be a whole number of at least 1"),
        (lambda: ra.DagSplit.sample(depth=3), "unknown size or field of dag-split 'depth'"),
        (
            lambda: ra.DagSplit(**GOOD).evaluate(DagSplitDecision(np.array([0, 1]))),
            "decision.tier has shape [2], needs",
        ),
        (
            lambda: ra.DagSplit(**GOOD).check(DagSplitDecision(np.array([0, 1, 1, 2]))),
            "decision.tier must lie in 0 to 1",
        ),
        (lambda: ra.DagSplit(**GOOD).tiers_of([[True]]), "sets has shape [1, 1], needs [..., "),
        (
            lambda: ra.DagSplit(**GOOD).check(DagSplitDecision(np.zeros(len(GOOD["output_bits"])))),
            "decision.tier must hold whole numbers",
        ),
        (
            lambda: ra.DagSplit.from_profile(
                "resnet18", device_flops_per_s=1.0, server_flops_per_s=1.0, uplink_bps=1.0, downlink_bps=1.0
            ),
            "profile: a GraphProfile is needed, not str",
        ),
        (lambda: ra.DagSplit(**GOOD).over_time(uplink_bps=[1e6, 0.0]), "uplink_bps[1] = 0 must be finite and above 0"),
        (lambda: ra.DagSplit(**GOOD).over_time(uplink_bps=[[1e6]]), "uplink_bps must be one number, or one for every"),
        (
            lambda: ra.DagSplit.from_profile(
                graph_named("resnet18"), device_flops_per_s=0, server_flops_per_s=1, uplink_bps=1, downlink_bps=1
            ),
            "device_flops_per_s = 0: must be above 0",
        ),
    ],
)
def test_bad_calls_are_named(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value) and "\n" not in str(caught.value)
