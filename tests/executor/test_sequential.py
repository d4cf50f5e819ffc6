"""Split training in turn: a cut that moves from slot to slot, handed over, measured, and decided while it runs."""

import json

import numpy as np
import pytest
import torch

import rasolve as ra
from rasolve.errors import InputError
from rasolve.executor.layered import make
from rasolve.executor.run import run
from rasolve.executor.steps import Done, Step, add
from rasolve.plan import Plan, Stage
from rasolve.problems.adaptive_split.decision import SplitDecision

MODELS = {"lenet12": [0, 3, 12, 7, 1, 10], "gpt-mini": [0, 4, 2, 1, 3, 2]}


def problem(model, slots=6, **changes):
    p = ra.AdaptiveSplit.sample(
        model=model, slots=slots, devices=3, local_steps=2, batch_size=2, **{"energy_budget_j": 1e9, **changes}
    )
    exact = p.profile.architecture
    wide = (exact.profile(64) if model != "lenet12" else ra.scenario.lenet.lenet12(64)) if exact else None
    return p.replace(profile=wide)


def plan_of(model, cuts, **changes):
    """Return a float64 plan with a cut and a clock of its own in every slot."""
    p = problem(model, len(cuts), **changes)
    clock_hz = np.linspace(p.clock_min_hz, p.clock_max_hz, len(cuts))
    return p.plan(SplitDecision(np.array(cuts), clock_hz), "by hand")


@pytest.mark.parametrize("model", MODELS)
def test_moving_the_cut_changes_nothing_of_what_is_learned(model):
    steps = 2 * len(MODELS[model])
    moved = run(plan_of(model, MODELS[model]), steps)
    assert moved.dtype == "float64" and moved.worst_loss_difference < 1e-10
    assert len(set(moved.loss)) == steps, "something is trained"
    for cut in (0, max(MODELS[model]), 2):
        fixed = run(plan_of(model, [cut] * len(MODELS[model])), steps, reference=False)
        assert fixed.loss == pytest.approx(moved.loss, rel=1e-10), "the same training wherever the cut is"


@pytest.mark.parametrize("model", MODELS)
def test_work_traffic_time_and_energy_are_as_predicted(model):
    plan = plan_of(model, MODELS[model])
    report = run(plan, 12, reference=False)
    assert report.bits_agree and report.worst_flops_difference == 0
    assert report.worst_seconds_difference < 1e-12 and report.worst_difference("joules") < 1e-12
    assert report.cut.tolist() == MODELS[model] and report.device.tolist() == [0, 1, 2, 0, 1, 2] and report.rounds == 6
    p = problem(model)
    parts = p.evaluate(SplitDecision(plan.cut, plan.server_flops_per_s / p.server_flops_per_cycle)).parts
    (turns,) = report.delays
    assert turns.measured == pytest.approx(parts["slot_s"].sum(), rel=1e-12), "what the problem says of its slots"
    joules = sum(row.measured for row in report.rows if row.quantity == "joules")
    assert joules == pytest.approx(parts["energy_j"].sum(), rel=1e-12)


def test_cut_and_clock_is_trained_by():
    p = ra.CutAndClock.sample(rounds=1, model="gpt-mini", rank=2, local_epochs=2, samples_per_epoch=2, channel="poor")
    result = ra.solve(p, "baseline:random", seed=1)
    report = run(result.plan(), 10)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference < 1e-5
    assert len(set(report.cut)) > 1 and report.device.tolist() == [0, 1, 2, 3, 4]
    assert report.delays[0].measured == pytest.approx(result.evaluation.parts["delay_s"].sum(), rel=1e-9)
    server = sum(row.measured for row in report.rows if (row.quantity, row.stage) == ("joules", Stage.SERVER))
    assert server == pytest.approx(result.evaluation.parts["server_j"].sum(), rel=1e-9)


