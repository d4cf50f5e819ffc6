"""FedsLLM with a cut for every client: against enumeration by the card's formulas, and what is promised around it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError, SolverUnavailable
from rasolve.forms import Blocks, Choice, MultipleChoice, OfdmaLink, Termination
from rasolve.problems.fedsllm import per_client
from rasolve.problems.fedsllm.blocks import shared_equally
from rasolve.solvers import solve_form
from rasolve.testing import check_problem
from tests.brute_force import best_flat_link
from tests.problems.test_fedsllm_algebra import worst_violation
from tests.problems.test_fedsllm_exact import tiny

SLOW_SERVER = {"server_flops_per_s": 5e12, "local_steps": 4}


def heterogeneous(seed: int, clients: int = 8, **sizes) -> ra.FedsLLM:
    """Return an instance in which cuts matter: speeds over a factor of 30 and a slow server."""
    speed = 1e12 * 10 ** np.random.default_rng(seed).uniform(-0.5, 1.0, clients)
    sizes = {"regime": "midband", "subchannels": 5 * clients, "server_flops_per_s": 2e12 * clients, **sizes}
    return ra.FedsLLM.sample(seed=seed, clients=clients, client_flops_per_s=speed, per_client=True, **sizes)


def common(problem: ra.FedsLLM) -> ra.FedsLLM:
    return problem.replace(per_client=False)


def link_at(p: ra.FedsLLM, gain, width, total, offset, payload) -> OfdmaLink:
    return OfdmaLink(offset, np.maximum(payload, 1e-60), gain, width, p.noise_w_per_hz, p.client_power_w, total)


def by_hand(p: ra.FedsLLM, cuts, ranks, deadline) -> float:
    """Return the delay of cuts and ranks by the card's formulas, each link solved by `deadline`; inf beyond memory."""
    q, b, clients = p.profile, p.batch_size, range(len(cuts))
    top, forward, backward, server, adapters, memory = max(ranks), [], [], 0.0, [], []
    for c, r in zip(cuts, ranks, strict=True):
        adapters.append(r * sum(q.adapter_params[:c]))
        saved = b * sum(q.saved_activation_bytes[:c]) + b * r * sum(q.adapter_saved_bytes[:c])
        memory.append(
            q.embedding_bytes + sum(q.weight_bytes[:c]) + saved + 16 * adapters[-1] + b * q.activation_bits[c] / 8
        )
        forward.append(
            b * (q.embedding_forward_flops + sum(q.forward_flops[:c]) + r * sum(q.adapter_forward_flops[:c]))
        )
        backward.append(b * (sum(q.backward_flops[:c]) + r * sum(q.adapter_backward_flops[:c])))
        rest = sum(q.forward_flops[c:]) + sum(q.backward_flops[c:]) + q.head_forward_flops + q.head_backward_flops
        rest += top * (sum(q.adapter_forward_flops[c:]) + sum(q.adapter_backward_flops[c:]))
        server += b * rest / p.server_flops_per_s
    if p.client_memory_bytes is not None and (np.array(memory) > p.client_memory_bytes).any():
        return float("inf")
    speed, bits = p.client_flops_per_s, 32.0 * np.array(adapters)
    up = np.array([b * (q.activation_bits[c] + p.label_bits) for c in cuts])
    main = link_at(p, p.main_gain, p.main_subchannel_hz, p.main_total_power_w, np.array(forward) / speed, up)
    fed = link_at(p, p.fed_gain, p.fed_subchannel_hz, p.fed_total_power_w, np.zeros(len(cuts)), bits)
    down = [
        0.0 if p.main_downlink_bps is None else b * q.activation_bits[cuts[k]] / p.main_downlink_bps[k] for k in clients
    ]
    after = max(down[k] + backward[k] / speed[k] for k in clients)
    broadcast = 0.0 if p.fed_downlink_bps is None else max(bits / p.fed_downlink_bps)
    rounds = max(p.rounds.table[r] for r in ranks)
    local = deadline(main) + server + after
    return rounds * (p.local_steps * local + deadline(fed) + broadcast)


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 7, 9, 11, 12])
def test_two_clients_against_every_cut_and_every_rank(seed):
    """Nothing is shared with the package: formulas by hand, links by looking at all counts, unequal ranks included."""
    drawn = tiny(seed)
    problem = drawn.replace(
        **{name: np.resize(getattr(drawn, name), 2) for name in ("client_flops_per_s", "client_power_w", "data_sizes")},
        main_gain=np.resize(drawn.main_gain[:, 0], (2, 1)),
        fed_gain=np.resize(drawn.fed_gain[:, 0], (2, 1)),
        main_subchannel_hz=np.full(4, drawn.main_subchannel_hz[0]),
        fed_subchannel_hz=np.full(3, drawn.fed_subchannel_hz[0]),
        client_memory_bytes=np.array([3.2e7, 1e9]) if seed % 4 == 0 else None,
        main_downlink_bps=np.array([1e7, 3e6]) if seed % 3 == 0 else None,
        fed_downlink_bps=np.array([2e6, 5e6]) if seed % 3 == 0 else None,
        server_flops_per_s=float(4 * drawn.client_flops_per_s.mean()),
        per_client=True,
    )
    best = min(
        by_hand(problem, cuts, ranks, best_flat_link)
        for cuts in product((1, 2, 3), repeat=2)
        for ranks in product((2, 8), repeat=2)
    )
    result = ra.solve(problem)
    assert result.solver == "branch_and_bound" and result.termination is Termination.OPTIMAL and result.check.feasible
    assert result.objective == pytest.approx(best, rel=1e-9) and result.bound <= best * (1 + 1e-12)


