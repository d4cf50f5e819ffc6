"""Everything that people mistype or leave out ends in one line and exit code 2."""

import json

import numpy as np
import pytest

import rasolve as ra


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("main_subchannel_hz=0", "main_subchannel_hz[0] = 0 must be at least 1"),
        ("fed_subchannel_hz=-1e6", "fed_subchannel_hz[0] = -1e+06 must be at least 1"),
        ("main_gain=1e-30", "main_gain[0, 0] = 1e-30 must be at least 1e-25"),
        ("main_gain=nan", "main_gain[0, 0] = nan is not finite"),
        ("main_total_power_w=-1", "main_total_power_w = -1: must be"),
        ("client_power_w=0", "client_power_w[0] = 0 must be at least 1e-12"),
        ("client_flops_per_s=1", "client_flops_per_s[0] = 1 must be at least 1e+06"),
        ("client_memory_bytes=[1, 2]", "client_memory_bytes has shape [2], but [K] is [5] elsewhere"),
        ("ranks=[]", "ranks is empty: at least one candidate is needed"),
        ("ranks=[3]", "rank = 3 is not in the table of rounds"),
        ("cuts=[13]", "cuts holds 13: must be at most the profile's 12 blocks"),
        ("clients=0", "clients = 0: must be a whole number from 1"),
        ("clients=2.5", "clients = 2.5: must be a whole number from 1"),
        ("clients=100000000000000000000000", "must be a whole number from 1 to 10000000"),
        ("selective=yes", "selective = 'yes': must be true or false"),
        ("clinets=8", "unknown size or field of fedsllm 'clinets'; did you mean clients"),
        ("regime=wideband2", "unknown regime 'wideband2'; did you mean wideband"),
        ("regime=3", "unknown regime '3'; known: midband, narrowband, wideband"),
        ("model=gpt2", "unknown model 'gpt2'; did you mean gpt2-s"),
        ("model=[1]", "unknown model '[1]'"),
        ("profile={}", "profile: field 'model' is missing"),
        ("path_loss=[]", "unknown path-loss model '[]'"),
        ("main_gain=none.npy", "cannot read none.npy: No such file or directory"),
        ("clients", "'clients' must have the form key=value"),
    ],
)
def test_fields(refused, change, complaint):
    assert complaint in refused("solve", "fedsllm", "--set", change)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("slove",), "'slove'. Did you mean 'solve'?"),
        (("solve",), "missing TARGET, e.g. rasolve solve fedsllm\n"),
        (("compare",), "missing TARGETS, e.g. rasolve compare fedsllm\n"),
        (("run",), "missing PLAN, e.g. rasolve run plan.json\n"),
        (("plot",), "missing RESULT, e.g. rasolve plot result.json --problem fedsllm\n"),
        (("plot", "result.json"), "missing option '--problem'\n"),
        (("check", 5000 * "a"), "File name too long"),
        (("check", 5000 * "a" + ".json"), "File name too long"),
        (("check", "a\0b"), "an argument holds a NUL character"),
        (("solve", "fedsllm", "--seed", "1", "--set", "seed=3"), "seed: not a size or field, use --seed"),
        (("solve", "fedslm"), "unknown problem 'fedslm'; did you mean fedsllm"),
        (("solve", "fedsllm", "--sede", "1"), "--seed"),
        (("solve", "fedsllm", "--seed", "-1"), "seed = -1: must be a whole number from 0 to"),
        (("solve", "fedsllm", "--seed", "x"), "--seed"),
        (("solve", "fedsllm", "--solver", "alternatin"), "unknown solver 'alternatin'; did you mean alternating"),
        (("solve", "fedsllm", "--solver", "counts"), "solver 'counts' takes the form OfdmaLink"),
        (("solve", "fedsllm", "--solver", "baseline:e"), "unknown baseline of fedsllm 'e'"),
        (("solve", "fedsllm", "--option", "depth=3"), "has no option 'depth': it takes none"),
        (("solve", "fedsllm", "--option", "seed=3"), "not an option of a solver, use --seed"),
        (("solve", "fedsllm", "--gap", "-1"), "gap = -1.0: must be finite and at least 0"),
        (("solve", "fedsllm", "--time-limit", "0"), "time_limit = 0.0: must be above 0 s"),
        (("solve", "fedsllm", "--max-iterations", "0"), "max_iterations = 0: must be a whole number of at least 1"),
        (("solve", "fedsllm", "--start", "none.json"), "cannot read none.json: No such file or directory"),
        (("solve", "none.toml"), "cannot read none.toml: No such file or directory"),
        (("solve", "fedsllm", "--out", "none/plan.json"), "cannot write none/plan.json: No such file or directory"),
        (("list", "solver"), "'solver' is not one of"),
        (("compare", "fedsllm", "--solvers", "auto,alternatin"), "unknown solver of fedsllm 'alternatin'"),
        (("run", "none.json"), "cannot read none.json: No such file or directory"),
    ],
)
def test_commands(refused, arguments, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint in refused(*arguments)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("problem = ", "not a whole scenario"),
        ("[sample]\nclients = 3", "a scenario must name its problem"),
        ('problem = "fedslm"', "unknown problem 'fedslm'"),
        ('problem = "fedsllm"\n[smaple]', "unknown entry of a scenario 'smaple'; did you mean sample?"),
        ('problem = "fedsllm"\nsample = 3', "sample must be a table"),
        ('problem = "fedsllm"\n[sample]\n[data]\nmain_gian = [[1.0]]', "'main_gian'; did you mean main_gain"),
        ('problem = "fedsllm"\n[data]\nclient_pwer_w = [1.0]', "did you mean client_power_w"),
        ('problem = "fedsllm"\n[sample]\n[data]\nmain_gain = "none.npy"', "none.npy: No such file or directory"),
        ('problem = "fedsllm"\n[sample]\n[data]\nmain_gain = "half.npy"', "not a whole .npy array"),
    ],
)
def test_scenarios(refused, tmp_path, text, complaint):
    np.save(tmp_path / "half.npy", np.ones((5, 1)))
    (tmp_path / "half.npy").write_bytes((tmp_path / "half.npy").read_bytes()[:-20])
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    told = refused("check", path)
    assert complaint in told and "scenario.toml: " in told


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text[: len(text) // 2], "not a whole"),
        (lambda _: "[1, 2]", "a JSON object is needed"),
        (lambda text: text.replace('"version": 1', '"version": 2', 1), "plan version = 2 is newer than 1"),
        (lambda text: text.replace('"batch_size"', '"bacth_size"', 1), "unknown field of plan 'bacth_size'"),
        (
            lambda text: text.replace('"kind": "plan"', '"kind": "scenario"', 1),
            "this is a scenario document, not a plan",
        ),
    ],
)
def test_plans(refused, stored, damage, complaint):
    plan = stored[1]
    plan.write_text(damage(plan.read_text()))
    assert complaint in refused("run", plan)


