"""Training split at any cut of a graph: what crosses, what is counted, and that nothing is lost."""

import json

import numpy as np
import pytest
import torch
from dag_plans import BATCH, closed, crossing, plan_of, prepared, profile, started, trained
from torch import nn
from traced_modules import Halves, Shared, Tokens, TwoInputs

import rasolve as ra
from rasolve.errors import InputError
from rasolve.executor.checkpoint import read, write
from rasolve.executor.graphs.data import own_samples
from rasolve.executor.graphs.gpt2 import GPT2
from rasolve.executor.protocols.dag import Dag
from rasolve.executor.report import Report
from rasolve.executor.run import run
from rasolve.executor.trace import profile_of, trace
from rasolve.plan import Plan, Stage

SPLITS = {
    "branches": ("googlenet-mini", ("inception3a.three.1.conv", "inception3a.five.0.conv"), 3),
    "all branches but one": ("googlenet-mini", ("inception3b.one.conv", "inception3b.pool.0"), 3),
    "inside a dense block": ("densenet-mini", ("dense1.1.narrow.conv",), 3),
    "between dense layers": ("densenet-mini", ("dense2.0.conv",), 2),
    "beside a shortcut": ("resnet-mini", ("stage2.0.path.0.conv",), 2),
    "inside attention": ("gpt-mini", ("blocks.1.attention.query", "blocks.1.attention.value"), 4),
    "raw data only": ("densenet-mini", (), 1),
    "tokens only": ("gpt-mini", (), 1),
    "everything": ("vit-mini", ("head.logits",), 0),
}


def worst(rows, quantity):
    """Return the largest relative difference of a quantity that is predicted, infinite where it is not."""
    found = [(row.predicted, row.measured) for row in rows if row.quantity == quantity]
    return max(0.0 if p == m else abs(m - p) / p if p else np.inf for p, m in found)


@pytest.mark.parametrize("name", SPLITS)
def test_bits_flops_memory_and_losses_are_as_predicted(name):
    model, layers, tensors = SPLITS[name]
    tier = closed(profile(model), *layers)
    assert len(crossing(profile(model), tier)) == tensors
    rows, losses = trained(plan_of(profile(model), tier), 3)
    assert worst(rows, "bits") == worst(rows, "flops") == 0
    assert worst(rows, "memory_bytes") < 0.1 and worst(rows, "seconds") < 1e-12
    assert np.abs(losses[:, 0] / losses[:, 1] - 1).max() < 1e-10
    assert len(set(losses[:, 0])) == 3, "something is trained"


def test_bits_equal_those_counted_by_hand():
    """Two branches of an inception module on the device, one to its end and one half: three tensors cross."""
    tier = closed(profile("googlenet-mini"), "inception3a.three.1.conv", "inception3a.five.0.conv")
    assert crossing(profile("googlenet-mini"), tier) == {"pool1", "inception3a.three.1.conv", "inception3a.five.0.conv"}
    rows, _ = trained(plan_of(profile("googlenet-mini"), tier, local_steps=3), 7)
    bits = {row.stage: row.measured for row in rows if row.quantity == "bits"}
    assert bits[Stage.ACTIVATIONS] == bits[Stage.GRADIENTS] == 7 * BATCH * 64 * 8 * 8 * (8 + 6 + 2)
    assert bits[Stage.LABELS] == 7 * BATCH * 8
    weights = (9 * 8 + 16) + (8 * 3 + 6) + (9 * 3 * 6 + 12) + (8 * 2 + 4)
    assert bits[Stage.WEIGHTS_UP] == bits[Stage.WEIGHTS_DOWN] == 2 * 32 * weights * 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("model", ["googlenet-mini", "densenet-mini"])
def test_any_closed_set_can_be_on_the_device(model, seed):
    names = np.random.default_rng(seed).choice(profile(model).names, size=3)
    rows, losses = trained(plan_of(profile(model), closed(profile(model), *names)), 2)
    assert worst(rows, "bits") == worst(rows, "flops") == 0
    assert np.abs(losses[:, 0] / losses[:, 1] - 1).max() < 1e-10