@pytest.mark.parametrize(("clients", "cuts", "seed"), [(3, (1, 2, 4, 7, 12), 0), (4, (1, 4, 12), 1), (4, (1, 2, 6), 2)])
def test_three_and_four_clients_against_every_cut(clients, cuts, seed):
    sizes = {
        "regime": ("wideband", "midband", "narrowband")[seed],
        "downlink": seed == 1,
        "cuts": cuts,
        "ranks": (4, 8),
    }
    problem = heterogeneous(seed, clients, subchannels=3 * clients, **sizes)
    found: dict[bytes, float] = {}

    def deadline(link: OfdmaLink) -> float:
        key = link.offset_s.tobytes() + link.payload_bits.tobytes()
        if key not in found:
            found[key] = solve_form(link).objective
        return found[key]

    best = min(by_hand(problem, c, (r,) * clients, deadline) for c in product(cuts, repeat=clients) for r in (4, 8))
    result = ra.solve(problem)
    assert result.objective == pytest.approx(best, rel=1e-9) and result.gap <= 1e-9
    assert result.objective < ra.solve(common(problem)).objective * (1 - 1e-3), "an instance in which cuts differ"


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_one_common_rank_costs_no_more_than_any_ranks(seed):
    """Whatever the table says, rising or falling: same cuts and spectrum, everybody at the level of these ranks."""
    rng = np.random.default_rng(seed)
    table = {rank: float(rng.integers(50, 60)) for rank in (1, 2, 4, 6, 8)}
    problem = ra.FedsLLM.sample(
        seed=seed, model="gpt-mini", clients=4, rounds=table, per_client=True, downlink=bool(seed % 2)
    )
    cut, ranks = rng.integers(1, 5, 4), rng.choice(problem.ranks, 4)
    mixed = replace(shared_equally(problem, cut, 1), rank=ranks)
    limit = problem.evaluate(mixed).parts["client_memory_bytes"] * 1.001
    problem = problem.replace(client_memory_bytes=limit)
    level = per_client.level_of(problem, ranks)
    alike = replace(mixed, rank=np.full(4, level))
    assert level <= ranks.min() and level in per_client.levels(problem)
    assert problem.check(mixed).feasible and problem.check(alike).feasible
    assert problem.evaluate(alike).objective <= problem.evaluate(mixed).objective
    assert problem.evaluate(alike).parts["server_memory_bytes"] <= problem.evaluate(mixed).parts["server_memory_bytes"]


