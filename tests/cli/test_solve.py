import numpy as np

import rasolve as ra
from tests.cli.conftest import SMALL


def test_prints_the_result_and_saves_result_and_plan(cli, tmp_path):
    result, plan = tmp_path / "result.json", tmp_path / "plan.json"
    outcome = cli("solve", *SMALL, "--seed", 2, "--result", result, "--out", plan)
    assert (outcome.code, outcome.err) == (0, "")
    assert "fedsllm by enumeration: optimal" in outcome.out and "(proved)" in outcome.out
    stored = ra.Result.load(result)
    expected = ra.solve(ra.FedsLLM.sample(seed=2, clients=3, subchannels=7, model="gpt-mini"))
    assert stored.objective == expected.objective and stored.seed == 2
    assert ra.Plan.load(plan).objective == expected.objective


def test_the_saved_problem_is_the_one_solved(cli, refused, tmp_path):
    problem, result = tmp_path / "problem.json", tmp_path / "result.json"
    assert cli("solve", *SMALL, "--seed", 2, "--save-problem", problem, "--result", result).code == 0
    assert cli("check", problem, result).out.endswith(f"objective {ra.Result.load(result).objective:.6g} s\n")
    again = cli("compare", problem, "--solvers", "auto", "--json").json["rows"]
    assert again[0]["objective"] == ra.Result.load(result).objective
    assert "cannot write" in refused("solve", *SMALL, "--save-problem", tmp_path / "none" / "problem.json")


def test_json_is_all_there_is_on_standard_output(cli):
    outcome = cli("solve", *SMALL, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["termination"] == "optimal" and outcome.json["kind"] == "result"
    assert len(outcome.json["decision"]["main_owner"]) == 7


def test_named_solver_baseline_bound_and_limits(cli):
    heuristic = cli("solve", *SMALL, "--solver", "alternating", "--bound", "--gap", "1e-6", "--json").json
    exact = cli("solve", *SMALL, "--json").json
    assert heuristic["solver"] == "alternating"
    assert np.isclose(heuristic["bound"], exact["objective"])
    stopped = cli("solve", *SMALL, "--solver", "alternating", "--max-iterations", 1, "--time-limit", 60, "--json").json
    assert stopped["termination"] == "iteration_limit" and stopped["iterations"] == 1
    assert cli("solve", *SMALL, "--solver", "baseline:equal", "--no-bound", "--json").json["bound"] is None


def test_every_client_may_have_its_own_cut(cli, refused):
    own = (*SMALL, "--set", "per_client=true", "--set", "server_flops_per_s=1e11")
    outcome = cli("solve", *own, "--set", "client_flops_per_s=[1e10,1e12,2e13]")
    assert outcome.code == 0 and "fedsllm by branch_and_bound: optimal" in outcome.out
    assert "cut        per client: " in outcome.out
    assert "per_client = 1: must be a valid boolean" in refused("solve", *SMALL, "--set", "per_client=1")
    assert "branch_and_bound" in cli("explain", *own).out


def test_a_start_is_never_made_worse(cli, stored):
    best = ra.Result.load(stored[0]).objective
    command = ("solve", *SMALL, "--seed", 1, "--solver", "alternating", "--max-iterations", 1, "--json")
    assert cli(*command, "--start", stored[0]).json["objective"] <= best


def test_a_start_must_fit(refused, cli, tmp_path, stored):
    assert "decision.main_owner has shape [7], needs [20]" in refused(
        "solve", "fedsllm", "--set", "clients=4", "--start", stored[0]
    )
    empty = tmp_path / "empty.json"
    assert cli("solve", "fedsllm", "--set", "clients=30", "--result", empty).code == 3
    assert "no decision to start from" in refused("solve", *SMALL, "--start", empty)


def test_one_client_is_enough(cli):
    assert cli("solve", "fedsllm", "--set", "clients=1", "--set", "subchannels=1").code == 0


def test_too_few_subchannels_is_infeasible_in_words(cli, tmp_path):
    plan, result = tmp_path / "plan.json", tmp_path / "result.json"
    outcome = cli("solve", "fedsllm", "--set", "clients=30", "--out", plan, "--result", result)
    assert outcome.code == 3
    assert "the main link has 20 subchannels for 30 clients; each client needs one" in outcome.out
    assert not plan.exists() and result.exists()
    as_json = cli("solve", "fedsllm", "--set", "clients=30", "--json")
    assert as_json.code == 3 and len(as_json.json["reasons"]) == 2


def test_too_little_memory_is_infeasible_in_words(cli):
    outcome = cli("solve", "fedsllm", "--set", "client_memory_bytes=1e6", "--solver", "alternating")
    assert outcome.code == 3
    assert "client 1 needs 612.3 MB for one block at rank 1 and has 1 MB" in outcome.out


def test_every_baseline_says_infeasible(cli):
    for name in ("a", "b", "c", "d", "equal"):
        assert cli("solve", "fedsllm", "--set", "clients=30", "--solver", f"baseline:{name}").code == 3
