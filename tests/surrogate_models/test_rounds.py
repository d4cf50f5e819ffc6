"""Rounds as a document: callable at the ranks that are known, interpolated where fitted, refused where foreign."""

import json

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.surrogate_models.fitting import rounds_from_runs
from rasolve.surrogate_models.rounds import Rounds
from tests.surrogate_models.made_up import SETTINGS, TARGET, drawn

MEDIANS = {1: 30.0, 2: 22.0, 8: 12.0}


@pytest.fixture(scope="module")
def fitted():
    runs = drawn(np.random.default_rng(0), MEDIANS, seeds=3)
    return rounds_from_runs(runs, "gpt-mini", SETTINGS, TARGET)


def test_between_fitted_ranks_log_rounds_go_with_log_rank(fitted):
    assert fitted(4) == pytest.approx(np.sqrt(fitted(2) * fitted(8)))
    low, high = fitted.interval(4)
    assert low < fitted(4) < high and fitted.run_interval(4)[0] < low < high < fitted.run_interval(4)[1]


@pytest.mark.parametrize("rank", [9, 16])
def test_no_extrapolation(fitted, rank):
    with pytest.raises(InputError, match=f"rank = {rank} is outside the fitted ranks 1, 2, 8: no extrapolation"):
        fitted(rank)


def test_given_rounds_are_not_interpolated():
    given = Rounds(table={1: 30.0, 4: 15.0}, model="gpt-mini")
    with pytest.raises(InputError, match="rank = 2 is not in the table of rounds; known ranks: 1, 4"):
        given(2)
    assert given.interval(1) is None and given.run_interval(1) is None and given.said(1) == "30 rounds"


def test_the_file_has_all_behind_it(fitted, tmp_path):
    again = Rounds.load(fitted.save(tmp_path / "rounds.json"))
    assert again.to_json() == fitted.to_json() and str(again) == str(fitted)
    assert again.source == "fitted" and again.model == "gpt-mini" and again(3) == fitted(3)
    refit = rounds_from_runs(again.evidence.runs, again.model, again.evidence.settings, again.evidence.target)
    assert refit.to_json() == fitted.to_json()
    assert str(fitted) == ("fitted rounds for gpt-mini to loss 3 (9 runs, 3 seeds, 3 clients, batch 4, 2 local steps)")


def changed(fitted, path, change):
    fields = json.loads(fitted.to_json())
    change(fields)
    path.write_text(json.dumps(fields))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.update(evidence=None), "fitted rounds need evidence"),
        (lambda f: f.update(source="given"), "given rounds have no evidence"),
        (lambda f: f["evidence"]["low"].pop("2"), "evidence must hold an interval for every rank of the table"),
        (lambda f: f["table"].update({"2": 500}), "500 rounds at rank 2 are outside their own interval"),
        (lambda f: f.update(version=2), "rounds version = 2 is newer than 1"),
        (lambda f: f.update(kind="plan"), "this is a plan document, not a rounds"),
        (lambda f: f["evidence"].update(targte=1), "unknown field of evidence 'targte'"),
        (lambda f: f["evidence"].update(runs=[]), "evidence has no runs"),
        (lambda f: f["evidence"]["runs"][0].update(loss=[]), "loss is empty"),
        (lambda f: f["table"].update({"0": 5}), "rank = 0 must be at least 1"),
    ],
)
def test_files_that_are_refused(fitted, tmp_path, change, message):
    path = changed(fitted, tmp_path / "rounds.json", change)
    with pytest.raises(InputError, match=message) as refused:
        Rounds.load(path)
    assert str(path) in str(refused.value)


def test_a_truncated_file(fitted, tmp_path):
    path = tmp_path / "rounds.json"
    path.write_text(fitted.to_json()[:-100])
    with pytest.raises(InputError, match=r"rounds\.json: not a whole rounds document"):
        Rounds.load(path)


def test_fedsllm_uses_them_unchanged(fitted):
    problem = ra.FedsLLM.sample(model="gpt-mini", clients=3, batch_size=4, local_steps=2, rounds=fitted)
    assert problem.ranks == (1, 2, 8)
    result = ra.solve(problem)
    rank = int(result.decision.rank[0])
    assert result.notes == (str(fitted), f"at rank {rank}: {fitted.said(rank)}")
    assert f"note: at rank {rank}: " in str(result) and "90 % interval" in str(result)
    plan = result.plan()
    assert plan.rounds == fitted(rank) and plan.rounds_source == str(fitted)
    assert ra.FedsLLM.from_json(problem.to_json()).rounds.to_json() == fitted.to_json()
    between = problem.replace(ranks=(4,))
    assert ra.solve(between).plan().rounds == fitted(4)


def test_they_belong_to_their_model_and_say_where_the_training_differed(fitted):
    with pytest.raises(InputError, match="rounds are for gpt-mini, not for gpt2-s: fit or give them anew"):
        ra.FedsLLM.sample(rounds=fitted)
    with pytest.raises(InputError, match="rank = 16 is outside the fitted ranks"):
        ra.FedsLLM.sample(model="gpt-mini", rounds=fitted, ranks=(1, 16))
    other = ra.FedsLLM.sample(model="gpt-mini", clients=5, rounds=fitted)
    assert other.notes()[-1] == (
        "these rounds were fitted with 3 clients, batch 4, 2 local steps, "
        "this problem has 5 clients, batch 16, 12 local steps: fit anew"
    )