def test_levels_are_the_ranks_that_need_fewer_rounds_than_every_smaller_one():
    table = {1: 100.0, 2: 100.0, 4: 90.0, 6: 95.0, 8: 80.0}
    problem = ra.FedsLLM.sample(seed=0, rounds=table, per_client=True)
    assert per_client.levels(problem) == (1, 4, 8)
    assert [per_client.level_of(problem, np.array(r)) for r in ([2, 8], [6, 8], [8, 8], [4, 6])] == [1, 4, 8, 4]
    assert [menu.label for menu in problem.formulate(MultipleChoice).form.menus] == [1, 4, 8]


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from(["wideband", "midband", "narrowband"]), st.booleans())
def test_never_worse_than_a_common_cut_and_rank(seed, regime, downlink):
    problem = heterogeneous(seed % 1000, clients=4, regime=regime, downlink=downlink, model="gpt-mini", **SLOW_SERVER)
    exact, alike = ra.solve(problem), ra.solve(common(problem))
    assert exact.objective <= alike.objective * (1 + 1e-12) and exact.termination is Termination.OPTIMAL
    begun = ra.solve(problem, max_iterations=1)
    assert exact.bound <= begun.objective <= alike.objective * (1 + 1e-9) and begun.bound <= exact.objective
    alternating = ra.solve(problem, "alternating", start=alike)
    assert exact.bound <= alternating.objective <= alike.objective


def test_order_of_clients_does_not_matter():
    problem, order = heterogeneous(3, clients=6), np.array([4, 1, 5, 0, 2, 3])
    arrays = ("client_flops_per_s", "client_power_w", "main_gain", "fed_gain", "data_sizes")
    shuffled = problem.replace(**{name: getattr(problem, name)[order] for name in arrays})
    assert ra.solve(shuffled).objective == pytest.approx(ra.solve(problem).objective, rel=1e-9)


def test_one_client_alone_has_nothing_to_gain():
    problem = ra.FedsLLM.sample(seed=0, clients=1, per_client=True, **SLOW_SERVER)
    assert ra.solve(problem).objective == pytest.approx(ra.solve(common(problem)).objective, rel=1e-9)


@pytest.mark.parametrize("regime", ["wideband", "midband", "narrowband"])
def test_where_the_server_is_fast_and_clients_are_alike_nobody_goes_beyond_the_first_block(regime):
    """Proposition 4 of docs/per_client.md holds of the published instances; just beyond its condition it need not."""
    for seed in range(3):
        problem = ra.FedsLLM.sample(seed=seed, regime=regime, per_client=True)
        q, v, rank = problem.profile, problem.client_flops_per_s, 8
        backward = q.backward_flops + rank * q.adapter_backward_flops
        both = backward + q.forward_flops + rank * q.adapter_forward_flops
        share = both[1] * v.sum() / (backward[1] * problem.server_flops_per_s)
        assert v.max() / v.min() <= (1 - share) * (1 + backward[1] / backward[0])
        assert (ra.solve(problem).decision.cut == 1).all()
    fast = np.where(np.arange(5) == 0, 3.0, 1.0) * v.min()
    assert ra.solve(problem.replace(client_flops_per_s=fast, server_flops_per_s=5e12)).decision.cut[0] > 1


def test_twenty_clients_are_proved_in_few_boxes():
    """12^20 cuts."""
    result = ra.solve(heterogeneous(0, clients=20))
    assert result.termination is Termination.OPTIMAL and result.iterations <= 120
    assert len(set(result.decision.cut.tolist())) >= 6 and (result.decision.rank == 8).all()


@pytest.mark.parametrize("sizes", [{}, {"selective": True, "downlink": True, "cuts": (1, 3), "ranks": (4, 8)}])
def test_the_problem_conforms(sizes):
    small = {"clients": 3, "subchannels": 8, "model": "gpt-mini", "server_flops_per_s": 2e12}
    check_problem(ra.FedsLLM, seeds=[1], per_client=True, **small, **sizes)


def test_selective_gains_keep_an_honest_gap():
    problem = heterogeneous(0, clients=4, subchannels=12, selective=True)
    assert ra.choose_solver(problem).solver == "branch_and_bound"
    assert "a proved gap that is mostly 0" in ra.choose_solver(problem).why
    result = ra.solve(problem)
    assert result.feasible and result.gap < 0.02
    best = problem.main_gain.max(axis=1, keepdims=True), problem.fed_gain.max(axis=1, keepdims=True)
    relaxed = ra.solve(problem.replace(main_gain=best[0], fed_gain=best[1]))
    assert relaxed.objective <= result.bound <= result.objective, "flat at the best gain is a looser relaxation"


