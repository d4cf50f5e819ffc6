from tests.cli.conftest import SMALL


def test_one_row_for_each_solver_and_the_best_marked(cli):
    told = cli("compare", *SMALL, "--solvers", "auto,baseline:a,baseline:equal", "--json").json["rows"]
    assert [row["solver"] for row in told] == ["enumeration", "baseline:a", "baseline:equal"]
    assert [row["best"] for row in told] == [True, False, False]
    assert all(row["bound"] <= row["objective"] * (1 + 1e-9) for row in told)
    lines = cli("compare", *SMALL, "--solvers", "auto,baseline:a").out.splitlines()
    assert lines[2].startswith("* fedsllm") and lines[3].startswith("  fedsllm") and lines[-1] == "* best"


def test_all_solvers_and_baselines_by_default(cli):
    told = cli("compare", *SMALL, "--json").json["rows"]
    assert [row["solver"] for row in told] == [
        "enumeration",
        "alternating",
        *(f"baseline:{name}" for name in ("a", "b", "c", "d", "equal")),
    ]


def test_several_targets_have_their_own_tables(cli, tmp_path):
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('problem = "fedsllm"\n[sample]\nclients = 2\n')
    command = ("compare", *SMALL, scenario, "--solvers", "auto")
    rows = cli(*command, "--json").json["rows"]
    assert [row["target"] for row in rows] == ["fedsllm", str(scenario)] and all(row["best"] for row in rows)
    assert cli(*command).out.count("* best") == 2


def test_infeasible_with_words(cli):
    outcome = cli("compare", "fedsllm", "--set", "clients=30")
    assert outcome.code == 3 and "the main link has 20 subchannels for 30 clients" in outcome.out
    assert "* best" not in outcome.out
