"""FedsLLM with continuous bandwidth and power: exact by formulas written out afresh, and every statement of it."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rasolve as ra
from rasolve.errors import InfeasibleError, InputError, SolverUnavailable
from rasolve.forms import Blocks, Choice, FdmaShares, Sum, Termination
from rasolve.problems.fedsllm_fdma import convex
from rasolve.solvers import Limits, solve_form
from tests.brute_force import deadline_of_shares
from tests.problems.test_fedsllm_algebra import worst_violation
from tests.problems.test_fedsllm_exact import tiny


@pytest.fixture(scope="module")
def problem():
    return ra.FedsLLMFdma.sample(seed=1, regime="midband")


def continuous(seed: int) -> ra.FedsLLMFdma:
    """Return a tiny instance: K <= 3, three blocks, two ranks, sometimes downlinks, labels and a memory limit."""
    ofdma = tiny(seed)
    fields = {name: getattr(ofdma, name) for name in ra.FedsLLMFdma.model_fields if name in ra.FedsLLM.model_fields}
    bands = {f"{link}_bandwidth_hz": float(getattr(ofdma, f"{link}_subchannel_hz").sum()) for link in ("main", "fed")}
    gains = {f"{link}_gain": getattr(ofdma, f"{link}_gain")[:, 0] for link in ("main", "fed")}
    return ra.FedsLLMFdma(**{**fields, **bands, **gains})


def by_hand(p: ra.FedsLLMFdma) -> float:
    """Return the optimum by the card's formulas, cut by cut and rank by rank, each link by search; inf if none fits."""
    q, b, clients = p.profile, p.batch_size, len(p.client_flops_per_s)
    best = float("inf")
    for c in range(1, 4):
        for r in (2, 8):
            adapters = r * sum(q.adapter_params[:c])
            saved = b * sum(q.saved_activation_bytes[:c]) + b * r * sum(q.adapter_saved_bytes[:c])
            memory = q.embedding_bytes + sum(q.weight_bytes[:c]) + saved + 16 * adapters + b * q.activation_bits[c] / 8
            if p.client_memory_bytes is not None and memory > p.client_memory_bytes[0]:
                continue
            forward = b * 1e8 + b * sum(q.forward_flops[j] + r * q.adapter_forward_flops[j] for j in range(c))
            backward = b * sum(q.backward_flops[j] + r * q.adapter_backward_flops[j] for j in range(c))
            rest = sum(q.forward_flops[j] + q.backward_flops[j] for j in range(c, 3))
            rest += r * sum(q.adapter_forward_flops[j] + q.adapter_backward_flops[j] for j in range(c, 3))
            server = clients * b * (rest + 2e9) / p.server_flops_per_s
            main = FdmaShares(
                forward / p.client_flops_per_s, np.full(clients, b * (q.activation_bits[c] + p.label_bits)),
                p.main_gain, p.noise_w_per_hz, p.client_power_w, p.main_bandwidth_hz, p.main_total_power_w,
            )  # fmt: skip
            fed = FdmaShares(
                np.zeros(clients), np.full(clients, 32.0 * adapters),
                p.fed_gain, p.noise_w_per_hz, p.client_power_w, p.fed_bandwidth_hz, p.fed_total_power_w,
            )  # fmt: skip
            down = b * q.activation_bits[c] / p.main_downlink_bps if p.main_downlink_bps is not None else 0.0
            broadcast = max(32 * adapters / p.fed_downlink_bps) if p.fed_downlink_bps is not None else 0.0
            local = deadline_of_shares(main) + server + max(down + backward / p.client_flops_per_s)
            best = min(best, p.rounds.table[r] * (p.local_steps * local + deadline_of_shares(fed) + broadcast))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_exact_equals_search_and_nothing_is_below(seed):
    problem = continuous(seed)
    exact, heuristic = ra.solve(problem, gap=1e-11), ra.solve(problem, "alternating")
    optimum = by_hand(problem)
    if optimum == float("inf"):
        assert exact.termination is heuristic.termination is Termination.INFEASIBLE
        return
    assert exact.solver == "enumeration" and exact.termination is Termination.OPTIMAL
    assert exact.objective == pytest.approx(optimum, rel=1e-9) and exact.check.feasible
    assert problem.evaluate(exact.decision).objective == exact.objective
    assert heuristic.objective >= optimum * (1 - 1e-10) and heuristic.bound <= optimum * (1 + 1e-10)
    for name in problem.baselines():
        assert ra.solve(problem, f"baseline:{name}", seed=seed).objective >= optimum * (1 - 1e-10)