def test_cuts_and_ranks_may_differ_only_when_asked_for():
    problem = heterogeneous(0, clients=4)
    d = ra.solve(problem).decision
    mixed = replace(d, rank=np.array([1, 8, 8, 4]))
    assert np.ptp(d.cut) > 0 and problem.check(d).feasible and problem.check(mixed).feasible
    names = {c.name for c in common(problem).check(mixed).violated}
    assert names == {"cuts differ between clients", "ranks differ between clients"}
    strange = problem.check(replace(d, cut=np.array([0, 1, 1, 1]), rank=np.array([3, 8, 8, 8])))
    assert {c.name for c in strange.violated} == {"cuts that are no candidate", "ranks that are no candidate"}
    assert ra.solve(problem, start=mixed, time_limit=1e-9).objective <= problem.evaluate(mixed).objective


def test_the_cut_that_needs_least_memory_need_not_be_the_lowest():
    """A wide first activation: client 1 has room for cut 3 only, which a common cut must then be too."""
    base = heterogeneous(0, clients=2, cuts=(1, 3), ranks=(1,), model="gpt-mini", subchannels=6)
    wide = base.profile.activation_bits * np.array([1, 50, 1, 1, 1])
    base = base.replace(profile=base.profile.replace(activation_bits=wide))
    needed = {c: base.evaluate(shared_equally(base, c, 1)).parts["client_memory_bytes"][0] for c in (1, 3)}
    assert needed[3] < needed[1]
    problem = base.replace(client_memory_bytes=np.array([needed[3] * 1.05, needed[1] * 1.05]))
    assert ra.solve(problem).decision.cut[0] == 3 and (ra.solve(common(problem)).decision.cut == 3).all()
    tight = problem.replace(client_memory_bytes=np.array([needed[3] * 1.05, needed[3] * 0.9]))
    for none in (tight, common(tight)):
        assert len(none.explain()) == 1 and none.explain()[0].startswith("client 2 needs")
        assert "for 3 blocks at rank 1" in none.explain()[0]


def test_each_client_needs_a_cut_that_fits_its_memory():
    base = heterogeneous(0, clients=4, cuts=(3, 4, 5))
    free = base.evaluate(shared_equally(base, 3, 1)).parts["client_memory_bytes"]
    five = base.evaluate(shared_equally(base, 5, 8)).parts["client_memory_bytes"]
    problem = base.replace(client_memory_bytes=np.array([free[0] * 1.001, five[1], five[2], five[3]]))
    for name in ("auto", "alternating", *(f"baseline:{rule}" for rule in problem.baselines())):
        result = ra.solve(problem, name)
        assert result.check.feasible and result.decision.cut[0] == 3, name
    assert ra.solve(problem).decision.cut[1:].max() > 3 and problem.explain() == ()

    none = base.replace(client_memory_bytes=np.array([1e6, five[1], 2e6, five[3]]))
    for name in ("auto", "alternating", "baseline:a", "baseline:c", "baseline:d", "baseline:equal"):
        result = ra.solve(none, name)
        assert result.termination is Termination.INFEASIBLE and result.decision is None
        assert len(result.reasons) == 2 and "for 3 blocks at rank 1 and has 2 MB" in result.reasons[1]
        assert result.reasons[0].startswith("client 1 needs") and result.reasons[1].startswith("client 3 needs")
    with pytest.raises(InfeasibleError, match="client 1 needs"):
        none.to_pyomo()
    crowded = ra.FedsLLM.sample(seed=0, clients=5, subchannels=4, per_client=True)
    assert ra.solve(crowded).termination is Termination.INFEASIBLE and crowded.lower_bound() == float("inf")
    assert ra.solve(crowded, "baseline:b").reasons[0].startswith("the main link has 4 subchannels for 5 clients")


