"""Problems over time slots and energy-delay decisions from the command line."""

import json

import pytest

SLOTS = ("--set", "slots=20", "--set", "cuts=[1,3,6,9]")


def test_solve_check_and_draw(cli, tmp_path):
    result, plan = tmp_path / "result.json", tmp_path / "plan.json"
    solved = cli("solve", "adaptive-split", *SLOTS, "--result", result, "--out", plan)
    assert solved.code == 0 and "adaptive-split by clairvoyant: optimal" in solved.out and "of the budget" in solved.out
    checked = cli("check", "adaptive-split", result, *SLOTS)
    assert checked.code == 0 and "ok  mean energy of a slot (total, 2 % slack)" in checked.out
    assert "no, because the executor does not run plans over time slots yet" in cli("check", plan).out
    for kind in ("queues", "tradeoff"):
        drawn = cli("plot", result, "--problem", "adaptive-split", *SLOTS, "--kind", kind, "--out", tmp_path / "p.png")
        assert drawn.code == 0 and (tmp_path / "p.png").stat().st_size > 10_000


def test_the_front_of_a_decision(cli, refused, tmp_path):
    sizes, result = ("cut-and-clock", "--set", "rounds=2"), tmp_path / "result.json"
    assert cli("solve", *sizes, "--result", result).code == 0
    drawn = ("plot", result, "--problem", *sizes, "--kind", "pareto", "--out", tmp_path / "front.png")
    assert cli(*drawn, "--round", 2, "--device", 5).code == 0 and (tmp_path / "front.png").exists()
    assert refused(*drawn, "--round", 3) == "error: round 3: there are 2, counted from 1\n"


def test_a_budget_out_of_reach_is_explained(cli):
    outcome = cli("explain", "adaptive-split", *SLOTS, "--set", "energy_budget_j=0.1")
    assert outcome.code == 3 and "the least possible mean energy of a slot is" in outcome.out
    assert cli("solve", "adaptive-split", *SLOTS, "--set", "energy_budget_j=0.1").code == 3


def test_paths_beyond_the_budget_are_marked(cli):
    outcome = cli("compare", "adaptive-split", *SLOTS, "--solvers", "prices,baseline:delay-greedy")
    assert outcome.out.count("(NOT feasible)") == 1 and outcome.out.count("* adaptive-split") == 1
    rows = cli("compare", "adaptive-split", *SLOTS, "--solvers", "baseline:delay-greedy", "--json").json["rows"]
    assert [(row["feasible"], row["gap"], row["best"]) for row in rows] == [(False, None, False)]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("adaptive-split", "--solver", "drift_plus_penalty", "--option", "v=0"), "v = 0: must be finite and above"),
        (
            ("adaptive-split", "--set", "clock_min_hz=2e11"),
            "clock_min_hz = 2e+11: must be at most clock_max_hz = 1e+11",
        ),
        (("adaptive-split", "--set", "gain_up=nan"), "gain_up[0] = nan is not finite"),
        (("adaptive_split",), "unknown problem 'adaptive_split'; did you mean adaptive-split"),
        (("parallel-adaptive-split", "--solver", "clairvoyant"), "its items have no alternatives to choose from"),
        (("cut-and-clock", "--solver", "drift_plus_penalty"), "cut-and-clock is solved by: separate, prices"),
        (("cut-and-clock", "--set", "server_clock_min_hz=1e10"), "server_clock_min_hz[0] = 1e+10: must be at most"),
        (("cut-and-clock", "--set", "weight=2"), "weight = 2: must be at most 1"),
    ],
)
def test_bad_input(refused, arguments, complaint):
    assert complaint in refused("solve", *arguments)


def test_results_of_long_horizons_are_compact_in_json(cli):
    told = cli("solve", "adaptive-split", "--set", "slots=400", "--solver", "drift_plus_penalty", "--json").json
    assert len(told["decision"]["cut"]) == 400 and len(told["history"]) == 2 and json.dumps(told["multipliers"])
