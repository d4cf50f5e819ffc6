import json

import pytest

import rasolve as ra
from tests.cli.conftest import SMALL

SEEDED = (*SMALL, "--seed", 1)


def test_a_scenario_is_valid(cli, tmp_path):
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('problem = "fedsllm"\n[sample]\nclients = 4\n')
    outcome = cli("check", scenario)
    assert outcome.code == 0 and outcome.out.startswith("valid fedsllm: K = 4, M = 20, N = 20")
    assert cli("check", scenario, "--json").json["sizes"]["K"] == 4


def test_a_result_shows_every_constraint(cli, stored):
    outcome = cli("check", "fedsllm", stored[0], *SEEDED[1:])
    assert outcome.code == 0
    assert "ok  main link: total power:" in outcome.out and "feasible, objective" in outcome.out
    told = cli("check", *SEEDED[:1], stored[0], *SEEDED[1:], "--json")
    assert told.json["feasible"] and told.json["objective"] == ra.Result.load(stored[0]).objective
    powers = next(c for c in told.json["constraints"] if c["name"] == "main link: power of a client")
    assert len(powers["value"]) == len(powers["limit"]) == 3 and powers["unit"] == "W"


@pytest.mark.parametrize(
    ("factor", "name"), [(3.0, "main link: power of a client"), (-1.0, "main link: negative density")]
)
def test_a_violated_constraint_is_named(cli, stored, factor, name):
    fields = json.loads(stored[0].read_text())
    fields["decision"]["main_psd_w_per_hz"] = [factor * psd for psd in fields["decision"]["main_psd_w_per_hz"]]
    stored[0].write_text(json.dumps(fields))
    outcome = cli("check", "fedsllm", stored[0], *SEEDED[1:])
    assert outcome.code == 3 and f"NOT {name}" in outcome.out and "NOT feasible" in outcome.out
    told = cli("check", "fedsllm", stored[0], *SEEDED[1:], "--json")
    assert told.code == 3 and not told.json["feasible"]


def test_a_result_without_a_decision_is_infeasible(cli, tmp_path):
    result = tmp_path / "result.json"
    cli("solve", "fedsllm", "--set", "clients=30", "--result", result)
    outcome = cli("check", "fedsllm", result, "--set", "clients=30")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("infeasible: the main link has 20 subchannels for 30 clients")


def test_a_plan_is_summarised(cli, stored):
    outcome = cli("check", stored[1])
    assert outcome.code == 0
    assert "valid plan: fedsllm by enumeration" in outcome.out and "gpt-mini" in outcome.out
    assert cli("check", "fedsllm", stored[1], *SEEDED[1:], "--json").json["clients"] == 3


def test_documents_must_belong_together(refused, stored):
    assert "the plan has 3 clients, the problem 5" in refused("check", "fedsllm", stored[1])
    assert "decision.cut has shape [3], needs [5]" not in refused("check", stored[0])
    assert "another instance of fedsllm" in refused("check", "fedsllm", stored[0])