@pytest.mark.parametrize("seed", range(2))
def test_it_relaxes_the_problem_with_subchannels_on_the_same_channels(seed):
    whole, shared = ra.FedsLLM.sample(seed=seed, downlink=True), ra.FedsLLMFdma.sample(seed=seed, downlink=True)
    assert (shared.main_gain == whole.main_gain[:, 0]).all() and shared.main_bandwidth_hz == pytest.approx(200e6)
    assert (shared.fed_downlink_bps == whole.fed_downlink_bps).all() and (shared.data_sizes == whole.data_sizes).all()
    ours, theirs = ra.solve(shared), ra.solve(whole)
    assert ours.objective <= theirs.bound * (1 + 1e-9)
    finer = ra.FedsLLM.sample(seed=seed, downlink=True, subchannels=2000)
    assert ra.solve(finer).objective == pytest.approx(ours.objective, rel=2e-3)


def test_every_alternative_is_bounded_and_the_federated_link_is_shared(problem):
    choice = problem.formulate(Choice)
    assert len(choice.form.alternatives) == 12 * 5 and choice.lift_bound(3.0) == 3.0
    assert len({id(a.form.terms[1].form) for a in choice.form.alternatives}) == 1
    for alternative in choice.form.alternatives[::7]:
        assert alternative.bound <= solve_form(alternative.form).objective * (1 + 1e-12)
    decision = ra.solve(problem).decision
    again = choice.lift(choice.lower(decision))
    assert again.to_fields() == decision.to_fields()
    with pytest.raises(InputError, match="unknown form of fedsllm-fdma 'Sum'; known: Blocks, Choice"):
        problem.formulate(Sum)


@pytest.mark.parametrize("seed", range(2))
def test_multipliers_are_the_worth_of_a_hertz_and_of_a_watt(seed):
    problem = ra.FedsLLMFdma.sample(seed=seed, regime="midband")
    result = ra.solve(problem, gap=1e-12)
    for name in ("main_bandwidth_hz", "fed_bandwidth_hz", "main_total_power_w", "fed_total_power_w"):
        step = 1e-4 * getattr(problem, name)
        less, more = (
            ra.solve(problem.replace(**{name: getattr(problem, name) + sign * step}), gap=1e-12).objective
            for sign in (-1, 1)
        )
        assert result.multipliers[name] == pytest.approx((less - more) / (2 * step), rel=1e-3)


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from(["wideband", "midband", "narrowband"]))
def test_order_of_clients_does_not_matter(seed, regime):
    problem = ra.FedsLLMFdma.sample(seed=seed, regime=regime)
    order = np.random.default_rng(seed).permutation(5)
    arrays = ("client_flops_per_s", "client_power_w", "main_gain", "fed_gain", "data_sizes")
    shuffled = problem.replace(**{name: getattr(problem, name)[order] for name in arrays})
    assert ra.solve(shuffled).objective == pytest.approx(ra.solve(problem).objective, rel=1e-8)


def test_coordinate_steps_descend_and_stall_above_the_optimum():
    gaps = []
    for seed in range(4):
        problem = ra.FedsLLMFdma.sample(seed=seed, clients=12, regime="midband")
        result = ra.solve(problem, "alternating", bound=True)
        objectives = [line.objective for line in result.history]
        assert objectives == sorted(objectives, reverse=True)
        assert result.bound == pytest.approx(ra.solve(problem).bound, rel=1e-9)
        form = problem.formulate(Blocks).form
        for block in form.blocks[:2]:
            formulation = block.formulate(result.decision)
            kept = formulation.lift(solve_form(formulation.form, limits=Limits(gap=1e-12)).value)
            assert form.objective(kept) >= result.objective * (1 - 1e-9), f"{block.name} would still improve"
        gaps.append(result.gap)
    assert max(gaps) > 0.01