def test_a_run_reports_what_it_did():
    tier = closed(profile("densenet-mini"), "dense1.1.conv")
    report = run(plan_of(profile("densenet-mini"), tier), 3)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference < 1e-10
    assert report.tier.tolist() == tier.tolist() and report.cut is None and report.clients == 1
    assert (report.dtype, report.learning_rate, report.rounds) == ("float64", 1e-3, 1)
    assert [each.span for each in report.delays] == ["local step", "round", "training"]
    text = str(report)
    assert f"densenet-mini in float64, 1 client, {(tier == 0).sum()} of 24 layers on the device, batch 4" in text
    assert "weights down" in text and "DIFFERS" not in text.replace("simulated training", "").split("simulated")[0]
    assert Report.from_json(report.to_json()).to_json() == report.to_json()


def test_each_side_holds_only_what_its_layers_read():
    plan = plan_of(profile("densenet-mini"), closed(profile("densenet-mini"), "dense1.1.conv"))
    dag = started(plan)
    own = {party.name: {name for name in party.reads if name.endswith("weight")} for party in (dag.device, dag.server)}
    assert not own["client 1"] & own["server"]
    assert any(name.startswith("dense1.1.conv") for name in own["client 1"])
    assert any(name.startswith("dense1.2.conv") for name in own["server"])


def test_a_tensor_is_sent_once_however_many_layers_read_it():
    tier = closed(profile("googlenet-mini"), "pool1")
    plan = plan_of(profile("googlenet-mini"), tier)
    dag = started(plan)
    sent = []
    send = dag.link.send_as_is
    object.__setattr__(dag.link, "send_as_is", lambda stage, x: sent.append((stage, tuple(x.shape))) or send(stage, x))
    dag.step()
    assert sent == [(Stage.ACTIVATIONS, (4, 8, 8, 8)), (Stage.GRADIENTS, (4, 8, 8, 8))]


def test_the_weights_travel_at_the_end_of_a_round_only_and_stay_what_they_are():
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stage1.0.add"), local_steps=2)
    dag = started(plan)
    dag.step()
    assert not any(stage in (Stage.WEIGHTS_UP, Stage.WEIGHTS_DOWN) for _, stage in dag.meter.bits)
    dag._end_round, end_round = (lambda: None), dag._end_round
    dag.step()
    before = [weight.detach().clone() for weight in dag.device.weights.factors]
    end_round()
    assert dag.meter.bits["client 1", Stage.WEIGHTS_UP] == plan.predicted("bits")[-1].value
    assert all(torch.equal(a, b) for a, b in zip(before, dag.device.weights.factors, strict=True))


def test_a_wrong_prediction_shows():
    tier = closed(profile("resnet-mini"), "stage1.0.add")
    plan = plan_of(profile("resnet-mini"), tier)
    wrong = [row.replace(value=2 * row.value) if row.stage == Stage.GRADIENTS else row for row in plan.prediction]
    report = run(plan.replace(prediction=wrong), 1)
    assert not report.bits_agree and "DIFFERS by 50.00%" in str(report)


def test_the_optimum_of_the_problem_runs_as_its_plan_says(tmp_path):
    """A device that is now and then faster: the minimum cut goes through branches, and every number comes true."""
    rng = np.random.default_rng(1)
    problem = ra.DagSplit.sample(seed=1, model="googlenet-mini", batch_size=4, local_steps=2)
    scale, layers = problem.output_bits.mean() / 1e8, problem.layers
    problem = problem.replace(
        device_seconds=scale * rng.lognormal(0, 1.5, layers),
        server_seconds=scale * rng.lognormal(-0.3, 1.5, layers),
        weight_bits=problem.weight_bits,
        uplink_bps=1e9,
        downlink_bps=1e9,
    )
    result = ra.solve(problem)
    tier = result.decision.tier
    assert result.termination == "optimal" and 1 < (tier == 0).sum() < layers
    plan = Plan.load(result.plan().save(tmp_path / "plan.json"))
    report = ra.run(plan, 4)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_memory_difference < 0.1
    training = report.delays[-1]
    assert training.measured == pytest.approx(result.objective, rel=1e-12) == training.predicted