def test_plans_are_checked_without_being_run(refused, stored):
    plan = stored[1]
    fields = json.loads(plan.read_text())
    plan.write_text(json.dumps({**fields, "cut": [99] * 3}))
    assert "cut = 99: must be at most the 4 blocks of gpt-mini" in refused("check", plan)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"decision": 3}, "decision is not a decision"),
        ({"history": [{"iteration": 1}]}, "result: field 'history.0.objective' is missing"),
        ({"history": 3}, "history must be a list"),
        ({"termination": "fine"}, "termination = 'fine': must be 'optimal'"),
        ({"problem": "fedslm"}, "unknown problem 'fedslm'"),
    ],
)
def test_results(refused, stored, change, complaint):
    result = stored[0]
    result.write_text(json.dumps({**json.loads(result.read_text()), **change}))
    assert complaint in refused("check", "fedsllm", result)


@pytest.mark.parametrize(
    ("field", "entry", "complaint"),
    [
        ("cut", "x", "decision.cut is not an array of numbers"),
        ("cut", 1.5, "decision.cut must hold whole numbers"),
        ("main_owner", [1], "decision.main_owner is not an array of numbers"),
        ("main_owner", 9, "decision.main_owner must name clients 0 to 2"),
        ("fed_psd_w_per_hz", None, "decision.fed_psd_w_per_hz must be finite"),
    ],
)
def test_decisions(refused, stored, field, entry, complaint):
    result = stored[0]
    fields = json.loads(result.read_text())
    fields["decision"][field][0] = entry
    result.write_text(json.dumps(fields))
    target = ra.FedsLLM.sample(seed=1, clients=3, subchannels=7, model="gpt-mini").save(result.parent / "problem.json")
    assert complaint in refused("check", target, result)


def test_a_folder_is_no_file(refused, tmp_path):
    assert "Is a directory" in refused("solve", tmp_path)
    assert "Is a directory" in refused("run", tmp_path)