def test_blocks_without_adapters_send_none():
    problem = heterogeneous(0, clients=3, model="gpt-mini", subchannels=9, server_flops_per_s=1e12)
    bare = problem.profile.adapter_params * np.array([0, 1, 1, 1])
    problem = problem.replace(profile=problem.profile.replace(adapter_params=bare), cuts=(1, 2, 4))
    result = ra.solve(problem)
    best = min(
        by_hand(problem, c, (8,) * 3, lambda link: solve_form(link).objective) for c in product((1, 2, 4), repeat=3)
    )
    assert result.check.feasible and result.objective == pytest.approx(best, rel=1e-6)
    assert ra.solve(problem, "alternating").feasible


def test_forms_and_solvers_are_those_of_the_option():
    problem = heterogeneous(0, clients=3)
    assert common(problem).written_in() == (Choice, Blocks) and problem.written_in() == (Blocks, MultipleChoice)
    with pytest.raises(InputError, match=r"unknown form of fedsllm 'Choice'; did you mean MultipleChoice\?"):
        problem.formulate(Choice)
    with pytest.raises(SolverUnavailable, match="fedsllm is solved by: alternating, branch_and_bound"):
        ra.solve(problem, "enumeration")
    with pytest.raises(InputError, match="per_client = 'yes'"):
        problem.replace(per_client="yes")


def test_alternating_takes_all_cuts_together_and_keeps_a_common_rank():
    problem = heterogeneous(1, clients=6)
    result = ra.solve(problem, "alternating", bound=True)
    objectives = [line.objective for line in result.history]
    assert objectives == sorted(objectives, reverse=True) and np.ptp(result.decision.cut) > 0
    assert np.ptp(result.decision.rank) == 0 and result.bound == pytest.approx(ra.solve(problem).objective)
    d = result.decision
    block = per_client.cut_block(problem, d)
    best = min(
        problem.evaluate(replace(d, cut=np.array([*cut, *d.cut[3:]]))).objective
        for cut in product(range(1, 13), repeat=3)
    )
    assert solve_form(block.form).objective <= best * (1 + 1e-12)
    unequal = replace(d, rank=np.array([1, 8, 8, 8, 8, 4]))
    assert ra.solve(problem, "alternating", start=unequal).objective < problem.evaluate(unequal).objective


def test_a_result_says_every_clients_cut():
    result = ra.solve(heterogeneous(0, clients=4))
    cuts = " ".join(map(str, result.decision.cut))
    assert f"cut        per client: {cuts} of the blocks on the clients" in str(result)
    assert "rank       8" in str(result)
    plan = result.plan()
    assert plan.cut.tolist() == result.decision.cut.tolist() and plan.objective == result.objective


@pytest.mark.parametrize("seed", [0, 3])
def test_multipliers_are_the_worth_of_a_watt_in_seconds(seed):
    problem = heterogeneous(seed, clients=5, client_power_w=50.0)
    result = ra.solve(problem)
    for name in ("main_total_power_w", "fed_total_power_w"):
        step = 1e-6 * getattr(problem, name)
        gained = result.objective - ra.solve(problem.replace(**{name: getattr(problem, name) + step})).objective
        assert result.multipliers[name] > 0 and gained / step == pytest.approx(result.multipliers[name], rel=1e-2)


@pytest.mark.parametrize("sizes", [{}, {"downlink": True}, {"selective": True, "label_bits": 5e4}])
def test_the_algebraic_model_agrees_at_a_decision(sizes):
    import pyomo.environ as pyo

    problem = heterogeneous(2, clients=3, subchannels=8, **sizes)
    result = ra.solve(problem)
    model = problem.to_pyomo(result.decision)
    assert pyo.value(model.delay_s) == pytest.approx(result.objective, rel=1e-9)
    assert worst_violation(model) < 1e-6
    loud = replace(result.decision, main_psd_w_per_hz=result.decision.main_psd_w_per_hz * 3)
    assert worst_violation(problem.to_pyomo(loud)) > 0.1
    for rank, message in (([1, 8, 8], "the algebraic model has one rank for all"), ([6, 6, 6], "known ranks: [1, 8]")):
        given_ranks = problem.replace(rounds={1: 100.0, 6: 100.0, 8: 95.0}, ranks=(1, 6, 8))
        with pytest.raises(InputError) as caught:
            given_ranks.to_pyomo(replace(result.decision, rank=np.array(rank)))
        assert message in str(caught.value)