def test_a_run_that_died_continues_to_the_same_losses(tmp_path):
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stage1.0.add"))
    whole = run(plan, 5)
    run(plan, 3, checkpoint=tmp_path)
    again = run(plan, 5, checkpoint=tmp_path, resume=True)
    assert again.loss.tolist() == whole.loss.tolist() and again.reference_loss.tolist() == whole.reference_loss.tolist()
    assert [row.to_json() for row in again.rows] == [row.to_json() for row in whole.rows]
    saved, tensors = read(tmp_path)
    name = "client 1/stem.norm.running_mean"
    assert tensors[name].abs().sum() > 0
    write(tmp_path, saved, {key: each for key, each in tensors.items() if key != name})
    with pytest.raises(InputError, match=f"lacks tensor {name}"):
        run(plan, 6, checkpoint=tmp_path, resume=True)


OWN = {
    "two inputs": (TwoInputs, lambda n: (torch.randn(n, 4), torch.randint(0, 300, (n, 7))), ("b", "table")),
    "tokens": (Tokens, lambda n: torch.randint(0, 10, (n, 5)), ("layers.0.add_2",)),
}


@pytest.mark.parametrize("name", OWN)
def test_a_module_of_ones_own(name):
    make, draw, device = OWN[name]
    torch.manual_seed(0)
    module, inputs, labels = make(), draw(30), torch.randint(0, 3, (30,))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    double = make().double()
    example = tuple(
        x.double() if x.is_floating_point() else x for x in (inputs if isinstance(inputs, tuple) else (inputs,))
    )
    traced = trace(double, tuple(x[:4] for x in example), model="mine", label_bits=8)
    tier = closed(traced, *(name for name in device if name in traced.names))
    assert len(crossing(traced, tier)) >= 2
    report = run(plan_of(traced, tier), 3, module=module, data=(inputs, labels))
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference < 1e-10
    assert report.model == "mine" and report.data == "given tensors"
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items()), "it stays as it is"


def test_layers_that_are_not_fused_run_too():
    apart = profile_of(prepared("densenet-mini")[1].grouped(fuse=False), "densenet-mini", 8)
    tier = closed(apart, "dense1.1.narrow.norm")
    report = run(plan_of(apart, tier), 2)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference < 1e-10


def own_plan(module, inputs, *device):
    traced = trace(module.double(), inputs, model="mine", label_bits=8)
    return plan_of(traced, closed(traced, *device))


def test_weights_on_both_sides_are_refused():
    module, data = Shared(), (torch.randn(9, 4), torch.randint(0, 3, (9,)))
    plan = own_plan(module, torch.zeros(4, 4).double(), "one")
    with pytest.raises(InputError, match="tier: 'one' and 'one_2' share weights but lie on two sides"):
        run(plan, 1, module=module, data=data)
    everything = own_plan(module, torch.zeros(4, 4).double(), "other")
    assert run(everything, 2, module=module, data=data).worst_loss_difference < 1e-10


def test_a_tied_head_cannot_be_split_from_its_embedding():
    small, tokens = GPT2(blocks=1, width=8, heads=2, vocabulary=16).requires_grad_(True), torch.randint(0, 16, (9, 6))
    plan = own_plan(small, tokens[:4], "blocks.0.add_2")
    with pytest.raises(InputError, match=r"tier: 'embedding\.token' and 'linear' share weights but lie on two sides"):
        run(plan, 1, module=small, data=(tokens, tokens))


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"model": "no such"}, {}, "the plan's model 'no such' is none of those that can be built: "),
        ({"names": None}, {}, "the plan does not name its layers"),
        ({"parameter_bits": 16}, {}, "parameter_bits = 16: must be one of 32, 64 to run"),
        ({"tier": [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]}, {}, "the plan has three tiers"),
        ({}, {"data": "text.csv"}, "resnet-mini trains on digits: a file of text does not suit it"),
        ({}, {"data": 7}, "data: must be a CSV file with columns mr and ref for this plan"),
        ({"batch_size": 10**9}, {}, r"batch_size = 1000000000: the run needs .*B, this machine has"),
        ({"tier": [1] * 12}, {}, "tier: 'input' is raw data, which is on the device"),
        ({"tier": [0, 1, 0, *[1] * 9]}, {}, "tier: 'pool' is on the device and reads 'stem.conv', which is not"),
    ],
)
def test_plans_that_cannot_be_run(change, arguments, message):
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stem.conv"))
    with pytest.raises(InputError, match=message):
        run(plan.replace(**change), 1, **arguments)