def test_a_start_is_never_made_worse(problem):
    best = ra.solve(problem)
    for name in ("enumeration", "alternating"):
        assert ra.solve(problem, name, start=best, time_limit=1e-9).objective <= best.objective


def test_simple_shares_are_what_they_say(problem):
    d = ra.solve(problem, "baseline:equal").decision
    assert d.main_bandwidth_hz == pytest.approx(problem.main_bandwidth_hz / 5)
    assert d.fed_power_w == pytest.approx(np.minimum(problem.fed_total_power_w / 5, problem.client_power_w))
    d = ra.solve(problem, "baseline:full_power").decision
    scale = min(1.0, problem.main_total_power_w / problem.client_power_w.sum())
    assert d.main_power_w == pytest.approx(problem.client_power_w * scale)
    first, again, other = (ra.solve(problem, "baseline:b", seed=s).decision for s in (1, 1, 2))
    assert (first.main_bandwidth_hz == again.main_bandwidth_hz).all()
    assert (first.main_bandwidth_hz != other.main_bandwidth_hz).any()
    assert first.main_bandwidth_hz.min() >= 0.25 * problem.main_bandwidth_hz / 5
    assert np.ptp(first.main_power_w) == 0


def test_memory_limit_binds_and_is_explained(problem):
    needed = problem.evaluate(ra.solve(problem).decision).parts["client_memory_bytes"]
    tight = problem.replace(cuts=(1, 2, 3), client_memory_bytes=needed * 1.02)
    result = ra.solve(tight)
    assert (result.decision.cut == 1).all() and result.check.feasible
    over = tight.check(replace(result.decision, cut=np.full(5, 3)))
    assert [c.name for c in over.violated] == ["memory of a client"]
    none = problem.replace(client_memory_bytes=np.full(5, 1e6))
    for name in ("auto", "alternating", *(f"baseline:{rule}" for rule in none.baselines())):
        result = ra.solve(none, name)
        assert result.termination is Termination.INFEASIBLE and "client 1 needs" in result.reasons[0]
    with pytest.raises(InfeasibleError, match="client 1 needs"):
        result.plan()
    with pytest.raises(InfeasibleError, match="client 1 needs"):
        none.to_pyomo()


def test_violations_are_found_and_named(problem):
    d = ra.solve(problem).decision
    greedy = problem.check(replace(d, main_bandwidth_hz=d.main_bandwidth_hz * 1.1, fed_power_w=d.fed_power_w * 1.1))
    names = {c.name for c in greedy.violated}
    assert {"main link: bandwidth", "federated link: total power"} <= names
    negative = problem.check(replace(d, main_power_w=np.asarray([-1.0, 1, 1, 1, 1])))
    names = {c.name for c in negative.violated}
    assert {"main link: negative power", "main link: clients without rate"} <= names
    assert problem.evaluate(replace(d, main_power_w=np.zeros(5))).objective == float("inf")
    assert "main link: clients without rate" in {
        c.name for c in problem.check(replace(d, main_bandwidth_hz=np.zeros(5))).violated
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"main_power_w": np.ones(3)}, "decision.main_power_w has shape [3], needs [5]"),
        ({"fed_bandwidth_hz": np.full(5, np.nan)}, "decision.fed_bandwidth_hz must be finite"),
        ({"cut": np.full(5, 20)}, "decision.cut must lie in 0 to 12"),
    ],
)
def test_misshapen_decisions_are_refused(problem, change, message):
    with pytest.raises(InputError) as caught:
        problem.check(replace(ra.solve(problem).decision, **change))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"main_bandwidth_hz": 0.5}, "main_bandwidth_hz = 0.5: must be at least 1"),
        ({"fed_bandwidth_hz": 1e16}, "fed_bandwidth_hz = 1e+16: must be at most 1e+15"),
        ({"main_gain": np.full(5, 1e-30)}, "main_gain[0] = 1e-30 must be at least 1e-25"),
        ({"fed_gain": np.ones((5, 2))}, "fed_gain has 2 dimensions, needs 1: [K]"),
        ({"main_gain": np.ones(4)}, "main_gain has shape [4], but [K] is [5] elsewhere"),
        ({"main_subchannel_hz": np.ones(4)}, "unknown field of fedsllm-fdma 'main_subchannel_hz'"),
        ({"main_downlink_bps": np.ones(5)}, "fed_downlink_bps is missing: give both downlink rates or neither"),
        ({"cuts": (13,)}, "cuts holds 13: must be at most the profile's 12 blocks"),
    ],
)
def test_bad_data_is_one_line_naming_field_value_and_limit(problem, change, message):
    with pytest.raises(InputError) as caught:
        problem.replace(**change)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"client": 3}, "unknown size or field of fedsllm-fdma 'client'; did you mean clients"),
        ({"subchannels": 20}, "unknown size or field of fedsllm-fdma 'subchannels'"),
        ({"regime": "wide"}, "unknown regime 'wide'; did you mean wideband"),
    ],
)
def test_bad_sizes_name_the_nearest(sizes, message):
    with pytest.raises(InputError) as caught:
        ra.FedsLLMFdma.sample(**sizes)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["auto", "baseline:a"])
