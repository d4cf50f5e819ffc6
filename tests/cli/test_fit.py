"""rasolve fit and rasolve loop, with a training short enough for a test."""

import json

import numpy as np
import pytest

import rasolve as ra
from rasolve.calibration import loop as loops
from rasolve.calibration import rounds as fitting
from rasolve.surrogate_models.fitting import rounds_from_runs
from tests.cli.conftest import SMALL
from tests.surrogate_models.made_up import SETTINGS, TARGET, drawn
from tests.surrogate_models.test_time import HERE, model_of

pytestmark = pytest.mark.usefixtures("one_thread")

SHORT = ("--ranks", "1,8", "--seeds", 2, "--most-rounds", 5, "--clients", 2, "--set", "batch_size=1")


@pytest.fixture(scope="module")
def made_up():
    runs = drawn(np.random.default_rng(0), {1: 30.0, 2: 22.0, 8: 12.0}, seeds=3)
    return rounds_from_runs(runs, "gpt-mini", SETTINGS, TARGET)


@pytest.fixture
def times(monkeypatch):
    """Put a made-up time model in the place of a calibration."""
    from rasolve.surrogate_models.time import time_model_of

    model = time_model_of(*model_of(np.random.default_rng(0), 0.1), HERE)
    for place in ("rasolve.calibration.loop.fit_time", "rasolve.cli.fit.fit_time"):
        monkeypatch.setattr(place, lambda *_, **__: model)
    return model


def test_fit_rounds_then_solve_with_them(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("fit", "rounds", *SHORT, "--picture", "rounds.png")
    assert outcome.code == 0 and "fitted rounds for gpt-mini to loss" in outcome.out
    assert "saved rounds.json" in outcome.out and (tmp_path / "rounds.png").exists()
    found = ra.Rounds.load("rounds.json")
    solved = cli("solve", "fedsllm", "--set", "model=gpt-mini", "--set", "rounds=rounds.json", "--out", "plan.json")
    assert solved.code == 0 and f"note: {found}" in solved.out and "90 % interval" in solved.out
    assert ra.Plan.load("plan.json").rounds_source == str(found)
    told = cli("fit", "rounds", "--from", "rounds.json", "--target", found.evidence.target + 0.1, "--json").json
    assert told["target"] == found.evidence.target + 0.1 and len(told["runs"]) == 4


def test_rounds_in_a_scenario_stand_beside_it(cli, tmp_path, made_up):
    made_up.save(tmp_path / "rounds.json")
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        'problem = "fedsllm"\n[sample]\nclients = 3\nmodel = "gpt-mini"\n[data]\nrounds = "rounds.json"\n'
    )
    told = cli("check", scenario, "--json").json
    assert told["notes"][0] == str(made_up)
    rank = cli("solve", scenario, "--json").json["decision"]["rank"][0]
    assert rank in made_up.table


def test_rounds_of_another_model_and_broken_files_are_refused(refused, tmp_path, made_up):
    path = made_up.save(tmp_path / "rounds.json")
    told = refused("solve", "fedsllm", "--set", f"rounds={path}")
    assert "rounds are for gpt-mini, not for gpt2-s: fit or give them anew" in told
    assert "ranks" not in told
    assert "outside the fitted ranks" in refused("solve", *SMALL, "--set", f"rounds={path}", "--set", "ranks=[9]")
    path.write_text(path.read_text()[:200])
    assert "rounds.json: not a whole rounds document" in refused("solve", *SMALL, "--set", f"rounds={path}")
    assert "none.json: No such file" in refused("solve", *SMALL, "--set", "rounds=none.json")