def test_a_plan_of_another_model_is_refused():
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stem.conv"))
    names = list(plan.names)
    names[2] = "other"
    with pytest.raises(
        InputError, match=r"names\[2\]: the plan's layer is 'other', the model's 'pool': trace the model"
    ):
        run(plan.replace(names=names), 1)


def test_modules_that_cannot_be_run():
    linear = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    plan = own_plan(linear, torch.zeros(4, 4).double(), "0")
    data = torch.randn(9, 4), torch.randint(0, 3, (9,))
    dropping = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 3))
    with pytest.raises(InputError, match=r"module: draws random numbers \(dropout\): set p = 0"):
        run(plan, 1, module=dropping, data=data)
    with pytest.raises(InputError, match="the model returns 3 tensors: one is needed for the loss"):
        run(
            own_plan(Halves(), torch.zeros(4, 16).double(), "both"),
            1,
            module=Halves(),
            data=(torch.randn(9, 16), data[1]),
        )
    with pytest.raises(InputError, match=r"module = 3: must be a torch\.nn\.Module"):
        run(plan, 1, module=3, data=data)
    with pytest.raises(InputError, match="parameter_bits = 16: must be one of 32, 64 to run"):
        run(plan.replace(parameter_bits=16), 1, module=linear, data=data)
    federated = ra.solve(ra.FedsLLM.sample(seed=0, clients=2, subchannels=5, model="gpt-mini")).plan()
    with pytest.raises(InputError, match="module: a plan of protocol split_federated builds its own model"):
        run(federated, 1, module=linear)


def test_labels_that_no_output_stands_for_are_refused():
    linear, inputs = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)), torch.zeros(40, 8).double()
    for device in ((), ("0",), ("0", "2")):
        plan = own_plan(linear, inputs[:BATCH], *device)
        with pytest.raises(InputError, match="data: labels hold 3: must be at most 2, the last output"):
            run(plan, 1, module=linear, data=(inputs, torch.full((40,), 3)))
        with pytest.raises(InputError, match=r"data: labels \[\d+, 2\] for outputs \[\d+, 3\]: one for each row"):
            run(plan, 1, module=linear, data=(inputs, torch.zeros(40, 2, dtype=torch.int64)))


def test_a_time_model_predicts_split_federated_training_only():
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stem.conv"))
    with pytest.raises(InputError, match="time_model: predicts split federated training, not the protocol dag"):
        run(plan, 1, time_model=object())


def test_training_lowers_the_loss_on_few_samples():
    _, traced, _, _ = prepared("resnet-mini")
    torch.manual_seed(0)
    samples = own_samples((torch.randn(6, 1, 16, 16), torch.randint(0, 10, (6,))), torch.float64, 0)
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stem.conv"))
    dag = Dag(plan, traced, samples, label_bytes=1, learning_rate=1e-2)
    losses = [dag.step() for _ in range(30)]
    assert dag.rounds == 15 and np.mean(losses[-5:]) < 0.5 * losses[0]


def test_plans_on_disk_name_their_layers(tmp_path):
    plan = plan_of(profile("resnet-mini"), closed(profile("resnet-mini"), "stem.conv"))
    stored = json.loads(plan.save(tmp_path / "plan.json").read_text())
    assert stored["protocol"] == "dag" and stored["names"][1] == "stem.conv" and stored["tier"][:3] == [0, 0, 1]