def test_bits_equal_those_counted_by_hand():
    report = run(plan_of("lenet12", [3, 12, 0]), 6, reference=False)
    bits = {(row.party, row.stage): row.measured for row in report.rows if row.quantity == "bits"}
    below = 64 * (9 * 32 + 32 + 9 * 32 * 32 + 32)
    assert bits["client 1", Stage.ADAPTERS_DOWN] == bits["client 1", Stage.ADAPTERS_UP] == below
    assert bits["client 1", Stage.ACTIVATIONS] == bits["client 1", Stage.GRADIENTS] == 2 * 2 * 64 * 14 * 14 * 32
    assert bits["client 1", Stage.LABELS] == bits["client 3", Stage.LABELS] == 2 * 2 * 8
    assert bits["client 2", Stage.ACTIVATIONS] == bits["client 2", Stage.LABELS] == 0, "all is on the device"
    assert bits["client 3", Stage.ACTIVATIONS] == 2 * 2 * 64 * 28 * 28 and bits["client 3", Stage.GRADIENTS] == 0


def test_the_next_device_goes_on_with_what_the_last_one_trained():
    """Without the hand-over the server's copy of the lower blocks would stay as it was."""
    plan = plan_of("lenet12", [12, 0])
    handed = run(plan, 4, reference=False).loss
    _, (model, *_) = make(plan.model, 0, 64, 0)
    fresh = run(plan_of("lenet12", [0, 0]), 4, reference=False).loss
    assert handed == pytest.approx(fresh, rel=1e-10) and handed[2] != handed[0]
    assert all(weight.dtype == torch.float64 for weight in model.trained())


def test_turns_begin_again_and_the_last_may_be_incomplete():
    report = run(plan_of("gpt-mini", [1, 3]), 7, reference=False)
    assert report.cut.tolist() == [1, 3, 1, 3] and report.rounds == 3 and report.bits_agree
    up = [row.measured for row in report.rows if (row.quantity, row.stage) == ("bits", Stage.ADAPTERS_UP)]
    down = [row.measured for row in report.rows if (row.quantity, row.stage) == ("bits", Stage.ADAPTERS_DOWN)]
    assert up == [*down[:3], 0] and down[3] > 0, "what the fourth turn trains has come down and not gone up yet"
    assert report.worst_flops_difference == 0 and report.worst_seconds_difference < 1e-12


def test_lenet_learns_digits_and_a_small_gpt_text():
    for model, cuts, batch, drop in (("lenet12", [3, 6, 0], 16, 0.5), ("gpt-mini", [1, 3, 2], 4, 0.75)):
        p = ra.AdaptiveSplit.sample(
            model=model, slots=3, devices=3, local_steps=10, batch_size=batch, energy_budget_j=1e9
        )
        plan = p.plan(SplitDecision(np.array(cuts), np.full(3, p.clock_max_hz)), "by hand")
        report = run(plan, 60, reference=False)
        assert report.dtype == "float32" and report.loss[-10:].mean() < drop * report.loss[0], model


class Recorded(ra.OnlinePolicy):
    """A policy that remembers what it was told."""

    def learn(self, outcome):
        self.heard = [*getattr(self, "heard", []), float(outcome[0])]
        super().learn(outcome)


@pytest.mark.parametrize("scope", ["device", "server", "total"])
def test_a_running_policy_takes_the_path_of_the_solver_and_learns_what_was_measured(scope):
    p = problem("gpt-mini", energy_scope=scope, energy_budget_j=1e-5, energy_slack=1e6, bandwidth_up_hz=1e7)
    policy = Recorded.of(p, 1e-4)
    report = ra.run(ra.OnlineTurns(p, policy), 12)
    offline = ra.solve(p, "drift_plus_penalty", v=1e-4)
    assert report.cut.tolist() == offline.decision.cut.tolist() and report.solver == "online" and report.bits_agree
    assert len(set(report.cut)) > 1 and report.worst_loss_difference < 1e-10, "the policy moves the cut"
    assert policy.heard == pytest.approx(offline.evaluation.parts["energy_j"][:, 0], rel=1e-12)
    assert policy.queues.slots == 6
    assert policy.queues.prices[0] == pytest.approx(offline.multipliers["energy_budget_j"], rel=1e-12)


def test_a_policy_of_ones_own_moves_the_cut():
    p = problem("lenet12", slots=4)

    class Alternating:
        cut = 3

        def decide(self, observation):
            return SplitDecision(np.array([self.cut]), np.array([observation.clock_max_hz]))

        def learn(self, outcome):
            self.cut = 15 - self.cut

    report = ra.run(ra.OnlineTurns(p, Alternating(), "alternating", first=1), 7)
    assert report.cut.tolist() == [3, 12, 3, 12] and report.device.tolist() == [1, 2, 0, 0] and report.rounds == 3
    assert report.worst_loss_difference < 1e-10 and report.solver == "alternating"


