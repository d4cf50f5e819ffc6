"""Fitting rounds by real training of a tiny model."""

import pytest

import rasolve as ra
from rasolve.calibration.rounds import fit_rounds, plan_at, train_to
from rasolve.errors import InputError
from rasolve.scenario.workload import Transformer

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = Transformer(name="tiny", blocks=3, width=16, heads=2, tokens=12, vocabulary=128)
ROUNDS = 12


@pytest.fixture(scope="module")
def problem():
    drawn = ra.FedsLLM.sample(model="gpt-mini", clients=2, batch_size=4, local_steps=2)
    return drawn.replace(profile=TINY.profile())


@pytest.fixture(scope="module")
def fitted(problem):
    heard = []
    return fit_rounds(problem, [8, 1], seeds=2, most_rounds=ROUNDS, callback=heard.append), heard


def test_two_ranks_and_two_seeds(fitted):
    found, heard = fitted
    assert found.model == "tiny" and found.source == "fitted" and list(found.table) == [1, 8]
    assert found(8) <= found(1) <= ROUNDS
    runs = found.evidence.runs
    assert [(run.rank, run.seed, run.cut) for run in runs] == [(1, 0, 2), (1, 1, 2), (8, 0, 2), (8, 1, 2)]
    assert [len(run.loss) for run in runs[:2]] == [2 * ROUNDS] * 2
    assert all(len(run.loss) < 2 * ROUNDS for run in runs[2:]), "the fast rank stops when it has the target"
    assert [(each.run, each.of, each.rank) for each in heard if each.step.number == 1] == [
        (1, 4, 1),
        (2, 4, 1),
        (3, 4, 8),
        (4, 4, 8),
    ]


def test_the_same_again(problem, fitted):
    again = fit_rounds(problem, [1, 8], seeds=2, most_rounds=ROUNDS)
    assert again.to_json() == fitted[0].to_json()


def test_it_solves_with_what_it_fitted_and_trains_to_the_target(problem, fitted):
    found, _ = fitted
    solvable = problem.replace(rounds=found, ranks=tuple(found.table))
    plan = ra.solve(solvable).plan()
    target = found.evidence.target
    run, report = train_to(plan, target, seed=2, most_rounds=3 * ROUNDS)
    assert run.curve(2).confirms(target) and report.steps == len(run.loss) < 6 * ROUNDS
    assert report.bits_agree and not report.interrupted


def test_runs_that_miss_the_target_are_censored(problem, fitted):
    hard = fitted[0].evidence.target - 0.25
    found = fit_rounds(problem, [1, 8], seeds=2, target=hard, most_rounds=ROUNDS)
    assert [crossing.reached for crossing in found.evidence.crossings()] == [False, False, True, True]
    assert list(found.table) == [8] and found.evidence.unreached == {1: ROUNDS - 1.25}


def interrupting(at):
    def heard(training):
        if training.run == at:
            raise KeyboardInterrupt

    return heard


def test_an_interrupt_keeps_the_ranks_that_are_complete(problem):
    found = fit_rounds(problem, [1, 8], seeds=2, most_rounds=ROUNDS, callback=interrupting(at=4))
    assert list(found.table) == [1] and len(found.evidence.runs) == 2
    with pytest.raises(KeyboardInterrupt):
        fit_rounds(problem, [1, 8], seeds=2, most_rounds=ROUNDS, callback=interrupting(at=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranks": []}, "ranks is empty: at least one is needed"),
        ({"ranks": [0, 1]}, "ranks holds 0: must be at least 1"),
        ({"seeds": 1}, "seeds = 1: must be at least 2, the interval is their spread"),
        ({"most_rounds": 3}, "most_rounds = 3: must be at least 4"),
        ({"target": -1.0}, r"target = -1\.0: must be above 0"),
        ({"target": float("nan")}, "target = nan: must be above 0"),
    ],
)
def test_arguments_out_of_range(problem, arguments, message):
    with pytest.raises(InputError, match=message):
        fit_rounds(problem, **{"ranks": [1, 2], **arguments})


def test_unequal_clients_have_no_one_rank(problem):
    plan = plan_at(problem, cut=1, rank=5)
    for name in ("cut", "rank"):
        with pytest.raises(InputError, match=rf"{name} = \[1, 2\]: must be the same for every client to fit rounds"):
            train_to(plan.replace(**{name: [1, 2]}), 4.0, seed=0)


def test_plans_are_at_the_cut_and_rank_asked_for(problem):
    plan = plan_at(problem, cut=1, rank=5)
    assert set(plan.cut) == {1} and set(plan.rank) == {5} and plan.clients == 2
