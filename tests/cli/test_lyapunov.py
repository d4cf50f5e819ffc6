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
    shown = cli("check", plan).out
    total = 20 * json.loads(result.read_text())["objective"]
    assert "can be run yes" in shown and f"predicted  {total:.4g} s and" in shown and "for all turns" in shown
    for kind in ("queues", "tradeoff"):
        drawn = cli("plot", result, "--problem", "adaptive-split", *SLOTS, "--kind", kind, "--out", tmp_path / "p.png")
        assert drawn.code == 0 and (tmp_path / "p.png").stat().st_size > 10_000
    usual = cli("plot", result, "--problem", "adaptive-split", *SLOTS, "--out", tmp_path / "u.png", "--json")
    assert usual.json["kind"] == "queues"


def test_the_front_of_a_decision(cli, refused, tmp_path):
    sizes, result = ("cut-and-clock", "--set", "rounds=2"), tmp_path / "result.json"
    assert cli("solve", *sizes, "--result", result).code == 0
    drawn = ("plot", result, "--problem", *sizes, "--kind", "pareto", "--out", tmp_path / "front.png")
    assert cli(*drawn, "--round", 2, "--device", 5).code == 0 and (tmp_path / "front.png").exists()
    usual = cli("plot", result, "--problem", *sizes, "--out", tmp_path / "usual.png", "--json")
    assert usual.json["kind"] == "pareto"
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


SMALL = ("--set", "slots=4", "--set", "model=gpt-mini", "--set", "batch_size=2", "--set", "local_steps=2")


@pytest.mark.usefixtures("one_thread")
def test_a_plan_over_slots_is_trained_by_and_drawn(cli, refused, tmp_path):
    plan, picture = tmp_path / "plan.json", tmp_path / "turns.png"
    assert cli("solve", "adaptive-split", *SMALL, "--out", plan).code == 0
    told = cli("run", plan, "--steps", 5, "--timeline", picture, "--json").json
    assert told["protocol"] == "split_sequential" and told["rounds"] == 2 and len(told["cut"]) == 3
    assert all(row["predicted"] == row["measured"] for row in told["rows"] if row["quantity"] == "bits")
    assert {row["quantity"] for row in told["rows"]} == {"bits", "flops", "seconds", "joules"}
    assert picture.stat().st_size > 10_000
    assert "adaptive-split is a problem: rasolve solve adaptive-split --out" in refused("run", "adaptive-split")


@pytest.mark.usefixtures("one_thread")
def test_a_policy_decides_while_it_trains_and_goes_on_from_its_queues(cli, refused, tmp_path):
    problem, queues = tmp_path / "problem.json", tmp_path / "queues.json"
    assert cli("solve", "adaptive-split", *SMALL, "--save-problem", problem).code == 0
    online = ("run", problem, "--online", 0.01, "--queues", queues, "--no-reference", "--json")
    first = cli(*online, "--steps", 4).json
    assert first["solver"] == "drift_plus_penalty" and first["device"] == [0, 1]
    assert json.loads(queues.read_text())["slots"] == 2
    assert cli(*online, "--steps", 4).json["device"] == [2, 3], "the third slot comes next"
    assert json.loads(queues.read_text())["slots"] == 4
    assert "these queues have v = 0.01, not 1" in refused("run", problem, "--online", 1, "--queues", queues)
    other = refused("run", "adaptive-split", "--online", 0.01, "--queues", queues)
    assert "these queues are of another problem: they steer to" in other
    assert "v = 0.0: must be above 0" in refused("run", problem, "--online", 0)
    assert "v = nan: must be a finite number" in refused("run", problem, "--online", "nan")
    assert "queues: belong to a policy, use --online" in refused("run", problem, "--queues", queues)
    assert "fedsllm has no slots" in refused("run", "fedsllm", "--online", 1)