def test_a_run_is_continued_within_a_turn(tmp_path):
    plan = plan_of("gpt-mini", [1, 3, 2])
    whole = run(plan, 6)
    run(plan, 3, checkpoint=tmp_path)
    resumed = run(plan, 6, checkpoint=tmp_path, resume=True)
    assert (resumed.loss == whole.loss).all() and (resumed.reference_loss == whole.reference_loss).all()
    assert json.loads(resumed.to_json())["rows"] == json.loads(whole.to_json())["rows"]


def test_what_cannot_be_run_says_why():
    p = problem("gpt-mini", slots=2)
    plan = plan_of("gpt-mini", [1, 2])
    with pytest.raises(InputError, match="some clients train at once: the executor trains one device after another"):
        run(plan.replace(turn=np.array([0, 0])))
    with pytest.raises(InputError, match="rank = 0: gpt-mini needs at least 1, for it trains adapters"):
        run(plan.replace(rank=np.array([0, 0])))
    with pytest.raises(InputError, match="rank = 4 and others: what is handed over must have one rank"):
        run(plan.replace(rank=np.array([4, 2])))
    with pytest.raises(InputError, match="the plan names no model which can be built"):
        run(plan.replace(model=None))
    with pytest.raises(InputError, match=r"batch_size = 1000000000: the run needs .* this machine has"):
        run(plan.replace(batch_size=10**9))
    with pytest.raises(InputError, match="module: a plan of protocol split_sequential builds its own model"):
        run(plan, module=torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match="checkpoint: a policy's turns are not recorded"):
        run(ra.OnlineTurns(p, ra.OnlinePolicy.of(p, 1.0)), checkpoint="somewhere")
    with pytest.raises(InputError, match="fedsllm has no slots that are decided"):
        ra.OnlineTurns(ra.FedsLLM.sample(), ra.OnlinePolicy.of(p, 1.0))
    with pytest.raises(InputError, match="lenet12 trains on digits: a file of text does not suit it"):
        run(plan_of("lenet12", [3]), data="some.csv")


def test_a_policy_must_go_on_with_what_it_began():
    p = problem("gpt-mini", slots=3)

    class Fickle:
        devices = (0, 1, 2)

        def decide(self, turn):
            plan = p.slot(turn).plan(SplitDecision(np.array([1]), np.array([p.clock_max_hz])), "fickle")
            return plan.replace(**self.change) if turn else plan

        def learn(self, joules):
            pass

    source = Fickle()
    for change, message in (
        ({"batch_size": 3}, "turn 1: batch_size = 3: was 2 before"),
        ({"rank": np.array([2])}, "turn 1: another model or rank than in the turns before"),
        ({"device": np.array([7])}, r"turn 1: device 7 is none of \[0, 1, 2\]"),
    ):
        source.change = change
        with pytest.raises(InputError, match=message):
            run(source, 4, reference=False)


def test_plans_survive_json_and_turns_are_taken_apart_and_joined():
    plan = plan_of("lenet12", [3, 12, 0])
    again = Plan.from_json(plan.to_json())
    assert again.to_json() == plan.to_json() and again.model.layers[2].op == "pool"
    turns = [plan.of_turn(t) for t in range(3)]
    assert [t.cut.tolist() for t in turns] == [[3], [12], [0]]
    joined = type(plan).joined(turns)
    amounts = [{(e.party, e.stage, e.quantity): e.value for e in each.prediction} for each in (joined, plan)]
    assert amounts[0] == amounts[1]
    assert joined.objective == pytest.approx(plan.objective)


def test_long_runs_keep_what_was_metered_of_their_ends_alone():
    done = []
    for number in range(1, 6):
        add(
            done,
            Done(Step(number, 5, 1.0, None, 0), {("client 1", "labels"): number}, {("client 1", "labels"): 1.0}, 0.1),
        )
    assert [len(each.bits) + len(each.wall) for each in done] == [2, 0, 0, 0, 2]
    assert [each.progress.number for each in done] == [1, 2, 3, 4, 5] and list(done[-1].bits.values()) == [5]