@pytest.mark.parametrize("sizes", [{}, {"downlink": True, "label_bits": 5e4}])
def test_the_algebraic_model_agrees_with_the_judgement(name, sizes):
    problem = ra.FedsLLMFdma.sample(seed=2, clients=4, regime="midband", **sizes)
    result = ra.solve(problem, name)
    model = problem.to_pyomo(result.decision)
    assert pyo.value(model.delay_s) == pytest.approx(result.objective, rel=1e-9)
    assert worst_violation(model) < 1e-6
    loud = replace(result.decision, main_power_w=result.decision.main_power_w * 3)
    assert worst_violation(problem.to_pyomo(loud)) > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_the_convex_model_has_the_optimum_of_its_cut_and_rank(seed):
    problem = ra.FedsLLMFdma.sample(seed=seed, clients=4, regime="midband", downlink=seed == 1)
    exact = ra.solve(problem)
    cut, rank = int(exact.decision.cut[0]), int(exact.decision.rank[0])
    model = problem.to_cvxpy(cut, rank)
    assert model.is_dcp()
    assert model.solve(solver=cp.CLARABEL) == pytest.approx(exact.objective, rel=1e-6)
    shares = {variable.name(): variable.value for variable in model.variables()}
    decision = replace(
        exact.decision,
        main_bandwidth_hz=shares["main_band"] * problem.main_bandwidth_hz,
        main_power_w=shares["main_power"] * problem.main_total_power_w,
        fed_bandwidth_hz=shares["fed_band"] * problem.fed_bandwidth_hz,
        fed_power_w=shares["fed_power"] * problem.fed_total_power_w,
    )
    assert problem.evaluate(decision).objective == pytest.approx(model.value, rel=1e-6)


def test_the_convex_model_says_what_it_cannot_do(problem, monkeypatch):
    with pytest.raises(InputError, match="cut = 13, rank = 8: no candidate that fits every client's memory"):
        problem.to_cvxpy(13, 8)
    monkeypatch.setattr(convex, "find_spec", lambda _: None)
    with pytest.raises(SolverUnavailable, match=r"the convex model needs cvxpy: install rasolve\[modeling\]"):
        problem.to_cvxpy(1, 8)


def test_the_plan_predicts_what_the_evaluation_says_and_trains(problem):
    result = ra.solve(problem)
    plan, parts = result.plan(), result.evaluation.parts
    seconds = {(p.party, p.stage): p.value for p in plan.predicted("seconds")}
    assert seconds["client 2", "activations"] == parts["upload_s"][1] and plan.objective == result.objective
    assert plan.problem == "fedsllm-fdma" and (plan.uplink_bps == parts["main_rate_bps"]).all()
    assert "MHz" in str(result) and "rank       8" in str(result)

    small = ra.FedsLLMFdma.sample(model="gpt-mini", clients=2, local_steps=2, batch_size=2, cuts=[1, 2], seed=0)
    report = ra.run(ra.solve(small).plan(), steps=2)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference <= 1e-5


def test_thousands_of_clients_are_solved_at_once():
    problem = ra.FedsLLMFdma.sample(seed=0, clients=3000)
    result = ra.solve(problem)
    assert result.termination is Termination.OPTIMAL and result.feasible
    assert len(str(result).splitlines()) < 12
