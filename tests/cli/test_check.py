import json

import pytest

import rasolve as ra
from tests.cli.conftest import SMALL

SEEDED = (*SMALL, "--seed", 1)


def edit(plan, change):
    """Change fields of a stored plan, named by their path, and return its path."""
    fields = json.loads(plan.read_text())
    for path, value in change.items():
        *inner, last = (int(part) if part.isdigit() else part for part in path.split("."))
        holder = fields
        for part in inner:
            holder = holder[part]
        holder[last] = value
    plan.write_text(json.dumps(fields))
    return plan


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
    assert "can be run yes" in outcome.out
    told = cli("check", "fedsllm", stored[1], *SEEDED[1:], "--json").json
    assert told["clients"] == 3 and told["can_be_run"] and told["obstacle"] is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model": None}, "the plan names no model which can be built"),
        ({"parameter_bits": 7}, "parameter_bits = 7: must be one of 32, 64 to run"),
        ({"model.vocabulary": 2}, "gpt-mini: vocabulary = 2: text needs at least the 128 ASCII tokens"),
        ({"batch_size": 10**7}, "batch_size = 10000000: the run needs"),
    ],
)
def test_a_plan_that_cannot_be_run_says_why(cli, refused, stored, change, complaint):
    edited = edit(stored[1], change)
    outcome = cli("check", edited)
    assert outcome.code == 0 and f"can be run no, because {complaint}" in outcome.out
    told = cli("check", edited, "--json").json
    assert not told["can_be_run"] and complaint in told["obstacle"]
    assert complaint in refused("run", edited)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"prediction.0.stage": "nothing"}, "stage = 'nothing': must be 'client forward'"),
        ({"prediction.0.party": "client 1\n"}, r"party = 'client 1\n': must be server, or client and"),
        ({"prediction.0.party": "client 0"}, "party = 'client 0': must be server, or client and"),
        ({"prediction.0.party": "clients"}, "party = 'clients': must be server, or client and"),
        ({"prediction.0.party": "client 4"}, "prediction.0.party = 'client 4': the plan has 3 clients"),
        ({"prediction.0.party": "client 2"}, "prediction.1 says once more: the flops of client 2, client forward"),
    ],
)
def test_predictions_are_checked(refused, stored, change, complaint):
    assert complaint in refused("check", edit(stored[1], change))


def test_a_document_without_a_kind_is_asked_for_one(refused, stored):
    for path in stored:
        path.write_text("{}")
        assert f"{path} names no kind: is this a plan, a result or a problem?" in refused("check", path)
        assert f"{path} names no kind" in refused("check", "fedsllm", path)


def test_documents_must_belong_together(refused, stored):
    assert "the plan has 3 clients, the problem 5" in refused("check", "fedsllm", stored[1])
    assert "decision.cut has shape [3], needs [5]" not in refused("check", stored[0])
    assert "another instance of fedsllm" in refused("check", "fedsllm", stored[0])