def test_a_table_says_who_reached_and_who_did_not(cli, tmp_path, made_up):
    path = made_up.save(tmp_path / "rounds.json")
    outcome = cli("fit", "rounds", "--from", path, "--out", tmp_path / "again.json")
    assert outcome.code == 0 and "3 of 3 runs" in outcome.out and "90 % interval" in outcome.out
    assert (tmp_path / "again.json").read_text() == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("fit", "rounds", "--ranks", "1,x"), "ranks = 1,x: must be whole numbers with commas"),
        (("fit", "rounds", "--ranks", "0"), "ranks holds 0: must be at least 1"),
        (("fit", "rounds", "--seeds", "1"), "seeds = 1: must be at least 2"),
        (("fit", "rounds", "--most-rounds", "2"), "most_rounds = 2: must be at least 4"),
        (("fit", "rounds", "--model", "gpt-minni"), "unknown model 'gpt-minni'; did you mean gpt-mini"),
        (("fit", "rounds", "--target", "0"), "target = 0.0: must be above 0"),
        (("fit", "rounds", "--from", "none.json"), "cannot read none.json: No such file"),
        (("fit", "rounds", "--data", "none.csv"), "none.csv: No such file"),
        (("fit", "time", "--repeats", "1"), "repeats = 1: must be at least 2"),
        (("fit", "tiem"), "'tiem'. Did you mean 'time'?"),
        (("loop", "--ranks", ""), "ranks = : must be whole numbers"),
        (("loop", "--folder", "file"), "cannot write file: File exists"),
    ],
)
def test_what_people_mistype(refused, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert complaint in refused(*arguments)


@pytest.mark.usefixtures("times")
def test_fit_time_and_run_with_it(cli, stored, tmp_path):
    path = tmp_path / "time.json"
    outcome = cli("fit", "time", "--out", path, "--picture", tmp_path / "time.png")
    assert outcome.code == 0 and "GFLOP/s" in outcome.out and (tmp_path / "time.png").exists()
    assert cli("fit", "time", "--out", path, "--json").json["machine"]["threads"] == 1
    ran = cli("run", stored[1], "--steps", 2, "--no-reference", "--time", path)
    assert ran.code == 0 and "wall-clock of the last 1 steps" in ran.out
    told = cli("run", stored[1], "--steps", 2, "--no-reference", "--time", path, "--json").json
    assert told["wall_clock"]["low"] <= told["wall_clock"]["predicted"] <= told["wall_clock"]["high"]
    path.write_text("{")
    outcome = cli("run", stored[1], "--time", path)
    assert (outcome.code, outcome.out) == (2, "") and "time.json: not a whole time document" in outcome.err


@pytest.mark.usefixtures("times")
def test_the_whole_loop(cli, tmp_path):
    folder = tmp_path / "out"
    told = cli("loop", *SHORT, "--folder", folder, "--json").json
    assert told["rounds"]["predicted"] > 0 and told["rounds"]["interval"][0] < told["rounds"]["interval"][1]
    ratio = told["delay_s"]["measured"] / told["delay_s"]["predicted"]
    assert ratio == pytest.approx(told["rounds"]["measured"] / told["rounds"]["predicted"])
    assert told["bits_agree"] and told["worst_flops_difference"] == 0 and told["wall_s"]["steps"] > 0
    assert set(told["refitted"]) >= set(told["fitted"]) and told["rank"] in (1, 8)
    for name in ("rounds.json", "time.json", "plan.json", "result.json", "report.json", "refitted.json"):
        assert (folder / name).exists()
    before, after = (ra.Rounds.load(folder / f"{name}.json").evidence.runs for name in ("rounds", "refitted"))
    assert len(after) == len(before) + 1 and max(run.seed for run in after) == 2


@pytest.mark.usefixtures("times")
def test_the_loop_in_words(cli, tmp_path):
    outcome = cli("loop", *SHORT, "--folder", tmp_path)
    assert outcome.code == 0
    for words in ("rounds", "delay", "wall-clock", "rounds fitted", "and with the new run", "rounds.png"):
        assert words in outcome.out


def test_an_interrupt_of_a_fit_says_what_is_missing(cli, tmp_path, monkeypatch):
    train, trained = fitting.train_to, []

    def interrupted(*arguments, **settings):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(train(*arguments, **settings))
        return trained[-1]

    monkeypatch.setattr(fitting, "train_to", interrupted)
    outcome = cli("fit", "rounds", *SHORT, "--out", tmp_path / "rounds.json")
    assert outcome.code == 0 and "interrupted before rank 8 had two runs" in outcome.out
    assert list(ra.Rounds.load(tmp_path / "rounds.json").table) == [1]


@pytest.mark.usefixtures("times")
def test_an_interrupt_of_the_loop_leaves_what_is_done(cli, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(loops, "train_to", interrupted)
    outcome = cli("loop", *SHORT, "--folder", tmp_path)
    assert outcome.code == 4 and outcome.err == "error: interrupted before anything was found\n"
    assert (tmp_path / "rounds.json").exists() and (tmp_path / "plan.json").exists()
    monkeypatch.setattr(fitting, "train_to", interrupted)
    assert cli("fit", "rounds", *SHORT, "--out", tmp_path / "new.json").code == 4
    assert not (tmp_path / "new.json").exists()
    assert json.loads((tmp_path / "rounds.json").read_text())["kind"] == "rounds"
